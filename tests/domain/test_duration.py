from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from doclife.domain.duration import Period

PERIODS = st.builds(
    Period,
    years=st.integers(0, 120),
    months=st.integers(0, 40),
    weeks=st.integers(0, 60),
    days=st.integers(0, 800),
)
DATES = st.dates(date(1890, 1, 1), date(2210, 12, 31))
# Where calendars disagree: the ends of months, the Februaries, the century that had no leap day.
ENDS = st.builds(
    lambda year, month: date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1),
    st.sampled_from([1896, 1899, 1900, 1904, 1999, 2000, 2019, 2020, 2023, 2024, 2026, 2100]),
    st.integers(0, 11),
)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("7y", "P7Y0M0D"),
        ("6mo", "P0Y6M0D"),
        ("2w", "P0Y0M14D"),
        ("90d", "P0Y0M90D"),
        ("7y6mo2w3d", "P7Y6M17D"),
        ("0d", "P0Y0M0D"),
    ],
)
def test_reads_and_writes_a_period_as_written(text: str, interval: str) -> None:
    period = Period.parse(text)

    assert (str(period), period.to_interval()) == (text, interval)


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "y", "7Y", "7 y", "7y ", "7y\n", "-7y", "+7y", "1.5y", "6m", "2w7y", "7y7y"),
        *("\u0667y", "P7Y", "7y; DROP TABLE documents", "1001y", "99999mo", "999999d", "1000y400d"),
    ],
)
def test_refuses_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match=r"period"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2020-02-29", "7y", "2027-02-28"),
        ("2020-02-29", "4y", "2024-02-29"),
        ("2026-01-31", "1mo", "2026-02-28"),
        ("2024-01-31", "1mo", "2024-02-29"),
        ("2026-01-31", "1mo1d", "2026-03-01"),
        ("2019-12-31", "2mo", "2020-02-29"),
        ("2026-11-22", "0d", "2026-11-22"),
    ],
)
def test_adds_months_clamped_and_then_days(start: str, period: str, end: str) -> None:
    assert Period.parse(period).add_to(date.fromisoformat(start)) == date.fromisoformat(end)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(period=PERIODS, starts=st.lists(DATES | ENDS, min_size=30, max_size=60))
def test_adds_as_postgresql_does(
    session: psycopg.Connection, period: Period, starts: list[date]
) -> None:
    rows = session.execute(
        "SELECT (day + %s::interval)::date FROM unnest(%s::date[]) WITH ORDINALITY AS t (day, n)"
        " ORDER BY n",
        (period.to_interval(), starts),
    ).fetchall()

    assert [end for (end,) in rows] == [period.add_to(start) for start in starts]


def test_adds_as_postgresql_does_on_every_day_of_decades(session: psycopg.Connection) -> None:
    periods = ["1mo", "2mo", "3mo", "6mo", "11mo", "1y", "4y", "7y", "10y", "1y1mo1d", "1mo30d"]

    for text in periods:
        period = Period.parse(text)
        rows = session.execute(
            "SELECT day::date, (day::date + %s::interval)::date"
            " FROM generate_series('1995-01-01'::date, '2035-12-31', '1 day') AS day",
            (period.to_interval(),),
        ).fetchall()

        assert len(rows) > 14_000
        assert [start for start, end in rows if period.add_to(start) != end] == []


@given(period=PERIODS, start=DATES | ENDS, wait=st.integers(-3, 3))
def test_a_start_that_is_over_by_an_end_is_at_most_3_days_after_the_subtraction(
    period: Period, start: date, wait: int
) -> None:
    end = period.add_to(start) + timedelta(days=abs(wait))

    assert start <= period.subtract_from(end) + timedelta(days=3)


@given(period=PERIODS, start=DATES | ENDS, wait=st.integers(0, 3))
def test_a_start_that_is_not_over_before_an_end_is_not_before_the_subtraction(
    period: Period, start: date, wait: int
) -> None:
    end = period.add_to(start) - timedelta(days=wait)

    assert start >= period.subtract_from(end)


@given(period=PERIODS, end=DATES | ENDS)
@example(period=Period(months=1), end=date(2026, 3, 31))
@example(period=Period(months=1, days=1), end=date(2026, 3, 30))
def test_reaches_an_end_from_a_first_start_on_and_not_before(period: Period, end: date) -> None:
    first = period.first_start_reaching(end)

    assert period.add_to(first - timedelta(days=1)) < end <= period.add_to(first)


@settings(max_examples=500)
@given(one=PERIODS, other=PERIODS, start=DATES | ENDS)
def test_a_certainly_shorter_period_ends_no_later_wherever_it_begins(
    one: Period, other: Period, start: date
) -> None:
    if one.is_certainly_shorter_than(other):
        assert one.add_to(start) <= other.add_to(start)
        assert not other.is_certainly_shorter_than(one)


@pytest.mark.parametrize(
    ("one", "other", "is_shorter"),
    [
        ("6y", "7y", True),
        ("7y", "6y", False),
        ("7y", "7y", False),
        ("30d", "1mo", False),
        ("1mo", "30d", False),
        ("30d", "2mo", True),
        ("364d", "1y", False),
        ("300d", "1y", True),
        ("12mo", "1y", False),
        ("11mo", "1y", True),
        ("0d", "1d", True),
    ],
)
def test_orders_periods_only_where_that_is_certain(one: str, other: str, is_shorter: bool) -> None:
    assert Period.parse(one).is_certainly_shorter_than(Period.parse(other)) is is_shorter


def test_refuses_to_leave_the_calendar() -> None:
    with pytest.raises(OverflowError):
        Period.parse("1000y").add_to(date(9500, 1, 1))
    with pytest.raises(OverflowError):
        Period.parse("1000y").subtract_from(date(500, 1, 1))
