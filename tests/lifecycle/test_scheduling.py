"""Scheduled jobs: stored once for each of their times, also when nobody was there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doclife.errors import ConfigurationError
from doclife.lifecycle import scheduling
from doclife.lifecycle.halting import halt
from doclife.lifecycle.scheduling import add_schedule, find_schedule, run_due
from doclife.store.connection import Connection, connect
from doclife.store.schedules import Schedule

NOW = datetime(2026, 6, 1, 5, 30, tzinfo=UTC)
ACTOR = "user:olga"
NOTE = {"recipient": "ben@example.org", "title": "Monday", "body": "Look at the overdue ones."}


def schedule(conn: Connection, **options: Any) -> Schedule:
    return add_schedule(
        conn,
        **{
            "organization": "default",
            "name": "monday",
            "cron": "0 * * * *",
            "time_zone": "UTC",
            "kind": "notification",
            "payload": NOTE,
            "actor": ACTOR,
            "now": NOW,
            **options,
        },
    )


def again(conn: Connection) -> Schedule:
    return find_schedule(conn, organization="default", name="monday")


def jobs(conn: Connection) -> int:
    row = conn.execute("SELECT count(*) FROM jobs").fetchone()
    assert row is not None
    return int(row[0])


def test_shows_its_next_time_and_runs_at_it_once(conn: Connection) -> None:
    due = NOW.replace(hour=6, minute=0)
    assert schedule(conn).next_run_at == due

    assert run_due(conn, now=due - timedelta(seconds=1)) == 0
    assert run_due(conn, now=due) == 1
    assert run_due(conn, now=due) == 0
    stored = again(conn)
    assert (stored.last_run_at, stored.next_run_at) == (due, due + timedelta(hours=1))
    assert conn.execute("SELECT kind, requested_by FROM jobs").fetchall() == [
        ("notification", "schedule")
    ]


@pytest.mark.parametrize(("policy", "count"), [("skip", 0), ("latest", 1), ("all", 5)])
def test_times_that_were_missed_are_treated_as_was_said(
    conn: Connection, policy: str, count: int
) -> None:
    schedule(conn, missed_runs=policy)

    assert run_due(conn, now=NOW + timedelta(hours=5)) == count
    assert jobs(conn) == count
    assert again(conn).next_run_at == NOW.replace(hour=11, minute=0)


def test_an_endless_outage_is_made_up_for_within_bounds(conn: Connection) -> None:
    schedule(conn, missed_runs="all", cron="*/5 * * * *")

    assert run_due(conn, now=NOW + timedelta(days=3)) == scheduling.MOST_MADE_UP_FOR


@pytest.mark.parametrize(
    ("evening", "at"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (datetime(2025, 10, 25, 12, tzinfo=UTC), datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
    ],
    ids=["the hour does not exist", "the hour comes twice"],
)
def test_it_runs_once_in_the_nights_when_clocks_change(
    conn: Connection, evening: datetime, at: datetime
) -> None:
    schedule(conn, cron="30 2 * * *", time_zone="Europe/Madrid", now=evening)
    assert again(conn).next_run_at == at

    looks = [evening + timedelta(minutes=30 * number) for number in range(48)]
    stored = {moment: run_due(conn, now=moment) for moment in looks}

    assert {moment: count for moment, count in stored.items() if count} == {at: 1}


def test_two_at_once_store_each_time_once(conn: Connection, database: str) -> None:
    schedule(conn)
    with connect(database) as other, conn.transaction():
        assert run_due(conn, now=NOW + timedelta(hours=1)) == 1
        assert run_due(other, now=NOW + timedelta(hours=1)) == 0
    with connect(database) as other:
        assert run_due(other, now=NOW + timedelta(hours=1)) == 0


def test_paused_it_stores_nothing_and_makes_up_for_nothing(conn: Connection) -> None:
    scheduling.pause(conn, schedule(conn, missed_runs="all"), actor=ACTOR, now=NOW)
    later = NOW + timedelta(hours=5)
    assert run_due(conn, now=later) == 0

    assert scheduling.resume(conn, again(conn), actor=ACTOR, now=later) == later + timedelta(
        minutes=30
    )
    assert run_due(conn, now=later) == 0


def test_run_now_stores_one_more_and_moves_no_time(conn: Connection) -> None:
    before = schedule(conn)

    assert scheduling.run_now(conn, before, actor=ACTOR, now=NOW) > 0
    assert again(conn).next_run_at == before.next_run_at
    assert jobs(conn) == 1


def test_cancelled_it_is_gone_and_what_was_stored_stays(conn: Connection) -> None:
    scheduling.run_now(conn, schedule(conn), actor=ACTOR, now=NOW)
    scheduling.cancel(conn, again(conn), actor=ACTOR, now=NOW)

    with pytest.raises(ConfigurationError, match="no schedule 'monday'"):
        again(conn)
    assert jobs(conn) == 1


def test_nothing_is_stored_while_all_is_halted(conn: Connection) -> None:
    schedule(conn)
    halt(conn, reason="looking into it", actor=ACTOR, now=NOW)

    assert run_due(conn, now=NOW + timedelta(hours=5)) == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cron": "every monday"}, "no cron expression|not a cron expression"),
        ({"cron": "0 0 30 2 *"}, "never comes due"),
        ({"time_zone": "Middle/Earth"}, "is not a time zone"),
        ({"kind": "fax"}, "no kind of job"),
        ({"payload": {"title": "x"}}, '"recipient" is who'),
        ({"missed_runs": "some"}, "none of skip, latest, all"),
    ],
)
def test_what_is_wrong_is_refused_when_it_is_added(
    conn: Connection, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        schedule(conn, **wrong)


def test_a_name_is_taken_once(conn: Connection) -> None:
    schedule(conn)
    with pytest.raises(ConfigurationError, match="has a schedule 'monday' already"):
        schedule(conn)


def test_one_that_an_application_stored_wrongly_is_paused_and_keeps_none_of_the_others(
    conn: Connection,
) -> None:
    conn.execute(
        "INSERT INTO scheduled_jobs (organization_id, name, cron, kind, next_run_at, created_by)"
        " VALUES (1, 'broken', 'now and then', 'email', %s, 'application:x'),"
        " (1, 'no time yet', '0 8 * * *', 'email', NULL, 'application:x')",
        (NOW,),
    )
    schedule(conn)

    assert run_due(conn, now=NOW + timedelta(hours=1)) == 1
    broken = find_schedule(conn, organization="default", name="broken")
    assert not broken.is_active
    assert "not a cron expression" in str(broken.last_state)
    fresh = find_schedule(conn, organization="default", name="no time yet")
    assert fresh.next_run_at == NOW.replace(hour=8, minute=0)
