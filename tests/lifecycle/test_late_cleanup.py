"""A cleanup that did not run for a month breaks nothing, and leaves nothing for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from doclife.lifecycle import cleaning
from doclife.lifecycle.queue import add, claim, complete, get
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
