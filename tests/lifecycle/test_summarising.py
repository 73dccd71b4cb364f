"""The daily digest: one per person, of what concerns them, and never an empty one."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from doclife.delivery.rendering import TEMPLATE_FAULTS
from doclife.domain.signature import SigningKey
from doclife.lifecycle import reviewing, summarising
from doclife.lifecycle.audit_heads import sign_heads
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.summarising import DigestOutcome, store_digests
from doclife.storage.stores import Stores
from doclife.store import audit_chain
from doclife.store.connection import Connection
from doclife.store.reviews import Question
from local.state import ROOT

from .conftest import NOW, World

pytestmark = pytest.mark.usefixtures("_jobs_that_fit")

KEY = SigningKey(seed=b"\x07" * 32)
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
SOON = NOW.date() + timedelta(days=10)


def digest(world: World, *, is_early: bool = True) -> DigestOutcome:
    """By hand, for the whole day; or as the hourly run does it."""
    return store_digests(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        dag_id="d",
        run_id="r",
        is_early=is_early,
    )


def mails(world: World) -> dict[str, dict[str, Any]]:
    """The newest digest of each recipient."""
    rows = world.conn.execute(
        "SELECT payload FROM jobs WHERE unique_key LIKE 'digest:%' ORDER BY id"
    )
    return {mail["to"]: mail for (text,) in rows for mail in [json.loads(text)]}


def contact(world: World, address: str | None = "records@example.org") -> None:
    world.conn.execute("UPDATE organizations SET fallback_recipient = %s", (address,))


def test_nobody_gets_an_empty_digest(world: World) -> None:
    contact(world)
    world.add_document("a.txt")

    assert digest(world) == DigestOutcome(recipients=0, jobs=0, skipped_empty=1)
    assert mails(world) == {}


def test_owners_read_of_their_own_and_the_records_contact_of_everything(world: World) -> None:
    contact(world)
    world.add_document("anns.txt", owner="ann@example.org", expires_on=SOON)
    world.add_document("bobs.txt", owner="Bob@Example.org", expires_on=SOON)
    world.add_document("nobodys.txt", owner="the basement", expires_on=SOON)

    assert digest(world) == DigestOutcome(recipients=3, jobs=3, skipped_empty=0)

    found = mails(world)
    assert set(found) == {"ann@example.org", "bob@example.org", "records@example.org"}
    assert "Title of anns.txt" in found["ann@example.org"]["text"]
    assert "bobs" not in found["ann@example.org"]["text"]
    overview = found["records@example.org"]
    for name in ("anns", "bobs", "nobodys"):
        assert f"Title of {name}.txt" in overview["text"]
        assert f"Title of {name}.txt" in overview["html"]
    assert "Documents of Default organization" in overview["subject"]
    assert world.value("SELECT kind FROM jobs LIMIT 1") == "email"


def test_the_records_contact_alone_reads_where_the_signed_audit_chain_ends(world: World) -> None:
    contact(world)
    world.add_document("anns.txt", owner="ann@example.org", expires_on=SOON)
    nowhere = Stores([], deployment_id=uuid4())
    sign_heads(world.conn, key=KEY, stores=nowhere, now=world.now, actor="schedule")

    digest(world)

    (head,) = audit_chain.list_heads(world.conn, 1)
    found = mails(world)
    for part in ("text", "html"):
        assert head.hash.hex() in found["records@example.org"][part]
        assert head.hash.hex() not in found["ann@example.org"][part]


def test_without_a_records_contact_owners_still_get_theirs(world: World) -> None:
    contact(world, None)
    world.add_document("a.txt", expires_on=SOON)

    assert digest(world) == DigestOutcome(recipients=1, jobs=1, skipped_empty=0)


def test_a_second_run_for_the_same_day_stores_nothing_twice(world: World) -> None:
    contact(world)
    world.add_document("a.txt", expires_on=SOON)
    digest(world)

    world.later(hours=2)

    assert digest(world) == DigestOutcome(recipients=0, jobs=0, skipped_empty=0)
    assert world.value("SELECT count(*) FROM jobs") == 2
    keys = world.conn.execute("SELECT unique_key FROM jobs ORDER BY unique_key").fetchall()
    whose = hashlib.sha256(b"owner@example.org").hexdigest()[:32]
    assert (f"digest:default:{whose}:2026-03-02",) in keys


@pytest.mark.parametrize("step", ["begun", "storing", "stored", "finishing"])
def test_a_run_that_is_killed_is_completed_by_the_next_and_nobody_gets_two(
    world: World, database: str, step: str
) -> None:
    world.conn.execute(
        "INSERT INTO documents (organization_id, external_id, title, owner, expires_on)"
        " SELECT 1, n || '.txt', 'Title ' || n, n || '@example.org', %s"
        " FROM generate_series(1, 900) AS n",
        (SOON,),
    )

    killed = subprocess.run(
        [sys.executable, "-m", "tests.lifecycle.summarise_until_killed", database, step],
        env={**os.environ, "PYTHONPATH": str(ROOT / "plugins")},
        cwd=ROOT,
        timeout=120,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    stored = {"begun": 0, "storing": 200, "stored": 400, "finishing": 900}[step]
    assert world.value("SELECT count(*) FROM jobs") == stored
    world.later(minutes=10)
    assert digest(world).jobs == 900 - stored
    assert world.value("SELECT count(DISTINCT payload::jsonb ->> 'to') FROM jobs") == 900
    assert world.value("SELECT count(*) FROM jobs") == 900


def test_what_happens_between_a_death_and_the_run_that_goes_on_is_in_tomorrows_digest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_document("a.txt", document_type="draft", owner="ann@example.org")
    world.add_document("b.txt", owner="ann@example.org", expires_on=NOW.date() + timedelta(days=1))
    with monkeypatch.context() as patch:
        patch.setattr(summarising.digests, "finish_day", _dies)
        with pytest.raises(KeyboardInterrupt):
            digest(world)
    world.later(minutes=10)
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.later(minutes=10)
    digest(world)
    assert "Title of a.txt" not in mails(world)["ann@example.org"]["text"]

    world.later(days=1)
    digest(world)

    assert "Title of a.txt" in mails(world)["ann@example.org"]["text"]


def _dies(*_arguments: Any, **_named: Any) -> None:
    raise KeyboardInterrupt


def test_ten_thousand_readers_are_served_by_the_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.conn.execute(
        "INSERT INTO documents (organization_id, external_id, title, owner, expires_on)"
        " SELECT 1, n || '.txt', 'Title ' || n, n %% 10000 || '@example.org', %s"
        " FROM generate_series(1, 30000) AS n",
        (SOON,),
    )
    sizes, statements = [], 0
    whole = summarising.digests.store

    def measured(conn: Connection, rendered: Any, **named: Any) -> int:
        sizes.append(len(rendered))
        return whole(conn, rendered, **named)

    monkeypatch.setattr(summarising.digests, "store", measured)
    execute = type(world.conn).execute

    def counted(conn: Connection, *arguments: Any, **named: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(conn, *arguments, **named)

    monkeypatch.setattr(type(world.conn), "execute", counted)

    assert digest(world) == DigestOutcome(recipients=10_000, jobs=10_000)

    assert sizes == [summarising.PAGE_SIZE] * 50
    assert statements < 50 * 6  # sets, never one for each reader


def test_says_what_was_done_and_what_failed(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.add_document("b.txt", document_type="letter", owner="nobody")
    world.enforce("drafts", when=DRAFTS, actions=[{"do": "DELETE"}])
    world.enforce(
        "letters",
        when={"field": "document_type", "op": "eq", "value": "letter"},
        actions=[{"do": "NOTIFY", "with": {"to": "{{ document.title.owr }}"}}],
    )
    world.night()
    world.later(hours=5)

    digest(world)

    own = mails(world)["owner@example.org"]["text"]
    assert "Done since the last summary (1)" in own
    assert "Title of a.txt (a.txt): moved to the trash" in own
    overview = mails(world)["records@example.org"]["text"]
    assert "Failed (1)" in overview
    assert "no field 'owr'" in overview


def test_what_one_digest_said_the_next_leaves_out(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.later(hours=5)
    digest(world)
    world.later(hours=20)

    assert digest(world) == DigestOutcome(recipients=0, jobs=0, skipped_empty=1)


def test_a_digest_of_the_future_is_of_now_and_silences_no_later_one(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.add_document("b.txt", expires_on=SOON)
    named: dict[str, Any] = {"actor": "schedule", "dag_id": "d", "run_id": "r", "is_early": True}
    store_digests(world.conn, now=world.now, as_of=world.now + timedelta(days=1500), **named)
    world.later(hours=1)
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.later(days=1)

    digest(world)

    assert "Title of a.txt" in mails(world)["records@example.org"]["text"]


def test_a_digest_for_a_past_day_begins_where_the_one_before_that_day_ended(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.add_document("b.txt", expires_on=SOON)
    yesterday = world.now + timedelta(hours=1)
    world.later(days=2)
    digest(world)

    store_digests(
        world.conn,
        now=world.now,
        as_of=yesterday,
        actor="schedule",
        dag_id="d",
        run_id="r",
        is_early=True,
    )

    assert "Title of a.txt" in mails(world)["records@example.org"]["text"]


def prefer(world: World, recipient: str, **columns: Any) -> None:
    names = ["organization_id", "recipient", *columns]
    world.conn.execute(
        f"INSERT INTO recipient_preferences ({', '.join(names)})"
        f" VALUES ({', '.join(['%s'] * len(names))})",
        (1, recipient, *columns.values()),
    )


def test_each_run_sends_to_those_whose_morning_has_come(world: World) -> None:
    world.conn.execute("UPDATE organizations SET time_zone = 'Europe/Berlin'")
    for name, zone in (
        ("ann", None),
        ("bob", "America/New_York"),
        ("eva", "Asia/Tokyo"),
        ("ivo", "Asia/Kathmandu"),
        ("odd", "Mars/Olympus"),
    ):
        world.add_document(f"{name}.txt", owner=f"{name}@example.org", expires_on=SOON)
        prefer(world, f"{name}@example.org", time_zone=zone)
    world.now = datetime(2026, 3, 1, 20, tzinfo=UTC)
    made: dict[str, list[tuple[int, datetime]]] = {}
    known = 0
    for _hour in range(48):
        digest(world, is_early=False)
        rows = world.conn.execute("SELECT payload, run_at FROM jobs ORDER BY id").fetchall()
        for payload, run_at in rows[known:]:
            name = json.loads(payload)["to"][:3]
            made.setdefault(name, []).append((world.now.hour, run_at))
        known = len(rows)
        world.later(hours=1)

    def eight(zone: str, day: int) -> datetime:
        return datetime(2026, 3, day, 8, tzinfo=ZoneInfo(zone))

    # The first run finds three mornings that had passed without one. In Nepal 02:00 is 07:45.
    late = (20, datetime(2026, 3, 1, 20, tzinfo=UTC))
    assert made == {
        "ann": [late, (7, eight("Europe/Berlin", 2)), (7, eight("Europe/Berlin", 3))],
        "bob": [late, (13, eight("America/New_York", 2)), (13, eight("America/New_York", 3))],
        "eva": [(23, eight("Asia/Tokyo", 2)), (23, eight("Asia/Tokyo", 3))],
        "ivo": [(2, eight("Asia/Kathmandu", 2)), (2, eight("Asia/Kathmandu", 3))],
        "odd": [late, (7, eight("Europe/Berlin", 2)), (7, eight("Europe/Berlin", 3))],
    }


def test_a_reader_gets_one_over_each_channel_that_they_want(world: World) -> None:
    world.add_document("a.txt", title="<!channel> & co", owner="ann@example.org", expires_on=SOON)
    prefer(world, "Ann@example.org", channel="slack", address="U0123456789", locale="es")
    prefer(world, "ann@example.org", channel="notification")
    prefer(world, "bob@example.org", channel="slack")
    world.add_document("b.txt", owner="bob@example.org", expires_on=SOON)
    prefer(world, "bob@example.org", channel="email", wants_digest=False)

    assert digest(world) == DigestOutcome(recipients=1, jobs=3)

    rows = world.conn.execute("SELECT kind, payload FROM jobs").fetchall()
    found = {kind: json.loads(payload) for kind, payload in rows}
    assert set(found) == {"email", "slack", "notification"}
    assert found["slack"]["channel"] == "U0123456789"
    assert "resumen del 2 de marzo de 2026" in found["slack"]["text"]
    assert "&lt;!channel&gt; &amp; co" in found["slack"]["text"]
    assert found["notification"]["recipient"] == "ann@example.org"
    assert found["notification"]["title"] == "Your documents: summary of 2 March 2026"
    world.later(hours=1)
    assert digest(world).jobs == 0


def test_after_an_outage_a_digest_covers_the_days_since_the_last(world: World) -> None:
    contact(world)
    world.add_document("a.txt", expires_on=NOW.date())
    world.add_document("b.txt", document_type="draft")
    digest(world)
    world.later(hours=1)
    world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()

    world.later(days=3)
    digest(world)

    assert "Title of b.txt" in mails(world)["records@example.org"]["text"]


def test_says_which_plans_wait_for_a_person(world: World) -> None:
    contact(world)
    for number in range(3):
        world.add_document(f"{number}.txt", document_type="draft")
    world.enforce(
        when=DRAFTS,
        actions=[{"do": "DELETE"}],
        limits={"max_documents": 2, "max_fraction": 1.0},
    )
    world.plan()

    digest(world)

    text = mails(world)["records@example.org"]["text"]
    assert "Waiting for approval (1)" in text
    assert "rule@1: 3 documents" in text


def test_says_what_the_coming_night_will_do(world: World) -> None:
    document = world.add_document("a.txt", document_type="draft")
    held = world.add_document("held.txt", document_type="draft")
    world.conn.execute("UPDATE documents SET hold_count = 1 WHERE id = %s", (held,))
    version = world.enforce(when=DRAFTS, actions=[{"do": "DELETE"}])
    tomorrow = NOW.date() + timedelta(days=1)
    for concerned in (document, held):
        world.conn.execute(
            "INSERT INTO dispositions (document_id, rule_version_id, action_index, action,"
            " organization_id, due_on, goes_on, rebuilt_at)"
            " VALUES (%s, %s, 0, 'DELETE', 1, %s, %s, %s)",
            (concerned, version.version_id, tomorrow, tomorrow, world.now),
        )

    digest(world)

    text = mails(world)["owner@example.org"]["text"]
    assert "What tonight will do (1)" in text
    assert "3 March 2026: Title of a.txt (a.txt): move to the trash" in text


def test_announces_nothing_that_stays_tonight(world: World) -> None:
    contact(world)
    for name in ("retained.txt", "reprieved.txt", "twice.txt"):
        world.add_document(
            name,
            title=name,
            document_type="draft",
            expires_on=NOW.date(),
            created_on=NOW.date(),
            reprieve_until=NOW.date() + timedelta(days=9) if name == "reprieved.txt" else None,
        )
    expiry = {"trigger": {"type": "ON_EXPIRATION"}, "actions": [{"do": "DELETE"}]}
    world.enforce(when=DRAFTS, **expiry)
    world.enforce("other", when=DRAFTS, **expiry)
    world.enforce(
        "keeper",
        when={"field": "title", "op": "eq", "value": "retained.txt"},
        retain={"for": "1y", "after": "created_on"},
    )
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)

    digest(world)

    tonight = mails(world)["records@example.org"]["text"].partition("What tonight will do")[2]
    assert tonight.startswith(" (1)\n  - 3 March 2026: twice.txt")


def test_takes_up_the_notices_that_waited_for_it_once(world: World) -> None:
    contact(world)
    world.add_document("a.txt", document_type="draft", owner="ann@example.org")
    world.add_document("b.txt", document_type="draft", owner="ann@example.org")
    world.enforce(
        when=DRAFTS,
        actions=[{"do": "NOTIFY", "with": {"to": "{{ document.owner }}", "digest": "daily"}}],
    )
    world.night()
    world.conn.execute("UPDATE notifications SET read_at = now() WHERE title LIKE '%b.txt%'")
    world.later(hours=5)

    assert digest(world) == DigestOutcome(recipients=1, jobs=1, skipped_empty=1)

    text = mails(world)["ann@example.org"]["text"]
    assert "Notices (1)" in text
    assert "Title of a.txt: notice of rule rule" in text
    assert "b.txt" not in text
    world.later(days=1)
    assert digest(world).jobs == 0


def test_sections_are_capped_and_say_how_many_more(world: World) -> None:
    for number in range(25):
        world.add_document(f"{number}.txt", content=None, expires_on=SOON)

    digest(world)

    text = mails(world)["owner@example.org"]["text"]
    assert "Expiring in the next 30 days (25)" in text
    assert text.count("Title of") == 20
    assert "and 5 more" in text


def test_who_wants_no_digest_or_no_mail_gets_none(world: World) -> None:
    world.add_document("a.txt", owner="Ann@example.org", expires_on=SOON)
    world.add_document("b.txt", owner="bob@example.org", expires_on=SOON)
    world.add_document("c.txt", owner="eva@example.org", expires_on=SOON)
    world.conn.execute(
        "INSERT INTO recipient_preferences (organization_id, recipient, wants_digest)"
        " VALUES (1, 'ann@example.org', false)"
    )
    world.conn.execute(
        "INSERT INTO email_suppressions (organization_id, address, reason)"
        " VALUES (1, 'bob@example.org', 'unsubscribed')"
    )

    assert digest(world).recipients == 1
    assert set(mails(world)) == {"eva@example.org"}


def test_speaks_the_readers_language(world: World) -> None:
    world.conn.execute("UPDATE organizations SET locale = 'es'")
    world.add_document("a.txt", owner="ann@example.org", expires_on=date(2026, 3, 12))
    world.add_document("b.txt", owner="bob@example.org", expires_on=SOON)
    world.conn.execute(
        "INSERT INTO recipient_preferences (organization_id, recipient, locale)"
        " VALUES (1, 'bob@example.org', 'en')"
    )

    digest(world)

    spanish = mails(world)["ann@example.org"]
    assert spanish["subject"] == "Sus documentos: resumen del 2 de marzo de 2026"
    assert "12 de marzo de 2026: Title of a.txt" in spanish["text"]
    assert "Your documents" in mails(world)["bob@example.org"]["subject"]


def test_hostile_titles_are_only_text(world: World) -> None:
    world.add_document("a.txt", title="<script>x</script>\r\n{{ 7*7 }}\u202e", expires_on=SOON)

    digest(world)

    mail = mails(world)["owner@example.org"]
    assert "<script>" not in mail["html"]
    assert "<script>x</script> {{ 7*7 }} (a.txt)" in mail["text"]
    assert "\u202e" not in mail["text"] + mail["html"]


def test_reminds_of_the_plans_that_have_been_asked_about_for_long(world: World) -> None:
    world.enforce(
        when=DRAFTS,
        actions=[{"do": "DELETE"}],
        review={"stages": ["records"], "remind": "2d"},
    )
    world.add_document("draft.txt", document_type="draft")
    [plan] = world.plan()
    reviewing.ask(
        world.conn,
        Question(plan_id=plan.plan_id, stage=1, attempt=0),
        dag_id="review_plan",
        run_id="plan-1-stage-1",
        now=world.now,
    )
    contact(world)

    digest(world)
    first = mails(world)["records@example.org"]["text"]
    world.later(days=2)
    digest(world)
    later = mails(world)["records@example.org"]["text"]

    assert "Reminder" not in first
    assert "stage records; rejected without an answer by" in first
    assert "Reminder: Plan" in later
    assert "doclife plans approve NUMBER" in later


def test_a_broken_template_of_ones_own_keeps_nobody_from_their_digest_and_alerts_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own" / "email" / "en" / "digest.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text("Summary\n\n{{ todya }}\n")
    monkeypatch.setenv("DOCLIFE_TEMPLATES", str(tmp_path / "own"))
    for number in range(3):
        world.add_document(f"{number}.txt", owner=f"{number}@example.org", expires_on=SOON)

    assert digest(world).jobs == 3

    assert "Your documents: summary of" in mails(world)["0@example.org"]["subject"]
    [(title, body)] = world.conn.execute("SELECT title, body FROM notifications").fetchall()
    assert title == "A message template of yours is not used"
    assert body.startswith(f"{own}:3: 'todya' is undefined. Ours was used instead.")
    TEMPLATE_FAULTS.known.clear()  # as in another process
    world.later(days=1)
    assert digest(world).jobs == 3
    assert world.value("SELECT count(*) FROM notifications") == 1
