"""What is measured: every number each time, right up to a size and an estimate beyond it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from doclife.domain import metrics
from doclife.domain.metrics import METRICS, Measurement, Metric
from doclife.lifecycle.halting import halt
from doclife.lifecycle.measuring import MOST_PAGES, measure, note_success, percent_of
from doclife.lifecycle.queue import add_many
from doclife.store import metrics as store
from doclife.store.connection import Connection
from doclife.store.metrics import DeliveryCount

from .conftest import ACTOR, World

MAIL: dict[str, Any] = {"to": "a@example.org", "subject": "Hello", "text": "Text"}
CALL: dict[str, Any] = {"endpoint": "erp", "type": "invoice.paid", "data": {}}


def value(measured: list[Measurement], metric: Metric, **labels: str) -> float:
    """Return the one number of these labels."""
    (found,) = [
        each.value
        for each in measured
        if each.metric == metric.name and dict(each.labels) == labels
    ]
    return found


def mails(conn: Connection, count: int, **options: Any) -> list[int]:
    return add_many(conn, kind="email", payloads=[MAIL] * count, requested_by=ACTOR, **options)


def test_every_number_is_there_on_an_empty_database_and_is_zero(conn: Connection) -> None:
    measured = measure(conn)

    found = Counter(each.metric for each in measured)
    assert found == {
        metric.name: len(list(metric.combinations()))
        for metric in METRICS
        if metric is not metrics.STEP_SUCCESS
    }
    moments = {metrics.MEASURED.name, metrics.MEASURING_SECONDS.name}
    assert {each.value for each in measured if each.metric not in moments} == {0.0}
    assert abs(value(measured, metrics.MEASURED) - datetime.now(UTC).timestamp()) < 600


def test_a_job_counts_by_what_it_waits_for(conn: Connection) -> None:
    first, second, *_ = mails(conn, 4)
    mails(conn, 2, run_at=datetime.now(UTC) + timedelta(hours=1))
    conn.execute("UPDATE jobs SET run_at = now() - interval '2 minutes' WHERE id = %s", (second,))
    # Nobody has set up an endpoint of that name.
    add_many(conn, kind="webhook", payloads=[CALL] * 3, requested_by=ACTOR)
    worker = conn.execute(
        "INSERT INTO job_workers (name, leased_until) VALUES ('x', now() + interval '1 minute')"
        " RETURNING id"
    ).fetchone()[0]
    conn.execute(
        "INSERT INTO job_batches (worker_id, job_ids) VALUES (%s, ARRAY[%s::bigint])",
        (worker, first),
    )

    measured = measure(conn)

    mailed = {
        state: value(measured, metrics.QUEUE_JOBS, kind="email", state=state)
        for state in metrics.JOB_STATES
    }
    assert mailed == {"due": 3, "kept_back": 0, "later": 2, "processing": 1}
    assert value(measured, metrics.QUEUE_JOBS, kind="webhook", state="kept_back") == 3
    assert 120 <= value(measured, metrics.QUEUE_AGE, kind="email") < 600
    assert value(measured, metrics.QUEUE_AGE, kind="webhook") == 0


def test_what_a_stopped_channel_keeps_back_is_not_overdue(conn: Connection) -> None:
    mails(conn, 2, run_at=datetime.now(UTC) - timedelta(hours=1))
    conn.execute(
        "INSERT INTO channel_stops (kind, reason, stopped_until)"
        " VALUES ('email', 'refused', now() + interval '1 minute')"
    )

    measured = measure(conn)

    assert value(measured, metrics.QUEUE_JOBS, kind="email", state="kept_back") == 2
    assert value(measured, metrics.QUEUE_AGE, kind="email") == 0
    assert value(measured, metrics.CHANNEL_STOPPED, kind="email") == 1
    assert value(measured, metrics.CHANNEL_STOPPED, kind="slack") == 0


def test_jobs_that_were_given_up_count_while_they_lie_there(conn: Connection) -> None:
    (job,) = mails(conn, 1)
    conn.execute(
        "WITH gone AS (DELETE FROM jobs WHERE id = %s RETURNING *) INSERT INTO jobs_failed"
        " (id, organization_id, kind, payload, priority, attempts, max_attempts, requested_by,"
        " created_at, state) SELECT id, organization_id, kind, payload, priority, 3, 3,"
        " requested_by, created_at, 'failed' FROM gone",
        (job,),
    )

    assert value(measure(conn), metrics.QUEUE_FAILED, kind="email") == 1


def test_plans_count_by_state_how_long_one_waits_and_which_limit_it_tripped(world: World) -> None:
    world.now = datetime.now(UTC) - timedelta(minutes=2)
    for number in range(3):
        world.add_document(f"draft-{number}", document_type="draft")
    world.enforce(
        "purge-drafts",
        when={"field": "document_type", "op": "eq", "value": "draft"},
        limits={"max_documents": 2, "max_fraction": 1.0},
        actions=[{"do": "DELETE"}],
    )
    world.plan()

    measured = measure(world.conn)

    assert value(measured, metrics.PLANS_OPEN, state="needs_approval") == 1
    assert value(measured, metrics.PLANS_OPEN, state="planned") == 0
    assert 100 <= value(measured, metrics.PLANS_WAITING) < 900
    is_of_today = world.now.date() == datetime.now(UTC).date()
    tripped = value(measured, metrics.PLANS_TRIPPED, scope="rule", limit="max_documents")
    assert tripped == (1 if is_of_today else 0)
    assert value(measured, metrics.PLANS_TRIPPED, scope="rule", limit="drift") == 0


def test_documents_count_by_status_and_held_ones_beside(world: World) -> None:
    one, *_ = [world.add_document(name) for name in ("one", "two", "three")]
    world.conn.execute("ALTER TABLE documents DISABLE TRIGGER USER")
    world.conn.execute(
        "UPDATE documents SET status = 'archived', archived_at = now(), hold_count = 1"
        " WHERE id = %s",
        (one,),
    )
    world.conn.execute("ALTER TABLE documents ENABLE TRIGGER USER")

    measured = measure(world.conn)

    assert value(measured, metrics.DOCUMENTS, status="active") == 2
    assert value(measured, metrics.DOCUMENTS, status="archived") == 1
    assert value(measured, metrics.DOCUMENTS_HELD) == 1


def test_halted_is_one_while_everything_is_halted(conn: Connection) -> None:
    halt(conn, reason="looking into it", actor=ACTOR, now=datetime.now(UTC))

    assert value(measure(conn), metrics.HALTED) == 1


def test_endpoints_that_are_disabled_count(conn: Connection) -> None:
    conn.execute(
        "INSERT INTO webhook_endpoints"
        " (organization_id, name, url, state, disabled_reason, created_by)"
        " VALUES (1, 'erp', 'https://example.org', 'disabled', 'it is gone', 'user:olga'),"
        " (1, 'crm', 'https://example.org', 'enabled', NULL, 'user:olga')"
    )

    assert value(measure(conn), metrics.ENDPOINTS_DISABLED) == 1


def test_attempts_of_today_count_by_outcome_and_below_every_bound_that_they_kept(
    conn: Connection,
) -> None:
    today = datetime.now(UTC).date()
    counts = [
        DeliveryCount(kind="email", outcome="sent", within_seconds=0.1, attempts=5),
        DeliveryCount(kind="email", outcome="retry", within_seconds=float("inf"), attempts=2),
    ]
    store.add_deliveries(conn, counts, today=today)
    store.add_deliveries(conn, counts[:1], today=today)
    store.add_deliveries(conn, counts, today=today - timedelta(days=1))

    measured = measure(conn)

    assert value(measured, metrics.DELIVERIES, kind="email", outcome="sent") == 10
    assert value(measured, metrics.DELIVERIES, kind="email", outcome="retry") == 2
    within = {
        le: value(measured, metrics.DELIVERIES_WITHIN, kind="email", le=le)
        for le in ("0.05", "0.1", "60", "Inf")
    }
    assert within == {"0.05": 0, "0.1": 10, "60": 10, "Inf": 12}


def test_a_task_of_our_dags_is_noted_and_one_of_others_is_not(conn: Connection) -> None:
    now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    note_success(conn, dag_id="weekly_cleanup", task_id="settle", now=now)
    note_success(conn, dag_id="weekly_cleanup", task_id="settle", now=now - timedelta(hours=1))
    note_success(conn, dag_id="somebodys", task_id="archive", now=now)

    everything = measure(conn)

    measured = [each for each in everything if each.metric == metrics.STEP_SUCCESS.name]
    assert everything[-1].metric == METRICS[-1].name, "whoever has the last number has all"
    assert [(dict(each.labels), each.value) for each in measured] == [
        ({"dag": "weekly_cleanup", "task": "settle"}, now.timestamp())
    ]
    assert conn.execute("SELECT dag_id FROM step_successes").fetchall() == [("weekly_cleanup",)]


def test_a_success_that_cannot_be_noted_fails_nobody(
    conn: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    conn.execute("ALTER TABLE step_successes RENAME TO away")

    note_success(conn, dag_id="weekly_cleanup", task_id="settle", now=datetime.now(UTC))

    assert "could not be noted" in caplog.text


def test_organizations_are_told_apart_only_when_that_is_asked_for(world: World) -> None:
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('acme', 'Acme')")
    world.add_document("one")

    together, apart = measure(world.conn), measure(world.conn, by_organization=True)

    assert value(together, metrics.DOCUMENTS, status="active") == 1
    assert not any("organization" in each.labels for each in together)
    assert value(apart, metrics.DOCUMENTS, status="active", organization="default") == 1
    assert value(apart, metrics.DOCUMENTS, status="active", organization="acme") == 0
    # What belongs to no organization is still one number.
    assert value(apart, metrics.HALTED) == 0


@pytest.mark.parametrize(
    ("pages", "percent"),
    [
        (0, 100.0),
        (MOST_PAGES, 100.0),
        (MOST_PAGES + 1, 50.0),
        (2 * MOST_PAGES, 50.0),
        (2 * MOST_PAGES + 1, 25.0),
        (1000 * MOST_PAGES, 100 / 1024),
    ],
)
def test_of_a_large_table_so_many_pages_are_read_and_no_more(pages: int, percent: float) -> None:
    assert percent_of(pages) == percent
    assert pages * percent / 100 <= MOST_PAGES


def test_a_sample_is_the_same_each_time_and_a_smaller_one_a_part_of_it(world: World) -> None:
    world.conn.execute("ALTER TABLE documents DISABLE TRIGGER USER")
    world.conn.execute(
        "INSERT INTO documents (organization_id, external_id, title, registered_at)"
        " SELECT 1, 'n' || n, repeat('x', 200), now() FROM generate_series(1, 3000) AS n"
    )
    world.conn.execute("ALTER TABLE documents ENABLE TRIGGER USER")

    def counted(percent: float) -> int:
        return sum(one.documents for one in store.count_documents(world.conn, percent=percent))

    whole, half, again, quarter = counted(100), counted(50), counted(50), counted(25)

    assert whole == 3000
    assert half == again
    assert 0 < quarter <= half < whole


def test_counts_are_forgotten_after_a_while(conn: Connection) -> None:
    count = DeliveryCount(kind="email", outcome="sent", within_seconds=1.0, attempts=1)
    store.add_deliveries(conn, [count], today=date(2026, 1, 1))
    store.add_deliveries(conn, [count], today=date(2026, 1, 2))

    store.prune_deliveries(conn, before=date(2026, 1, 2))

    assert not store.count_deliveries(conn, today=date(2026, 1, 1))
    assert store.count_deliveries(conn, today=date(2026, 1, 2)) == [count]
