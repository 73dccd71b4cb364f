"""After a purge only the tombstone stays: nothing else says what the document was called."""

from __future__ import annotations

import csv
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doclife.delivery.links import Links
from doclife.domain.review import Answer, Keeping
from doclife.lifecycle import erasing
from doclife.lifecycle.deciding import keep_documents
from doclife.lifecycle.erasing import Swept, sweep
from doclife.lifecycle.reacting import react_to_events
from doclife.lifecycle.registering import ImportResult, ImportSettings, import_documents
from doclife.lifecycle.reporting import ask_for_report, list_reports, make_report, read_report
from doclife.lifecycle.summarising import store_digests
from doclife.lifecycle.warning import warn_owners
from doclife.storage.local import LocalFilesystem
from doclife.store import organizations

from .conftest import ACTOR, NOW, World
from .test_keeping_by_link import LINKS, press, subject_of

SECRETS = {
    "title": "Zebrafinch dismissal letter",
    "owner": "quokka.lindqvist@example.org",
    "external_id": "personnel/axolotl-4711",
    "file": "wombat-contract-2019.txt",
    "metadata": "narwhal-national-id",
    "comment": "ask the platypus first",
    "event": "capybara left the company",
    "answer": "okapi could not be found",
}
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
EXPIRY = {"type": "ON_EXPIRATION"}


def everything(world: World) -> dict[str, str]:
    """Every row of every table as text, and every file: by where it is.

    Tables are found in the catalogue of PostgreSQL, so that a new one is looked at by itself.
    """
    tables = world.conn.execute(
        "SELECT relation.relname FROM pg_catalog.pg_class AS relation"
        " WHERE relation.relnamespace = 'doclife'::regnamespace AND relation.relkind = 'r'"
    ).fetchall()
    assert len(tables) > 60
    found = {}
    for (table,) in tables:
        query: Any = f'SELECT row_to_json(one)::text FROM "{table}" AS one'
        found[table] = "\n".join(row[0] for row in world.conn.execute(query))
    for path in world.folder.rglob("*"):
        if path.is_file():
            found[str(path)] = path.read_bytes().decode(errors="replace")
    return found


def leaks(found: dict[str, str]) -> dict[str, list[str]]:
    """Where which secrets are told, be it in a name, in plain words or in hexadecimal."""
    told = {}
    for place, text in found.items():
        content = f"{place}\n{text}".lower()
        names = [
            name
            for name, secret in SECRETS.items()
            if secret.lower() in content or secret.encode().hex() in content
        ]
        if names:
            told[place] = names
    return told


def import_one(world: World, **columns: Any) -> ImportResult:
    """Import one file by a manifest that says these columns."""
    manifest = world.folder.parent / f"{world.folder.name}-manifest.csv"
    with manifest.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([columns.keys(), columns.values()])
    return import_documents(
        world.conn,
        source=str(manifest),
        settings=ImportSettings(),
        now=world.now,
        actor=ACTOR,
        options=lambda _connection_id: {},
    )


def register(world: World) -> int:
    """Import one file by a manifest, into a store of its own."""
    (world.folder / "documents" / SECRETS["file"]).write_bytes(b"content")
    result = import_one(
        world,
        path=world.folder / "documents" / SECRETS["file"],
        external_id=SECRETS["external_id"],
        title=SECRETS["title"],
        owner=SECRETS["owner"],
        document_type="draft",
        expires_on=NOW.date() + timedelta(days=25),
    )
    assert (result.new, result.problems) == (1, ())
    world.conn.execute(
        "UPDATE documents SET metadata = %s", (json.dumps({"note": SECRETS["metadata"]}),)
    )
    return int(world.value("SELECT max(id) FROM documents"))


