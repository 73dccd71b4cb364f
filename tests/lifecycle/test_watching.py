"""The watch wakes when there is work that nobody does, and lets everybody sleep otherwise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from doclife.lifecycle.halting import halt
from doclife.lifecycle.queue import add, claim
from doclife.lifecycle.watching import WatchSettings, wakes, watch
from doclife.store import queue
from doclife.store.connection import Connection
from doclife.store.queue_watch import NextWork
from local import databases
from local.postgres import Postgres
from tests.conftest import admin_url

MAIL: dict[str, Any] = {"to": "a@example.org", "subject": "Hello", "text": "Text"}
QUICK = WatchSettings(poll_seconds=600, settle_seconds=0.05, rest_seconds=0.3)
POLLING = WatchSettings(poll_seconds=0.3, settle_seconds=0.05, rest_seconds=0.3)
NOTHING = NextWork(
    due_seconds=None,
    schedule_seconds=None,
    has_events=False,
    living=0,
    lease_seconds=None,
    expired=0,
)


def mail(conn: Connection, **options: Any) -> int:
    return add(conn, kind="email", payload=MAIL, requested_by="user:olga", **options)


def watched(
    database: str,
    *,
    settings: WatchSettings = QUICK,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
    seconds: float = 60.0,
    most: int = 1,
) -> int:
    """How often it woke within ``seconds``, of which ``most`` end it early."""

    async def conninfo() -> str:
        return database

    async def run() -> int:
        woken = 0
        other = asyncio.create_task(meanwhile()) if meanwhile else None
        try:
            async with asyncio.timeout(seconds):
                async for _ in watch(conninfo, settings=settings):
                    woken += 1
                    if woken == most:
                        break
        except TimeoutError:
            pass
        if other:
            await other
        return woken

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, False),
        ({"due_seconds": 0.5}, False),
        ({"due_seconds": -0.1}, True),
        ({"schedule_seconds": -0.1}, True),
        ({"has_events": True}, True),
        ({"expired": 1}, True),
        ({"due_seconds": -0.1, "living": 1}, False),
        ({"has_events": True, "living": 1}, False),
        ({"due_seconds": -30.0, "living": 1}, True),
    ],
)
def test_wakes_for_work_that_nobody_does(facts: dict[str, Any], expected: bool) -> None:
    work = NextWork(**{field: facts.get(field, getattr(NOTHING, field)) for field in FIELDS})

    assert wakes(work, WatchSettings()) is expected


FIELDS = ("due_seconds", "schedule_seconds", "has_events", "living", "lease_seconds", "expired")


def test_sleeps_while_there_is_nothing(database: str) -> None:
    assert watched(database, settings=POLLING, seconds=1.0) == 0


def test_finds_what_was_there_before(conn: Connection, database: str) -> None:
    mail(conn)

    assert watched(database) == 1


def test_hears_of_new_work_at_once(conn: Connection, database: str) -> None:
    async def meanwhile() -> None:
        await asyncio.sleep(0.5)
        mail(conn)

    assert watched(database, meanwhile=meanwhile) == 1


def test_finds_new_work_where_nothing_is_heard(
    conn: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind pgbouncer in transaction mode."""

    async def deaf(_conn: object) -> None:
        return None

    monkeypatch.setattr("doclife.store.queue_watch.listen", deaf)

    async def meanwhile() -> None:
        await asyncio.sleep(0.5)
        mail(conn)

    assert watched(database, settings=POLLING, meanwhile=meanwhile) == 1


def test_wakes_when_something_comes_due(conn: Connection, database: str) -> None:
    row = conn.execute("SELECT now() + interval '1 second'").fetchone()
    assert row is not None
    mail(conn, run_at=row[0])

    assert watched(database) == 1, "it looks every ten minutes otherwise"
    assert conn.execute("SELECT clock_timestamp() >= %s", row).fetchone() == (True,)


def test_leased_work_wakes_nobody_while_its_worker_lives(conn: Connection, database: str) -> None:
    mail(conn)
    worker = queue.start_worker(conn, name="test", lease_seconds=60)
    claim(conn, worker_id=worker, size=1)
    assert watched(database, settings=POLLING, seconds=1.0) == 0

    conn.execute("UPDATE job_workers SET leased_until = now() - interval '1 second'")
    assert watched(database) == 1


def test_a_killed_worker_is_found_out_when_its_lease_runs_out(
    conn: Connection, database: str
) -> None:
    mail(conn)
    worker = queue.start_worker(conn, name="test", lease_seconds=2)
    claim(conn, worker_id=worker, size=1)

    assert watched(database) == 1, "it looks every ten minutes otherwise"
    assert conn.execute("SELECT clock_timestamp() >= leased_until FROM job_workers").fetchone() == (
        True,
    )


def test_nothing_wakes_while_all_is_halted_and_the_end_of_it_does(
    conn: Connection, database: str
) -> None:
    mail(conn)
    halt(conn, reason="looking into it", actor="user:olga", now=datetime.now(UTC))
    assert watched(database, settings=POLLING, seconds=1.0) == 0

    async def meanwhile() -> None:
        await asyncio.sleep(0.5)
        conn.execute("UPDATE switches SET is_on = false, reason = NULL")

    assert watched(database, meanwhile=meanwhile) == 1


def test_work_that_nobody_takes_wakes_again_but_not_all_the_time(
    conn: Connection, database: str
) -> None:
    mail(conn)

    began = time.monotonic()

    assert watched(database, settings=POLLING, most=3) == 3
    assert time.monotonic() - began > 2 * POLLING.rest_seconds


def test_a_thousand_words_wake_once(conn: Connection, database: str) -> None:
    async def meanwhile() -> None:
        await asyncio.sleep(0.3)
        for _ in range(100):
            mail(conn)

    rested = WatchSettings(poll_seconds=60, settle_seconds=0.2, rest_seconds=60)
    assert watched(database, settings=rested, meanwhile=meanwhile, seconds=4.0, most=99) == 1


def test_survives_a_restart_of_the_server(own_server: Postgres) -> None:
    database = admin_url(own_server, databases.DOCUMENTS)

    async def meanwhile() -> None:
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_server.stop)
        await asyncio.to_thread(own_server.start)
        from doclife.store.connection import connect

        with connect(database) as conn:
            mail(conn)

    assert watched(database, settings=POLLING, meanwhile=meanwhile, seconds=180.0) == 1
