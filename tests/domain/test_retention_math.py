"""Retention math against an implementation that shares no code with it: python-dateutil.

Decades of dates are judged in one statement; PostgreSQL, the domain's own arithmetic and dateutil
must say the same.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.duration import Period
from doclife.domain.fields import MetadataType
from doclife.domain.fragment import Fragment, merged_parameters
from doclife.domain.organization import Organization
from doclife.domain.protections import protections
from tests.domain.conftest import RULE_MADE_AT, Run, compiler, document, event, rule

CUTOFFS: Mapping[str, relativedelta] = {
    "none": relativedelta(),
    "end_of_month": relativedelta(day=31),
    "end_of_year": relativedelta(month=12, day=31),
}
PERIODS = (
    *("0d", "1d", "30d", "90d", "366d", "1w", "6w", "1mo", "6mo", "11mo", "13mo", "240mo"),
    *("1y", "4y", "6y", "7y", "10y", "30y", "100y", "1y6mo", "1y1mo1w1d", "3mo2w5d"),
)
ZONES = (
    *("UTC", "Europe/Berlin", "America/Los_Angeles", "America/St_Johns", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Chatham"),
    *("Africa/Casablanca", "America/Sao_Paulo", "Europe/Dublin"),
)
DAYS = st.dates(date(1900, 1, 1), date(2400, 12, 31))
WRITTEN = st.builds(
    lambda years, months, weeks, days: f"{years}y{months}mo{weeks}w{days}d",
    *(st.integers(0, 120), st.integers(0, 40), st.integers(0, 60), st.integers(0, 800)),
)


def awkward_days() -> list[date]:
    """Both ends of every month and every 29 February of 1900 to 2400, and as many other days."""
    chance = random.Random(20261122)
    firsts = [date(year, month, 1) for year in range(1900, 2401) for month in range(1, 13)]
    days = {first + relativedelta(day=31) for first in chance.sample(firsts, 900)}
    days |= set(chance.sample(firsts, 300))
    days |= {first + relativedelta(day=31) for first in firsts if first.month == 2}
    span = (date(2400, 12, 31) - date(1900, 1, 1)).days
    days |= {date(1900, 1, 1) + timedelta(days=chance.randint(0, span)) for _ in range(1500)}
    return sorted(days)


def dateutil_period(text: str) -> relativedelta:
    """The period by dateutil, read by this test and not by doclife."""
    amounts = {unit: int(number) for number, unit in re.findall(r"(\d+)(y|mo|w|d)", text)}
    return relativedelta(
        years=amounts.get("y", 0),
        months=amounts.get("mo", 0),
        weeks=amounts.get("w", 0),
        days=amounts.get("d", 0),
    )


def expected_until(anchor_on: date, cutoff: str, period: str) -> date:
    """The last day of a retention by dateutil."""
    return anchor_on + CUTOFFS[cutoff] + dateutil_period(period)


def keeping(period: str, cutoff: str = "none", after: str = "created_on", **parts: Any) -> Compiler:
    """A rule that keeps and then archives: due the day after."""
    retain = {"for": period, "after": after, "cutoff": cutoff}
    version = {key: parts.pop(key) for key in ("as_of", "prefix") if key in parts}
    return compiler(rule(retain=retain, actions=[{"do": "ARCHIVE"}], **parts), **version)


def both_dates(some: Sequence[Compiler]) -> Fragment:
    """One statement with the last day kept and the due date by every rule, of every document."""
    columns = []
    parameters: list[Fragment] = []
    for one in some:
        until, due_on = one.retain_until(), one.due_on(0)
        columns += [f"{until.text} AS {one.prefix}_until", f"{due_on.text} AS {one.prefix}_due"]
        parameters += [until, due_on]
    return Fragment(
        text=f"SELECT d.id, {', '.join(columns)} FROM documents AS d",
        parameters=merged_parameters(*parameters),
    )


def test_postgresql_the_domain_and_dateutil_agree_over_five_centuries(run: Run) -> None:
    days = awkward_days()
    cases = [(cutoff, period) for cutoff in CUTOFFS for period in PERIODS]
    compilers = [
        keeping(period, cutoff, prefix=f"r{number}")
        for number, (cutoff, period) in enumerate(cases)
    ]

    rows = run(
        both_dates(compilers),
        *(document(number, created_on=str(day)) for number, day in enumerate(days)),
    )

    assert len(rows) == len(days) > 3000
    for row in rows:
        anchor_on = days[row["id"]]
        for number, (cutoff, period) in enumerate(cases):
            until = expected_until(anchor_on, cutoff, period)
            case = (anchor_on, cutoff, period)
            assert row[f"r{number}_until"] == until, case
            assert row[f"r{number}_due"] == until + timedelta(days=1), case
            assert Period.parse(period).add_to(anchor_on + CUTOFFS[cutoff]) == until, case


@settings(max_examples=100)
@given(
    period=WRITTEN,
    after=WRITTEN,
    cutoff=st.sampled_from(sorted(CUTOFFS)),
    days=st.lists(DAYS, min_size=1, max_size=30),
)
def test_any_period_any_cutoff_and_an_own_after_agree_with_dateutil(
    run: Run, period: str, after: str, cutoff: str, days: list[date]
) -> None:
    retain = {"for": period, "after": "metadata.contract_end", "cutoff": cutoff}
    some = compiler(rule(retain=retain, actions=[{"do": "ARCHIVE", "after": after}]))

    rows = run(
        both_dates([some]),
        *(document(number, metadata={"contract_end": str(day)}) for number, day in enumerate(days)),
    )

    for row in rows:
        day = days[row["id"]]
        assert row["rule_until"] == expected_until(day, cutoff, period)
        assert row["rule_due"] == expected_until(day, cutoff, after) + timedelta(days=1)


@pytest.mark.parametrize("cutoff", CUTOFFS)
@pytest.mark.parametrize("period", ["1d", "1mo", "6mo", "1y", "7y", "1y1mo1w1d", "30y"])
def test_what_is_due_on_a_day_is_what_adding_forward_says_however_old(
    run: Run, period: str, cutoff: str
) -> None:
    """No window of the last 365 days decides, nor ``today - period``: only ``anchor + period``.

    The test that lets an index narrow the search is in these statements; it may lose nothing.
    """
    days = awkward_days()[::2]
    documents = [document(number, created_on=str(day)) for number, day in enumerate(days)]
    first_due = [expected_until(day, cutoff, period) + timedelta(days=1) for day in days]
    chance = random.Random(f"{period} {cutoff}")

    for today in chance.sample(first_due, 4):
        for as_of in (today - timedelta(days=1), today):
            hits = keeping(period, cutoff, as_of=as_of).hits(organization_id=1)
            found = {row["document_id"] for row in run(hits, *documents)}
            assert found == {n for n, due_on in enumerate(first_due) if due_on <= as_of}


def test_subtracting_a_period_from_today_would_decide_otherwise(run: Run) -> None:
    """The pairs on which the two disagree exist, and doclife is on the side of keeping longer."""
    starts = [date(2020, 1, 1) + timedelta(days=number) for number in range(4 * 366)]
    documents = [document(number, created_on=str(day)) for number, day in enumerate(starts)]
    disagreements = 0
    for as_of in (date(2023, 3, 1), date(2023, 3, 2), date(2023, 3, 29), date(2023, 3, 30)):
        hits = keeping("1mo", as_of=as_of).hits(organization_id=1)
        found = {row["document_id"] for row in run(hits, *documents)}
        subtracted = {n for n, day in enumerate(starts) if day < as_of - relativedelta(months=1)}
        added = {n for n, day in enumerate(starts) if day + relativedelta(months=1) < as_of}
        assert found == added
        disagreements += len(added ^ subtracted)
    assert disagreements > 0


@settings(max_examples=100)
@given(period=WRITTEN, cutoff=st.sampled_from(sorted(CUTOFFS)), day=DAYS)
def test_a_document_is_retained_on_its_last_day_and_due_on_the_next(
    run: Run, period: str, cutoff: str, day: date
) -> None:
    of = document(created_on=str(day))
    last = expected_until(day, cutoff, period)

    for as_of, is_due in ((last, False), (last + timedelta(days=1), True)):
        some = keeping(period, cutoff, as_of=as_of)
        assert bool(run(some.hits(organization_id=1), of)) is is_due
        protection = run(protections([some]), of)[0]
        assert (protection["retain_until"] < as_of) is is_due


@pytest.mark.parametrize(
    ("anchor_on", "period", "until"),
    [("2020-02-29", "7y", "2027-02-28"), ("2026-01-31", "1mo", "2026-02-28")],
)
def test_clamping_never_ends_a_retention_before_its_month_does(
    run: Run, anchor_on: str, period: str, until: str
) -> None:
    (row,) = run(both_dates([keeping(period)]), document(created_on=anchor_on))

    assert row["rule_until"] == date.fromisoformat(until)
    assert row["rule_due"] == date.fromisoformat(until) + timedelta(days=1)


def test_a_year_ends_when_it_ends_for_the_organization(run: Run) -> None:
    """2019-12-31 23:30 in Los Angeles is 2020 in UTC: a year-end cutoff would move a whole year."""
    of = document(registered_at="2020-01-01T07:30:00+00:00")
    untils = {
        zone: run(both_dates([in_zone(zone)]), of)[0]["rule_until"]
        for zone in ("America/Los_Angeles", "UTC")
    }

    assert untils == {"America/Los_Angeles": date(2026, 12, 31), "UTC": date(2027, 12, 31)}


def in_zone(zone: str, *, period: str = "7y", cutoff: str = "end_of_year") -> Compiler:
    """A rule that counts from the day of registration in a time zone."""
    retain = {"for": period, "after": "registered_on", "cutoff": cutoff}
    return Compiler(
        rule_version=RuleVersion(
            rule_id=1,
            version_id=1,
            version=1,
            created_at=RULE_MADE_AT,
            rule=rule(retain=retain, actions=[{"do": "ARCHIVE"}]),
        ),
        metadata_types={"contract_end": MetadataType.DATE},
        time_zone=zone,
        as_of=date(2026, 11, 22),
        prefix="rule",
    )


@pytest.mark.parametrize("zone", ZONES)
def test_a_moment_is_the_same_day_for_postgresql_and_python_in_every_zone(
    run: Run, zone: str
) -> None:
    """Nights when clocks change, half and quarter hours, and the day that Samoa left out."""
    moments = awkward_moments(zone)
    tenant = Organization(
        id=1,
        slug="o",
        name="o",
        time_zone=zone,
        locale="en",
        cooling_off_days=0,
        reprieve_days=0,
        max_documents_per_day=1,
        max_fraction_per_day=1.0,
        fallback_recipient=None,
    )

    rows = run(
        both_dates([in_zone(zone, period="1mo", cutoff="none")]),
        *(document(number, registered_at=str(at)) for number, at in enumerate(moments)),
    )

    assert len(rows) == len(moments) > 500
    for row in rows:
        moment = moments[row["id"]]
        day = moment.astimezone(ZoneInfo(zone)).date()
        assert tenant.date_of(moment) == day
        assert row["rule_until"] == day + relativedelta(months=1), moment


def awkward_moments(zone: str) -> list[datetime]:
    """Seconds around midnights and around every change of the clocks from 1975 to 2024.

    Later ones are forecasts, which tables of zones of different age do not agree on.
    """
    known = ZoneInfo(zone)
    chance = random.Random(zone)
    start = datetime(1975, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=12 * number) for number in range(49 * 365 * 2)]
    changes = [
        after
        for before, after in pairwise(hours)
        if before.astimezone(known).utcoffset() != after.astimezone(known).utcoffset()
    ]
    moments = [
        change + timedelta(minutes=30 * step, seconds=chance.choice([-1, 0, 1]))
        for change in changes
        for step in range(-28, 5, 3)
    ]
    for at in chance.sample(hours, 300):
        midnight = at.astimezone(known).replace(hour=0, minute=0)
        moments += [midnight.astimezone(UTC) + timedelta(seconds=step) for step in (-1, 0, 1)]
    return moments


def test_the_day_that_samoa_left_out_is_nobodys_day() -> None:
    """30 December 2011 did not happen in Apia: the night of the 29th ends on the 31st."""
    zone = ZoneInfo("Pacific/Apia")
    last = datetime(2011, 12, 29, 23, 59, 59, tzinfo=zone).astimezone(UTC)

    assert (last + timedelta(seconds=1)).astimezone(zone).date() == date(2011, 12, 31)
    assert last.astimezone(zone).date() == date(2011, 12, 29)


def test_the_latest_of_several_events_is_the_anchor_and_the_cutoff_comes_after_it(
    run: Run,
) -> None:
    some = keeping("6y", "end_of_year", after="event:employee.left")
    happened = [event(1, "2019-12-31"), event(2, "2020-01-01"), event(3, "2018-06-30")]

    (row,) = run(both_dates([some]), document(), events=happened)

    assert row["rule_until"] == date(2026, 12, 31)


@settings(max_examples=100)
@given(days=st.lists(DAYS, min_size=1, max_size=6), withdrawn=st.sets(st.integers(0, 5)))
def test_a_withdrawn_latest_event_means_kept_without_end(
    run: Run, days: list[date], withdrawn: set[int]
) -> None:
    some = keeping("6y", after="event:employee.left")
    happened = [
        event(number, str(day), withdrawn_at="2026-11-01" if number in withdrawn else None)
        for number, day in enumerate(days)
    ]
    standing = [day for number, day in enumerate(days) if number not in withdrawn]
    runs = len(days) - 1 not in withdrawn

    (protection,) = run(protections([some]), document(), events=happened)

    assert protection["retain_until"] == (
        expected_until(max(standing), "none", "6y") if runs else date.max
    )


@pytest.mark.parametrize("value", [None, "", "soon", "2026-02-30", "2026-13-01", "20260101", 7, []])
def test_an_anchor_that_cannot_be_read_keeps_without_end_and_is_never_due(
    run: Run, value: object
) -> None:
    some = keeping("7y", after="metadata.contract_end", as_of=date(9000, 1, 1))
    of = document(metadata={} if value is None else {"contract_end": value})

    assert run(protections([some]), of)[0]["retain_until"] == date.max
    assert run(some.hits(organization_id=1), of) == []
    unknown = run(some.hits(organization_id=1, include_unknown=True), of)
    assert [row["matched"] for row in unknown] == [None]


def test_permanent_outlasts_every_period_and_is_never_due(run: Run) -> None:
    retain = {"for": "permanent", "after": "created_on"}
    some = compiler(rule(name="for-ever", retain=retain))
    longest = keeping("1000y", prefix="longest")

    (row,) = run(protections([longest, some]), document(created_on="2026-01-01"))

    assert row["retain_until"] == date.max


def test_sums_beyond_the_year_9999_are_kept_for_good_and_stop_nobody_elses_plan(run: Run) -> None:
    some = keeping("1000y", "end_of_year", as_of=date(9999, 12, 31))
    far = document(1, created_on="9999-12-31")
    near = document(2, created_on="2020-02-29")

    rows = {row["id"]: row["rule_until"] for row in run(both_dates([some]), far, near)}

    assert rows == {1: date.max, 2: date(3020, 12, 31)}
    assert [row["document_id"] for row in run(some.hits(organization_id=1), far, near)] == [2]


def test_the_first_days_of_the_calendar_overflow_nothing(run: Run) -> None:
    some = keeping("1000y", as_of=date(1, 1, 2))

    assert run(some.hits(organization_id=1), document(created_on="0001-01-01")) == []


def test_a_rule_is_judged_for_a_date_and_never_for_a_moment(run: Run) -> None:
    """Bound as a timestamp, the comparison would lose its index under row-level security."""
    with pytest.raises(ValueError, match="as_of is a date"):
        keeping("7y", as_of=datetime(2026, 11, 22, tzinfo=UTC))

    assert not any(
        isinstance(value, datetime) and name != "rule_rule_created_at"
        for name, value in keeping("7y").hits(organization_id=1).parameters.items()
    )
