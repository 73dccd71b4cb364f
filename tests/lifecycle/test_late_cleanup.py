"""A cleanup that did not run for a month breaks nothing, and leaves nothing for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from doclife.lifecycle import cleaning
from doclife.lifecycle.queue import add, claim, complete, get
from doclife.store import cleaning as store
from doclife.store import clock, queue
from doclife.store.connection import Connection

NOTE = {"recipient": "a@example.org", "title": "x", "body": "y"}
TABLES = {"job_history": "finished_at", "delivery_attempts": "attempted_at"}


def finish_one(conn: Connection) -> int:
    job_id = add(conn, kind="notification", payload=NOTE, requested_by="user:olga")
    worker = queue.start_worker(conn, name="test", lease_seconds=60)
    assert len(complete(conn, claim(conn, worker_id=worker, size=1))) == 1
    queue.end_worker(conn, worker_id=worker)
    return job_id


def finish_one_on(conn: Connection, day: datetime) -> None:
    """As if it had been finished then."""
    job_id = finish_one(conn)
    for table, column in TABLES.items():
        number = "id" if table == "job_history" else "job_id"
        query: Any = f"UPDATE {table} SET {column} = %s WHERE {number} = %s"
        conn.execute(query, (day, job_id))


def days(conn: Connection, table: str, now: datetime) -> list[int]:
    query: Any = f"SELECT {TABLES[table]} FROM {table} ORDER BY 1"
    return [(now - moment).days for (moment,) in conn.execute(query)]


def partitions(conn: Connection, table: str, day: datetime) -> int:
    row = conn.execute(
        "SELECT count(*) FROM pg_class WHERE relname = %s", (f"{table}_{day:%Y%m%d}",)
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_month_without_partitions_costs_nothing_and_goes_in_its_time(conn: Connection) -> None:
    now = clock.present(conn)
    for ago in (100, 91, 40, 10, 1, 0):
        finish_one_on(conn, now - timedelta(days=ago))

    late = cleaning.prune_history(conn, now=now)

    # Today has rows without a partition already: they stay where they are, tomorrow has its own.
    assert late.partitions_made == 2 * (cleaning.PARTITIONS_AHEAD_DAYS - 1)
    assert late.rows_dropped == 4
    for table in TABLES:
        assert days(conn, table, now) == [40, 10, 1, 0]
        assert partitions(conn, table, now) == 0
        assert partitions(conn, table, now + timedelta(days=1)) == 1

    job_id = finish_one(conn)
    assert get(conn, job_id=job_id).job["state"] == "completed"
    finish_one_on(conn, now + timedelta(days=1))
    assert cleaning.prune_history(conn, now=now).partitions_made == 0


def test_what_came_late_is_dropped_after_ninety_days_as_well(conn: Connection) -> None:
    now = clock.present(conn)
    finish_one_on(conn, now - timedelta(days=89))
    assert cleaning.prune_history(conn, now=now).rows_dropped == 0

    assert cleaning.prune_history(conn, now=now + timedelta(days=3)).rows_dropped == 2


def test_what_came_late_goes_some_at_a_time(conn: Connection) -> None:
    """A default partition may hold months: no one statement deletes all of it."""
    now = clock.present(conn)
    for _ in range(5):
        finish_one_on(conn, now - timedelta(days=100))
    before = (now - timedelta(days=90)).date()

    gone = [
        store.prune_default(conn, parent="job_history", before=before, size=2) for _ in range(4)
    ]

    assert gone == [2, 2, 1, 0]
    assert len(days(conn, "delivery_attempts", now)) == 5


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
def test_a_cleanup_goes_on_until_nothing_old_is_left(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(cleaning, "PRUNED_AT_ONCE", at_once)
    now = clock.present(conn)
    for _ in range(3):
        finish_one_on(conn, now - timedelta(days=100))
    finish_one(conn)
    conn.execute(
        "INSERT INTO delivery_events (organization_id, job_id, provider, outcome, is_lasting,"
        " address, occurred_at, received_at)"
        " SELECT 1, 1, 'mailgun', 'delivered', false, 'a@example.org', moment, moment"
        " FROM unnest(%s::timestamptz []) AS moment",
        ([now - timedelta(days=ago) for ago in (100, 95, 91, 89)],),
    )
    conn.execute(
        "INSERT INTO import_runs (organization_id, source, requested_by, started_at)"
        " SELECT 1, 'folder', 'cli:olga', moment FROM unnest(%s::timestamptz []) AS moment",
        ([now - timedelta(days=ago) for ago in (100, 95, 91, 89)],),
    )

    assert cleaning.prune_history(conn, now=now).rows_dropped == 6

    for table in ("delivery_events", "import_runs", "job_history", "delivery_attempts"):
        query: Any = f"SELECT count(*) FROM {table}"
        assert conn.execute(query).fetchone() == (1,), table


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
def test_a_unique_key_that_has_expired_is_forgotten_and_no_other(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(cleaning, "PRUNED_AT_ONCE", at_once)
    now = clock.present(conn)
    for key in ("a", "b", "c", "d"):
        add(conn, kind="notification", payload=NOTE, requested_by="user:olga", unique_key=key)
    conn.execute(
        "UPDATE job_keys SET expires_at = %s WHERE unique_key IN ('a', 'c')",
        (now - timedelta(seconds=1),),
    )

    cleaning.prune_history(conn, now=now)

    kept = conn.execute("SELECT unique_key FROM job_keys ORDER BY 1").fetchall()
    assert kept == [("b",), ("d",)]


def test_a_worker_whose_clock_is_ahead_frees_no_unique_key(conn: Connection) -> None:
    add(conn, kind="notification", payload=NOTE, requested_by="user:olga", unique_key="a")

    cleaning.prune_history(conn, now=clock.present(conn) + timedelta(days=60))

    assert conn.execute("SELECT unique_key FROM job_keys").fetchall() == [("a",)]