def deliver_and_fail(world: World) -> None:
    """Of the messages that wait, a third is sent, a third is given up, a third goes on waiting."""
    world.conn.execute(
        "INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, outcome,"
        " answer_head, error, attempted_at)"
        " SELECT id, 1, organization_id, kind, 'retry', %(said)s, %(said)s, %(now)s FROM jobs"
        " WHERE documents_of_payload(payload::jsonb) IS NOT NULL AND payload NOT LIKE '%%_ids%%'",
        {"said": SECRETS["answer"], "now": world.now},
    )
    world.conn.execute(
        "WITH sent AS (DELETE FROM jobs WHERE id %% 3 = 0 RETURNING *)"
        " INSERT INTO job_history (id, organization_id, kind, attempts, created_at, finished_at,"
        " endpoint_id, payload) SELECT id, organization_id, kind, 1, created_at, %s, endpoint_id,"
        " CASE WHEN kind = 'webhook' THEN payload END FROM sent",
        (world.now,),
    )
    world.conn.execute(
        "WITH dead AS (DELETE FROM jobs WHERE id %% 3 = 1 RETURNING *)"
        " INSERT INTO jobs_failed (id, organization_id, kind, payload, priority, attempts,"
        " max_attempts, last_error, requested_by, created_at, state, finished_at)"
        " SELECT id, organization_id, kind, payload, priority, 1, max_attempts,"
        " CASE WHEN documents_of_payload(payload::jsonb) IS NOT NULL THEN %s END,"
        " requested_by, created_at, 'failed', %s FROM dead",
        (SECRETS["answer"], world.now),
    )


def digest(world: World) -> None:
    store_digests(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        dag_id="d",
        run_id="r",
        is_early=True,
    )
    # The queue shows those that are lines in the dashboard.
    world.conn.execute(
        "WITH shown AS (DELETE FROM jobs WHERE kind = 'notification' RETURNING *)"
        " INSERT INTO notifications (organization_id, recipient, type, title, body, document_ids)"
        " SELECT organization_id, payload::jsonb ->> 'recipient', 'message',"
        " payload::jsonb ->> 'title', payload::jsonb ->> 'body',"
        " documents_of_payload(payload::jsonb) FROM shown"
    )


def live(world: World) -> int:
    """Let a document have everything happen to it that writes something down, up to the trash."""
    world.conn.execute(
        "INSERT INTO recipient_preferences (organization_id, recipient, channel)"
        " VALUES (1, 'records@example.org', 'notification')"
    )
    world.conn.execute("UPDATE organizations SET fallback_recipient = 'records@example.org'")
    endpoint = world.value(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', 'https://erp.example.org', 'user:olga') RETURNING id"
    )
    world.conn.execute(
        "INSERT INTO webhook_subscriptions (endpoint_id, event_types) VALUES (%s, ARRAY['*'])",
        (endpoint,),
    )
    document = register(world)
    world.conn.execute(
        "SELECT emit_event('employee.left', %s, %s)",
        (SECRETS["external_id"], json.dumps({"why": SECRETS["event"]})),
    )
    world.enforce(
        "tell",
        trigger=EXPIRY,
        when=DRAFTS,
        warn=["30d", "7d"],
        actions=[
            {"do": "ARCHIVE"},
            {"do": "NOTIFY", "with": {"to": "{{ document.owner }}"}},
            {"do": "NOTIFY", "with": {"to": "anna", "channel": "notification"}},
        ],
    )
    warn_owners(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        organization=organizations.find(world.conn, "default"),
        links=Links(airflow_url=LINKS.airflow_url, public_url=LINKS.public_url, keys=LINKS.keys),
    )
    mail = json.loads(world.value("SELECT payload FROM jobs WHERE kind = 'email'"))
    press(world, subject_of(world, mail["text"]))
    world.later(days=60)
    world.night()
    assert world.status(document) == "archived"
    world.enforce(
        "drop",
        when=DRAFTS,
        actions=[
            {"do": "WEBHOOK", "with": {"endpoint": "erp"}},
            {"do": "DELETE"},
        ],
        review={"stages": ["records"]},
        grace="30d",
    )
    [dropping] = [one for one in world.plan() if one.rule == "drop@1"]
    keep_documents(
        world.conn,
        plan_id=dropping.plan_id,
        document_ids=[document],
        keeping=Keeping(answer=Answer.REJECT, comment=SECRETS["comment"]),
        actor="cli:anna",
        now=world.now,
    )
    world.later(days=61)
    digest(world)
    [again] = [one for one in world.plan() if one.rule == "drop@1"]
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:boss')",
        (again.plan_id,),
    )
    world.conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (again.plan_id,))
    world.apply(again.plan_id)
    assert world.status(document) == "deleted"
    world.later(days=31)
    digest(world)
    react_to_events(world.conn, now=world.now)
    return document


