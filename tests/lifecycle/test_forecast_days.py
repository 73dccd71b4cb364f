"""The sums of a forecast are those of its days, each looked at by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from doclife.domain.duration import Period
from doclife.lifecycle.forecasting import forecast

from .conftest import World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
GRACES = {"none": "0d", "days": "30d", "month": "1mo", "mixed": "2mo1d", "year": "1y"}
FIRST, LAST = date(2025, 12, 20), date(2028, 4, 10)
"""Around every end of a month for two years, a leap year's February among them."""

Row = tuple[str | None, str, date, bool, int]
"""Rule, action, day, whether it is held, how many documents."""


def days() -> Iterator[tuple[int, date]]:
    yield 0, date.max
    for number in range((LAST - FIRST).days + 1):
        yield number, FIRST + timedelta(days=number)


@pytest.fixture
def rows(world: World) -> list[Row]:
    """Something on every day, and for good, of rules with a grace period each, and in the trash."""
    versions: dict[str | None, int | None] = {None: None}
    found: list[Row] = []
    for name, grace in GRACES.items():
        rule = world.enforce(name, when=DRAFTS, actions=[{"do": "DELETE"}], grace=grace)
        versions[name] = rule.version_id
        found += [(name, "DELETE", day, number % 7 == 0, 1 + number % 9) for number, day in days()]
    told = {"do": "NOTIFY", "with": {"to": "records@example.org"}}
    versions["tells"] = world.enforce("tells", when=DRAFTS, actions=[told]).version_id
    found += [("tells", "NOTIFY", day, False, 1 + number % 5) for number, day in days()]
    found += [(None, "PURGE", day, number % 5 == 0, 1 + number % 4) for number, day in days()]
    gone = world.enforce("gone", when=DRAFTS, actions=[{"do": "DELETE"}])
    world.conn.execute("UPDATE rules SET removed_at = now() WHERE name = 'gone'")
    write = (
        "INSERT INTO forecast_counts (organization_id, rule_version_id, action, goes_on, is_held,"
        " documents, size_bytes) VALUES (1, %s, %s, %s, %s, %s, %s)"
    )
    with world.conn.cursor() as cursor:
        cursor.executemany(
            write,
            [
                (versions[rule], action, "infinity" if day == date.max else day, held, count, count)
                for rule, action, day, held, count in found
            ]
            + [(gone.version_id, "DELETE", FIRST, False, 1, 1)],
        )
    return found


def one_by_one(rows: list[Row], *, today: date, until: date) -> Counter[tuple[Any, ...]]:
    """What comes of each day by itself."""
    sums: Counter[tuple[Any, ...]] = Counter()

    def add(rule: str | None, action: str, day: date, is_held: bool, count: int) -> None:
        bucket, month = "month", day.replace(day=1)
        if is_held:
            bucket = "held"
        elif day == date.max:
            bucket = "never"
        elif day < today:
            bucket = "overdue"
        elif day >= until:
            bucket = "later"
        sums[rule, action, bucket, month if bucket == "month" else None] += count

    for rule, action, day, is_held, count in rows:
        if action == "NOTIFY" and day <= today:
            continue
        add(rule, action, day, is_held, count)
        if action == "DELETE":
            grace = Period.parse(GRACES[str(rule)])
            purged_on = day if day == date.max else grace.add_to(max(day, today))
            add(rule, "PURGE", purged_on, is_held, count)
    return sums


@pytest.mark.parametrize("months", [1, 13, 24])
@pytest.mark.parametrize("rule", [None, "month"])
def test_the_sums_are_those_of_each_day_by_itself(
    world: World, rows: list[Row], months: int, rule: str | None
) -> None:
    asked = [row for row in rows if rule is None or row[0] == rule]

    for today in (date(2026, 3, 2), date(2026, 3, 31), date(2026, 12, 31), date(2027, 1, 1)):
        place = today.year * 12 + today.month - 1 + months
        found = forecast(
            world.conn,
            organization="default",
            now=world.now.replace(year=today.year, month=today.month, day=today.day),
            months=months,
            rule=rule,
        )

        assert found.today == today
        assert {
            (one.rule, one.action, one.bucket, one.month): one.documents for one in found.counts
        } == one_by_one(asked, today=today, until=date(place // 12, place % 12 + 1, 1))
        assert all(one.documents == one.size_bytes for one in found.counts)
