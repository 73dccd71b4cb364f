"""process_queue in a real run: events, schedules and jobs; and its trigger as Airflow keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from doclife.lifecycle.halting import halt
from doclife.lifecycle.queue import add
from tests.dags.airflow_runs import Run, asset_counts, forget_runs, parse, run_ids
from tests.dags.catalogue import (
    add_documents,
    allow_everything,
    apply_rules,
    plan_states,
    rule,
    statuses,
)

pytestmark = pytest.mark.usefixtures("documents_connection")

NOTE = {"recipient": "ben@example.org", "title": "Paid", "body": "Invoice 7 is paid."}


@pytest.fixture
def process_queue(dags, monkeypatch):
    """A function that runs it; a drain ends at once when nothing is left."""
    from doclife.lifecycle import draining

    monkeypatch.setattr(draining, "IDLE_SECONDS", 0.05)

    def run() -> Run:
        queued = Run(dags["process_queue"])
        queued.dag.get_task("drain").partial_kwargs["linger_seconds"] = 0.5
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
    # Nobody has given Airflow the endpoint's secret: its call waits, untried.
    assert conn.execute("SELECT kind, attempts FROM jobs").fetchall() == [("webhook", 0)]
    (reason,) = conn.execute("SELECT rest_reason FROM webhook_endpoints").fetchone()
    assert f"doclife_endpoint_{endpoint}" in reason
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

    payload = asyncio.run(asyncio.wait_for(_first(QueueTrigger()), timeout=60))

    assert payload["overdue_seconds"] > 0


def test_a_run_sends_with_as_many_processes_as_was_said(dags, monkeypatch):
    from doclife.errors import ConfigurationError
    from doclife.operators.process_queue import drainers

    assert dags["process_queue"].get_task("drain").expand_input.value == {"drainer": [0]}
    monkeypatch.setenv("DOCLIFE_DRAINERS", "3")
    path = Path(dags["process_queue"].fileloc).parent
    read = parse(path).dags["process_queue"]
    assert read.get_task("drain").expand_input.value == {"drainer": [0, 1, 2]}
    for wrong in ("0", "17", "many", "1.5"):
        monkeypatch.setenv("DOCLIFE_DRAINERS", wrong)
        with pytest.raises(ConfigurationError, match="no number of processes"):
            drainers()


@pytest.mark.parametrize(("wanted", "most"), [("1", 4), ("3", 4), ("6", 6)])
def test_all_runs_together_leave_room_for_the_night(dags, monkeypatch, wanted, most):
    monkeypatch.setenv("DOCLIFE_DRAINERS", wanted)

    read = parse(Path(dags["process_queue"].fileloc).parent).dags["process_queue"]

    assert read.get_task("drain").max_active_tis_per_dag == most


@pytest.mark.parametrize(("most", "state"), [(1, "needs_approval"), (100, "applied")])
def test_a_rule_by_its_own_cron_acts_at_its_time_or_asks(process_queue, conn, most, state):
    forget_runs("review_plan")
    allow_everything(conn)
    add_documents(conn, "one", "two")
    text = rule("{do: DELETE}", limits=f"max_documents: {most}, max_fraction: 1.0")
    apply_rules(conn, text.replace("0 3 * * *", "0 * * * *"))
    conn.execute("UPDATE scheduled_jobs SET next_run_at = now()")

    assert process_queue().go_on() == "success"

    assert plan_states(conn) == [state]
    is_asked = state == "needs_approval"
    assert run_ids("review_plan") == (["plan-1-stage-1"] if is_asked else [])
    assert set(statuses(conn).values()) == {"active" if is_asked else "deleted"}
    forget_runs("review_plan")