def fail_to_purge(world: World) -> None:
    """A first purge finds the file changed, which its item and a report say."""
    path = world.folder / "documents" / SECRETS["file"]
    path.write_bytes(b"CONTENT")
    world.purge()
    path.write_bytes(b"content")
    world.later(days=1)
    payload = {"days": 3, "to": ["boss@example.org"]}
    job = ask_for_report(
        world.conn, organization="default", payload=payload, actor=ACTOR, now=world.now
    )
    make_report(
        world.conn,
        job_id=job,
        organization="default",
        payload=payload,
        stores=world.stores,
        now=world.now,
    )


def test_after_a_purge_nothing_says_what_the_document_was_called(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="doclife")
    document = live(world)
    fail_to_purge(world)
    deliver_and_fail(world)
    before = leaks(everything(world))
    told_at_first = {name for names in before.values() for name in names}
    assert told_at_first == set(SECRETS), "the test tells too little"
    for place in ("documents", "jobs", "jobs_failed", "notifications", "plan_items", "events"):
        assert place in before, f"nothing of it was in {place}"
    assert any(place.endswith(".csv") for place in before)
    caplog.clear()

    world.purge()
    swept = sweep(world.conn, stores=world.stores, now=world.now)

    assert world.status(document) == "purged"
    assert (swept.documents, swept.waiting) == (1, 0)
    assert sweep(world.conn, stores=world.stores, now=world.now) == Swept()
    assert leaks(everything(world)) == {}
    assert not [line for line in caplog.messages if leaks({"log": line})]


def purged(world: World, name: str = "draft.txt") -> int:
    """Register a document, trash it and purge it; what is stored about it before is its own."""
    document = world.add_document(name, document_type="draft")
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}], grace="0d")
    world.night()
    return document


def store_message(world: World, kind: str, payload: dict[str, Any]) -> int:
    return int(
        world.value(
            "INSERT INTO jobs (organization_id, kind, payload, max_attempts, requested_by)"
            " VALUES (1, %s, %s, 3, 'schedule') RETURNING id",
            kind,
            json.dumps(payload),
        )
    )


def payload_of(world: World, job_id: int) -> dict[str, Any] | None:
    text = world.value("SELECT payload FROM jobs WHERE id = %s", job_id)
    return None if text is None else json.loads(text)


def test_what_waits_is_taken_back_or_loses_its_words_and_what_is_being_sent_is_left(
    world: World,
) -> None:
    document = purged(world)
    about = {"id": document, "title": "Title of draft.txt", "document_type": "draft"}
    mail = {"to": "a@example.org", "subject": "s", "text": "Title of draft.txt"}
    warning = store_message(world, "email", {**mail, "document": about})
    sending = store_message(world, "email", {**mail, "document": about})
    digest = store_message(world, "email", {**mail, "document_ids": [document, 999]})
    other = store_message(world, "email", {**mail, "document": {"id": 999}})
    call = store_message(
        world, "webhook", {"endpoint": "erp", "type": "document.due", "data": {"document": about}}
    )
    world.conn.execute(
        "WITH worker AS (INSERT INTO job_workers (name, leased_until) VALUES ('w', now())"
        " RETURNING id) INSERT INTO job_batches (worker_id, job_ids) SELECT id, %s FROM worker",
        ([sending],),
    )
    world.purge()

    swept = sweep(world.conn, stores=world.stores, now=world.now)

    assert (swept.withdrawn, swept.documents, swept.waiting) == (1, 0, 1)
    assert payload_of(world, warning) is None
    assert payload_of(world, sending) is not None
    assert payload_of(world, digest) is not None
    assert payload_of(world, other) is not None
    told = payload_of(world, call)
    assert told is not None
    assert told["data"]["document"] == {
        "id": document,
        "document_type": "draft",
        "status": "purged",
    }
    world.conn.execute("DELETE FROM jobs WHERE id = ANY(%s)", ([sending, digest],))
    assert sweep(world.conn, stores=world.stores, now=world.now).documents == 1


