"""Attempts are counted where they are made, for metrics, and stored now and then."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest

from doclife.delivery.outcome import Outcome
from doclife.lifecycle.delivery_tally import DeliveryTally
from doclife.lifecycle.draining import Drainer, DrainSettings
from doclife.store import metrics
from doclife.store.connection import Connection, connect

from .test_draining import Recorder, answer, mails


def drain(database: str, channel: Recorder, *, tally: DeliveryTally | None) -> None:
    drainer = Drainer(
        connect=lambda: connect(database, application_name="drainer"),
        channels={"email": channel},
        find_endpoint=lambda row: pytest.fail(f"nobody calls {row.url}"),
        name="test",
        chance=lambda: 0.5,
        settings=DrainSettings(linger_seconds=0.0),
        tally=tally,
    )
    asyncio.run(drainer.run())


def stored(conn: Connection) -> set[tuple[str, str, float, int]]:
    return {
        (one.kind, one.outcome, one.within_seconds, one.attempts)
        for one in metrics.count_deliveries(conn, today=datetime.now(UTC).date())
    }


def test_a_drain_counts_each_attempt_by_what_came_of_it_and_how_long_it_took(
    conn: Connection, database: str
) -> None:
    first, *_ = mails(conn, 4)
    channel = Recorder(
        lambda message: (
            answer(Outcome.DEAD, latency_ms=70_000)
            if message.job_id == first
            else answer(Outcome.SENT, latency_ms=100)
        )
    )
    tally = DeliveryTally()

    drain(database, channel, tally=tally)
    tally.store(conn)
    tally.store(conn)

    assert stored(conn) == {("email", "dead", float("inf"), 1), ("email", "sent", 0.1, 3)}


def test_a_drain_that_was_not_asked_to_counts_nothing(conn: Connection, database: str) -> None:
    mails(conn, 2)

    drain(database, Recorder(), tally=None)

    assert stored(conn) == set()


@pytest.mark.parametrize(
    ("latency_ms", "within"), [(0, 0.05), (50, 0.05), (51, 0.1), (60_000, 60.0), (60_001, "inf")]
)
def test_a_bound_is_kept_by_what_took_just_as_long(
    conn: Connection, latency_ms: int, within: float | str
) -> None:
    tally = DeliveryTally()
    tally.add("webhook", answer(Outcome.SENT, latency_ms=latency_ms))

    tally.store(conn)

    assert stored(conn) == {("webhook", "sent", float(within), 1)}


def test_what_could_not_be_stored_is_stored_later(conn: Connection) -> None:
    tally = DeliveryTally()
    tally.add("email", answer(Outcome.SENT))
    conn.execute("ALTER TABLE delivery_counts RENAME TO away")
    with pytest.raises(psycopg.errors.UndefinedTable):
        tally.store(conn)
    conn.execute("ALTER TABLE away RENAME TO delivery_counts")

    tally.store(conn)

    assert stored(conn) == {("email", "sent", 0.05, 1)}
