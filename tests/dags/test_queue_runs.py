"""process_queue in a real run: events, schedules and jobs; and its trigger as Airflow keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from doclife.lifecycle.halting import halt
from doclife.lifecycle.queue import add
from tests.dags.airflow_runs import Run, asset_counts
from tests.dags.catalogue import add_documents

pytestmark = pytest.mark.usefixtures("documents_connection")

NOTE = {"recipient": "ben@example.org", "title": "Paid", "body": "Invoice 7 is paid."}


@pytest.fixture
def process_queue(dags, monkeypatch):
    """A function that runs it; a drain ends at once when nothing is left."""
    from doclife.lifecycle import draining

    monkeypatch.setattr(draining, "IDLE_SECONDS", 0.05)

    def run() -> Run:
        queued = Run(dags["process_queue"])
        queued.dag.get_task("drain").linger_seconds = 0.5
        return queued.create()

    return run


def test_does_events_schedules_and_jobs_in_three_tasks(process_queue, conn):
    add(conn, kind="notification", payload=NOTE, requested_by="user:olga")
    conn.execute(
        "INSERT INTO scheduled_jobs (organization_id, name, cron, kind, payload, next_run_at,"
        " created_by) SELECT 1, 'hourly', '0 * * * *', 'notification', payload::jsonb, now(),"
        " 'application:x' FROM jobs"
    )
    endpoint = conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', 'https://erp.example.org', 'user:olga') RETURNING id"
    ).fetchone()[0]
    conn.execute(
        "INSERT INTO webhook_subscriptions (endpoint_id, event_types) VALUES (%s, '{case.closed}')",
        (endpoint,),
    )
    add_documents(conn, "file")
    conn.execute("SELECT emit_event('case.closed', 'file')")

    run = process_queue()

    assert run.go_on() == "success", run.states()
    assert conn.execute("SELECT count(*) FROM notifications").fetchone() == (2,)
    (waiting,) = conn.execute("SELECT kind, last_error FROM jobs").fetchall()
    assert waiting[0] == "webhook"
    assert f"doclife_endpoint_{endpoint}" in waiting[1]
    assert asset_counts("doclife_deliveries")["sent"] >= 1


def test_while_all_is_halted_it_is_green_and_does_nothing(process_queue, conn):
    add(conn, kind="notification", payload=NOTE, requested_by="user:olga")
    halt(conn, reason="looking into it", actor="user:olga", now=datetime.now(UTC))

    assert process_queue().go_on() == "success"
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_the_trigger_is_the_same_in_every_process():
    from airflow.triggers.base import BaseEventTrigger

    from doclife.operators.queue_trigger import QueueTrigger

    trigger = QueueTrigger(postgres_conn_id="elsewhere", poll_seconds=2.0)
    path, arguments = trigger.serialize()
    again = QueueTrigger(**arguments)

    assert path.endswith(".QueueTrigger")
    assert again.serialize() == (path, arguments)
    assert BaseEventTrigger.hash(path, arguments) == BaseEventTrigger.hash(*again.serialize())


async def _first(trigger):
    async for event in trigger.run():
        return event.payload
    return None


def test_the_trigger_fires_for_work_through_the_airflow_connection(conn):
    import asyncio

    from doclife.operators.queue_trigger import QueueTrigger

    add(conn, kind="notification", payload=NOTE, requested_by="user:olga")

    payload = asyncio.run(asyncio.wait_for(_first(QueueTrigger()), timeout=20))

    assert payload["overdue_seconds"] > 0
