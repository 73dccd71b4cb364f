"""Somebody's task that tells another application: green means that it was told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from doclife.lifecycle.queue import claim, complete, retry_jobs
from doclife.store import queue
from doclife.store.queue import Result
from tests.dags.airflow_runs import Run
from tests.dags.catalogue import add_documents

pytestmark = pytest.mark.usefixtures("documents_connection")

NOW = datetime.now(UTC)


@pytest.fixture
def run(dags, conn):
    """A run whose calls are stored, and whose task has gone to the triggerer."""
    conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', 'https://erp.example.org', 'user:olga')"
    )
    add_documents(conn, "one", "two")
    run = Run(dags["tell_and_wait"], conf={"documents": ["one", "two"]}).create()
    run.go_on()
    assert run.states() == {"tell": ["deferred"]}
    return run


def claimed(conn):
    worker = queue.start_worker(conn, name="test", lease_seconds=60)
    return claim(conn, worker_id=worker, size=10)


def answer(conn, job, outcome, *, is_last=False):
    queue.record(
        conn,
        [
            Result(
                batch_id=job.batch_id,
                job_id=job.job_id,
                attempt=job.attempts + 1,
                outcome=outcome,
                status_code=404,
                latency_ms=1,
                answer_head=None,
                error=None if outcome == "sent" else "HTTP 404",
                delay_seconds=0.0,
            )
        ],
        closed_batches=[job.batch_id] if is_last else [],
    )


def test_it_holds_no_worker_and_is_green_when_all_was_delivered(run, conn):
    jobs = claimed(conn)
    assert len(complete(conn, jobs)) == 2

    assert run.fire_triggers() == [{"is_over": True}]

    assert run.go_on() == "success"


def test_it_is_red_with_the_reason_when_something_was_given_up(run, conn, capsys):
    one, two = claimed(conn)
    answer(conn, one, "sent")
    answer(conn, two, "dead", is_last=True)

    run.fire_triggers()

    assert run.go_on() == "failed"
    assert run.tries("tell") == [1]
    assert f"1 messages were given up: job {two.job_id}: HTTP 404" in capsys.readouterr().out

    retry_jobs(conn, actor="user:olga", now=NOW, reason="it is back", kind="webhook")
    run.clear("tell")
    run.go_on()
    assert run.states() == {"tell": ["deferred"]}
    (again,) = claimed(conn)
    assert again.job_id == two.job_id
    answer(conn, again, "sent", is_last=True)
    run.fire_triggers()
    assert run.go_on() == "success"
    assert conn.execute("SELECT count(*) FROM delivery_attempts").fetchone() == (3,)


def test_it_is_red_when_its_time_is_over_and_the_calls_go_on(run, conn, monkeypatch, capsys):
    from doclife.operators import delivery_trigger

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=11)

    monkeypatch.setattr(delivery_trigger, "datetime", Later)

    assert run.fire_triggers() == [{"is_over": False}]

    assert run.go_on() == "failed"
    assert "2 messages were not delivered within 0:10:00" in capsys.readouterr().out
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (2,)