def test_a_killed_sweep_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    document = purged(world)
    mail = {"to": "a@example.org", "subject": "s", "text": "t", "document": {"id": document}}
    job = store_message(world, "email", mail)
    world.purge()

    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "_rewrite_reports", die)
        with pytest.raises(KeyboardInterrupt):
            sweep(world.conn, stores=world.stores, now=world.now)
    assert payload_of(world, job) is not None

    assert sweep(world.conn, stores=world.stores, now=world.now).withdrawn == 1
    assert payload_of(world, job) is None


def test_what_was_destroyed_is_not_registered_again(world: World) -> None:
    document = purged(world)
    world.purge()
    assert world.status(document) == "purged"

    key = world.value("SELECT external_id FROM documents WHERE id = %s", document)
    assert key.startswith("purged:")
    assert "draft.txt" not in key
    world.file("draft.txt").write_bytes(b"content")
    result = import_one(world, path=world.file("draft.txt"), external_id="draft.txt")
    assert (result.new, [problem.kind for problem in result.problems]) == (0, ["purged"])
    with pytest.raises(psycopg.errors.UniqueViolation, match="was destroyed"):
        world.add_document("draft.txt", content=None)
    assert world.value("SELECT count(*) FROM documents") == 1


@pytest.mark.parametrize(
    ("said", "words", "left"),
    [
        ("Zebra, ZEBRA and zebrA", ["zebra"], "[erased], [erased] and [erased]"),
        ("a.b+c and axb+c", ["A.B+C"], "[erased] and axb+c"),
        ("the zebra letter", ["zebra", "Zebra letter"], "the [erased]"),
        ("of x", ["of", "x"], "of x"),
        ("a" + "b" * 2000, ["b" * 2000], "a[erased]"),
    ],
)
def test_words_are_taken_out_in_large_letters_and_small(
    world: World, said: str, words: list[str], left: str
) -> None:
    assert world.value("SELECT without_words(%s, %s)", said, words) == left


def test_a_line_of_the_dashboard_that_is_only_a_title_is_emptied_too(world: World) -> None:
    document = purged(world)
    world.conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body, document_id,"
        " document_ids) VALUES (1, 'a', 'message', 'Zebrafinch letter', '', %s, NULL),"
        " (1, 'a', 'message', 'Zebrafinch letter', '', NULL, ARRAY[%s::bigint])",
        (document, document),
    )
    world.purge()
    sweep(world.conn, stores=world.stores, now=world.now)

    titles = world.conn.execute("SELECT title FROM notifications").fetchall()
    assert len(titles) == 2
    assert not [title for (title,) in titles if "Zebrafinch" in title]


def test_no_document_is_called_like_a_tombstone(world: World) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="does not begin with"):
        world.add_document("purged:0123", content=None)
    (world.folder / "documents" / "new.txt").write_bytes(b"content")

    path = world.folder / "documents" / "new.txt"
    result = import_one(world, path=path, external_id="purged:0123")

    assert (result.new, [problem.kind for problem in result.problems]) == (0, ["bad row"])
    assert "destroyed documents are called so" in result.problems[0].reason


def test_bytes_that_others_need_keep_their_place(world: World) -> None:
    document = purged(world)
    other = world.value(
        "INSERT INTO documents (organization_id, external_id, stored_object_id, registered_at)"
        " SELECT 1, 'sharer', stored_object_id, %s FROM documents WHERE id = %s RETURNING id",
        NOW,
        document,
    )
    world.purge()

    assert world.status(document) == "purged"
    uri = world.value(
        "SELECT object.uri FROM documents AS document INNER JOIN stored_objects AS object"
        " ON document.stored_object_id = object.id WHERE document.id = %s",
        other,
    )
    assert Path(uri.removeprefix("file://")).read_bytes() == b"content"


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("UPDATE plan_items SET reason = 'other'", "an_outcome_is_never_rewritten"),
        ("UPDATE plan_decisions SET comment = NULL", None),
        (
            "UPDATE stored_objects SET uri = (SELECT root_uri FROM stores WHERE id = store_id)"
            " || '/.forgotten/' || id",
            "references_are_counted_by_the_database",
        ),
    ],
)
def test_words_are_only_taken_from_what_is_purged(
    world: World, change: str, constraint: str | None
) -> None:
    purged(world)
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, document_id, decision, decided_by, comment)"
        " SELECT plan_id, document_id, 'reject', 'user:a', 'no' FROM plan_items"
    )
    query: Any = change
    with pytest.raises(psycopg.errors.IntegrityError) as refused:
        world.conn.execute(query)
    assert refused.value.diag.constraint_name == constraint


