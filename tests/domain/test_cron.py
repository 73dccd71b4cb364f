"""Cron on a wall clock that is put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from doclife.domain.cron import next_time, times_between

MADRID = ZoneInfo("Europe/Madrid")
FORWARD = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""The clock goes from 02:00 to 03:00 in the night after this day."""
BACK = datetime(2026, 10, 24, 12, tzinfo=UTC)
"""It goes from 03:00 to 02:00 in the night after this day."""


def upcoming(cron: str, after: datetime, count: int, zone: ZoneInfo = MADRID) -> list[str]:
    shown = []
    for _ in range(count):
        after = next_time(cron, zone=zone, after=after)
        shown.append(after.astimezone(zone).strftime("%d %H:%M%z"))
    return shown


def test_an_hour_that_does_not_exist_runs_once_and_as_much_later() -> None:
    assert upcoming("30 2 * * *", FORWARD, 2) == ["29 03:30+0200", "30 02:30+0200"]


def test_an_hour_that_comes_twice_runs_the_first_time_only() -> None:
    assert upcoming("30 2 * * *", BACK, 2) == ["25 02:30+0200", "26 02:30+0100"]


@pytest.mark.parametrize("start", [FORWARD, BACK])
@pytest.mark.parametrize(("cron", "minutes"), [("*/20 * * * *", 20), ("5 * * * *", 60)])
def test_what_runs_by_the_hour_or_minute_neither_pauses_nor_repeats(
    start: datetime, cron: str, minutes: int
) -> None:
    moment = next_time(cron, zone=MADRID, after=start)
    for _ in range(24 * 60 // minutes):
        later = next_time(cron, zone=MADRID, after=moment)
        assert later - moment == timedelta(minutes=minutes)
        moment = later


@pytest.mark.parametrize(
    "zone", ["Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "UTC"]
)
def test_each_day_of_a_year_has_its_run_in_zones_of_all_kinds(zone: str) -> None:
    tz = ZoneInfo(zone)
    start = datetime(2026, 1, 1, 12, tzinfo=tz)
    times = times_between(
        "15 2 * * *", zone=tz, after=start, until=start + timedelta(days=365), most=1000
    )

    days = [moment.astimezone(tz).date() for moment in times]
    assert len(days) == len(set(days)) == 365


def test_a_moment_that_is_on_the_schedule_is_not_its_own_successor() -> None:
    due = datetime(2026, 6, 1, 6, tzinfo=UTC)

    assert next_time("0 6 * * *", zone=ZoneInfo("UTC"), after=due) == due + timedelta(days=1)
    assert next_time("0 6 * * *", zone=ZoneInfo("UTC"), after=due - timedelta(seconds=1)) == due


def test_only_the_latest_of_many_times_are_kept() -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    until = start + timedelta(hours=5)

    assert times_between("0 * * * *", zone=ZoneInfo("UTC"), after=start, until=until, most=2) == [
        until - timedelta(hours=1),
        until,
    ]


def test_rare_times_are_found() -> None:
    assert upcoming("0 0 29 2 *", datetime(2026, 1, 1, tzinfo=UTC), 1) == ["29 00:00+0100"]
