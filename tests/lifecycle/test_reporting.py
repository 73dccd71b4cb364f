"""Reports: what a records officer wants to know, made once of each job, kept, and sent."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from doclife.connections import from_environment
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.links import Links
from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle import reporting
from doclife.lifecycle.draining import Drained, DrainSettings
from doclife.lifecycle.reporting import ReportRow, make_report, read_report
from doclife.lifecycle.sending import drain_queue
from doclife.lifecycle.stores import open_stores
from doclife.store import organizations
from doclife.store.connection import connect
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url
from tests.delivery.mail_servers import Mailbox, mail_server

from .conftest import NOW, World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
pytestmark = pytest.mark.usefixtures("_jobs_that_fit")


def enqueue(world: World, payload: dict[str, Any]) -> int:
    return int(world.value("SELECT enqueue_job('report', %s)", Jsonb(payload)))


def report(world: World, job_id: int, payload: dict[str, Any], **named: Any) -> ReportRow:
    return make_report(
        world.conn,
        job_id=job_id,
        organization="default",
        payload=payload,
        stores=world.stores,
        now=world.now,
        **named,
    )


def make(world: World, **payload: Any) -> ReportRow:
    return report(world, enqueue(world, payload), payload)


def table(world: World, row: ReportRow) -> list[dict[str, str]]:
    content = read_report(row, is_table=True, stores=world.stores)
    assert content.startswith(b"\xef\xbb\xbf")  # spreadsheets take it for UTF-8 by this
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def lines(rows: list[dict[str, str]], section: str, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in columns) for row in rows if row["section"] == section]


def week(world: World) -> None:
    """A week in which one document was trashed, one failed, one is held and one expires soon."""
    world.conn.execute("UPDATE organizations SET name = 'Archive & Söhne'")
    world.add_document("gone.txt", document_type="draft", size_bytes=7)
    held = world.add_document("held.txt", document_type="letter")
    world.add_document("=HYPERLINK(1)", content=None, document_type="letter", owner="nobody")
    world.conn.execute(
        "INSERT INTO matters (organization_id, name, reason, created_by)"
        " VALUES (1, 'Smith v. us', 'court', 'user:olga')"
    )
    world.conn.execute(
        "INSERT INTO matter_documents (matter_id, document_id, added_by)"
        " SELECT max(id), %s, 'user:olga' FROM matters",
        (held,),
    )
    world.enforce("drafts", when=DRAFTS, actions=[{"do": "DELETE"}])
    world.enforce(
        "letters",
        when={"field": "external_id", "op": "eq", "value": "=HYPERLINK(1)"},
        actions=[{"do": "NOTIFY", "with": {"to": "{{ document.title.owr }}"}}],
    )
    world.add_document("soon.txt", document_type="letter", expires_on=NOW.date() + timedelta(40))
    world.night()


def test_says_what_was_done_what_failed_what_is_held_and_what_expires(world: World) -> None:
    week(world)
    world.later(days=1)

    made = make(world, days=7)

    assert (made.starts_on, made.ends_on) == (date(2026, 2, 24), date(2026, 3, 2))
    assert made.summary == {
        "archived": 0,
        "trashed": 1,
        "purged": 0,
        "failed": 1,
        "overdue": 0,
        "held": 1,
        "expiring": 1,
    }
    rows = table(world, made)
    assert lines(rows, "done", "rule", "action", "outcome", "documents", "bytes") == [
        ("drafts", "DELETE", "done", "1", "7"),
        ("letters", "NOTIFY", "failed", "1", "0"),
    ]
    [(name, reason)] = lines(rows, "failed", "name", "reason")
    assert name == "'=HYPERLINK(1)"  # no spreadsheet runs it
    assert "no field 'owr'" in reason
    assert lines(rows, "held", "name", "documents") == [("Smith v. us", "1")]
    assert lines(rows, "expiring", "name", "on") == [("letter", "2026-04-11")]
    assert ("deleted", "1") in lines(rows, "holdings", "name", "documents")
    page = read_report(made, is_table=False, stores=world.stores).decode()
    for words in ("Archive &amp; Söhne", "24 February 2026", "Smith v. us", "=HYPERLINK(1)"):
        assert words in page
    assert "<script" not in page


def test_lists_what_was_destroyed(world: World) -> None:
    world.add_document("gone.txt", document_type="draft")
    world.enforce("drafts", when=DRAFTS, actions=[{"do": "DELETE"}])
    world.night()
    world.later(days=60)
    world.purge()
    world.later(days=1)

    made = make(world)

    assert (made.summary["trashed"], made.summary["purged"]) == (0, 1)
    found = lines(table(world, made), "purged", "name", "rule", "on", "title")
    assert found == [("#1", "drafts", "2026-05-01", "")]


def test_speaks_the_language_of_the_organization(world: World) -> None:
    world.conn.execute("UPDATE organizations SET locale = 'es'")

    page = read_report(make(world), is_table=False, stores=world.stores).decode()

    assert '<html lang="es">' in page
    assert "Lo que se hizo" in page
    assert "Del 23 de febrero de 2026 al 1 de marzo de 2026" in page


def test_lies_in_the_archive_store_as_it_was_written(world: World) -> None:
    made = make(world, **{"from": "2026-01-01", "until": "2026-01-31"})

    file = world.folder / "archive" / "reports" / "default" / "2026"
    assert {path.name for path in file.iterdir()} == {
        f"default_2026-01-01_2026-01-31_{made.job_id}.{ending}" for ending in ("html", "csv")
    }
    content = Path(made.html_uri.removeprefix("file://")).read_bytes()
    assert hashlib.sha256(content).digest() == made.html_sha256
    Path(made.html_uri.removeprefix("file://")).write_bytes(b"forged")
    with pytest.raises(StorageError, match="not what was written"):
        read_report(made, is_table=False, stores=world.stores)


def test_a_job_makes_one_report_and_one_mail_each_however_often_it_is_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = {"to": ["ann@example.org", "Bob@example.org", "ann@example.org"]}
    job_id = enqueue(world, payload)
    with monkeypatch.context() as patch:  # the files are written, and then it dies
        patch.setattr(reporting, "_record", _dies)
        with pytest.raises(KeyboardInterrupt):
            report(world, job_id, payload)
    assert world.value("SELECT count(*) FROM jobs WHERE kind = 'email'") == 0

    first = report(world, job_id, payload)
    second = report(world, job_id, payload)

    assert first == second
    assert world.value("SELECT count(*) FROM reports") == 1
    sent = world.conn.execute(
        "SELECT payload::jsonb ->> 'to' FROM jobs WHERE kind = 'email' ORDER BY id"
    ).fetchall()
    assert sent == [("ann@example.org",), ("Bob@example.org",)]
    assert read_report(first, is_table=True, stores=world.stores)
    assert world.value("SELECT count(*) FROM audit_entries WHERE action = 'report.made'") == 1


def _dies(*_arguments: Any, **_named: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ({"from": "2026-02-30"}, "days are none"),
        ({"from": "2026-02-02", "until": "2026-02-01"}, "has no day"),
        ({"store": "attic"}, "no store 'attic'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    world: World, payload: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        make(world, **payload)

    assert world.value("SELECT count(*) FROM reports") == 0


def test_a_store_that_is_not_ours_is_left_alone(world: World) -> None:
    (world.folder / "archive" / ".doclife-store").unlink()

    with pytest.raises(StorageError, match="read-only"):
        make(world)

    assert not (world.folder / "archive" / "reports").exists()


async def drain(database: str, port: int) -> Drained:
    environment = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "EMAIL_FROM_ADDRESS": "records@example.org",
    }
    return await drain_queue(
        connect=lambda: connect(database, application_name="drain"),
        delivery=read_delivery_settings(environment),
        connections=from_environment(environment),
        open_stores=lambda conn: open_stores(conn, options=lambda _connection_id: {}),
        name="test",
        present=lambda: datetime.now(UTC),
        chance=lambda: 0.5,
        settings=DrainSettings(linger_seconds=1),
        links=Links(airflow_url="https://airflow.example.org"),
    )


def test_goes_through_the_queue_and_arrives_by_mail(world: World, database: str) -> None:
    world.conn.execute("UPDATE organizations SET fallback_recipient = 'records@example.org'")
    attached = enqueue(world, {})
    linked = enqueue(world, {"send": "link", "to": ["ann@example.org"]})
    enqueue(world, {"send": "none", "to": ["eva@example.org"]})
    mailbox = Mailbox()

    with mail_server(mailbox) as port:
        drained = asyncio.run(drain(database, port))

    assert drained.sent == 5
    mails = dict(mailbox.mails)
    assert set(mails) == {"records@example.org", "ann@example.org"}
    page, rows = mails["records@example.org"].iter_attachments()
    made = {
        row.job_id: row
        for row in reporting.list_reports(
            world.conn, organization=organizations.find(world.conn, "default")
        )
    }
    assert page.get_content_type() == "text/html"
    assert page.get_filename().endswith(f"_{attached}.html")
    assert hashlib.sha256(page.get_payload(decode=True)).digest() == made[attached].html_sha256
    assert hashlib.sha256(rows.get_payload(decode=True)).digest() == made[attached].csv_sha256
    text = mails["ann@example.org"].get_body(("plain",)).get_content()
    assert not list(mails["ann@example.org"].iter_attachments())
    address = f"https://airflow.example.org/doclife/reports/{made[linked].report_id}"
    assert address in text
    assert made[linked].html_uri in text


def test_what_is_too_large_to_attach_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "ATTACHED_BYTES", 100)

    made = make(world, to=["ann@example.org"])

    payload = world.value("SELECT payload::jsonb FROM jobs WHERE kind = 'email'")
    assert payload["attachments"] == []
    assert "attached" not in payload["text"]
    assert made.html_uri in payload["text"]


def test_the_role_of_tasks_may_make_reports(world: World, postgres: Postgres) -> None:
    url = role_url(postgres, world.conn.info.dbname, role=databases.TASKS)
    with connect(url, application_name="tasks") as conn:
        world.conn = conn

        assert make(world, to=["ann@example.org"]).report_id