def test_a_report_loses_the_lines_of_a_document_and_no_other() -> None:
    page = b'<tr data-document="1"><td>one</td></tr>\n<tr data-document="11"><td>eleven</td></tr>'
    table = (
        b"\xef\xbb\xbfsection,rule,action,outcome,name,title,documents,bytes,on,reason,document\r\n"
        b"failed,r,PURGE,failed,one,One,1,7,2026-03-02,of one,1\r\n"
        b"failed,r,PURGE,failed,eleven,Eleven,1,7,2026-03-02,of eleven,11\r\n"
    )

    new_page = erasing.erase_from_page(page, [1])
    new_table = erasing.erase_from_table(table, [1])

    assert b"one" not in new_page
    assert b"#1 [erased]" in new_page
    assert b"<td>eleven</td>" in new_page
    assert new_table.splitlines()[0] == table.splitlines()[0]
    assert b"#1,,1,7,2026-03-02,[erased],1" in new_table
    assert new_table.splitlines()[2] == table.splitlines()[2]
    assert erasing.erase_from_table(new_table, [1]) == new_table
    assert erasing.erase_from_page(new_page, [1]) == new_page
    assert erasing.erase_from_page(page, range(2, 11)) == page
    assert b"eleven" not in erasing.erase_from_page(page, range(2, 100_000))


def reported(world: World) -> None:
    """Let a report name a document, and purge it."""
    purged(world)
    world.file("draft.txt").write_bytes(b"CONTENT")
    world.purge()
    world.file("draft.txt").write_bytes(b"content")
    world.later(days=1)
    payload: dict[str, Any] = {"days": 3, "to": []}
    job = ask_for_report(
        world.conn, organization="default", payload=payload, actor=ACTOR, now=world.now
    )
    asked = {"job_id": job, "organization": "default", "payload": payload}
    make_report(world.conn, **asked, stores=world.stores, now=world.now)
    world.purge()


@pytest.mark.parametrize(("gone", "left"), [("html", "csv"), ("csv", "html")])
def test_a_file_of_a_report_is_swept_when_somebody_removed_the_other(
    world: World, gone: str, left: str
) -> None:
    reported(world)
    [[uri]] = world.conn.execute(f"SELECT {gone}_uri FROM reports").fetchall()
    Path(uri.removeprefix("file://")).unlink()

    assert sweep(world.conn, stores=world.stores, now=world.now).reports == 1

    [report] = list_reports(world.conn, organization=organizations.find(world.conn, "default"))
    # Read against its record, too.
    content = read_report(report, is_table=left == "csv", stores=world.stores)
    assert b"draft.txt" not in content
    assert b"#1" in content


@pytest.mark.parametrize("dies_at", [1, 2])
def test_killed_between_the_files_of_a_report_it_is_whole_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    reported(world)
    honest, calls = LocalFilesystem.replace, 0

    def die(self: LocalFilesystem, uri: str, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == dies_at:
            raise KeyboardInterrupt
        honest(self, uri, content)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFilesystem, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            sweep(world.conn, stores=world.stores, now=world.now)

    assert sweep(world.conn, stores=world.stores, now=world.now).documents == 1
    [report] = list_reports(world.conn, organization=organizations.find(world.conn, "default"))
    for is_table in (True, False):
        content = read_report(report, is_table=is_table, stores=world.stores)
        assert b"draft.txt" not in content
        assert b"#1" in content
