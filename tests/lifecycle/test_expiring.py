"""The expiry check: which day it is where, what was already past, and what is looked at again."""

from datetime import UTC, date, datetime, timedelta

import pytest

from doclife.lifecycle import expiring, holding, undo
from doclife.lifecycle.expiring import ExpiryOutcome

from .conftest import ACTOR, NOW, World, days_ago


def check(world: World, *, as_of: datetime | None = None) -> ExpiryOutcome:
    return expiring.expire(world.conn, now=world.now, as_of=as_of or world.now, actor="schedule")


def expired(world: World) -> list[str]:
    rows = world.conn.execute(
        "SELECT external_id FROM documents WHERE expired_at IS NOT NULL ORDER BY external_id"
    )
    return [name for (name,) in rows]


def events(world: World) -> int:
    return int(world.value("SELECT count(*) FROM events WHERE type = 'document.expired'"))


def add(world: World, name: str, on: date | None, **columns: object) -> int:
    return world.add_document(name, content=None, expires_on=on, **columns)


def test_a_document_expires_the_day_after_its_date(world: World) -> None:
    add(world, "yesterday", days_ago(1))
    add(world, "today", days_ago(0))
    add(world, "tomorrow", days_ago(-1))
    add(world, "never", None)

    assert check(world).expired == 1
    assert expired(world) == ["yesterday"]
    world.later(days=1)
    assert check(world).expired == 1
    assert expired(world) == ["today", "yesterday"]


def test_a_second_check_finds_nothing_and_announces_nothing(world: World) -> None:
    add(world, "yesterday", days_ago(1))
    check(world)

    assert check(world) == ExpiryOutcome(expired=0, notices=0)
    assert events(world) == 1


@pytest.mark.parametrize(
    ("zone", "now", "is_expired"),
    [
        ("UTC", datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), False),
        ("UTC", datetime(2026, 3, 2, tzinfo=UTC), True),
        ("Pacific/Auckland", datetime(2026, 3, 1, 10, 59, 59, tzinfo=UTC), False),
        ("Pacific/Auckland", datetime(2026, 3, 1, 11, tzinfo=UTC), True),
        ("America/Los_Angeles", datetime(2026, 3, 2, 7, 59, 59, tzinfo=UTC), False),
        ("America/Los_Angeles", datetime(2026, 3, 2, 8, tzinfo=UTC), True),
        # The night in which the clock jumps ahead: the day begins at UTC+1.
        ("Europe/Berlin", datetime(2026, 3, 1, 22, 59, 59, tzinfo=UTC), False),
        ("Europe/Berlin", datetime(2026, 3, 1, 23, tzinfo=UTC), True),
    ],
)
def test_the_day_is_that_of_the_organization(
    world: World, zone: str, now: datetime, is_expired: bool
) -> None:
    world.conn.execute("UPDATE organizations SET time_zone = %s", (zone,))
    add(world, "contract", date(2026, 3, 1))
    world.now = now

    assert check(world).expired == int(is_expired)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # 02:00 does not exist on 29 March and exists twice on 25 October.
        (datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC), datetime(2026, 10, 25, 0, tzinfo=UTC)),
    ],
    ids=["spring", "autumn"],
)
def test_a_night_with_another_clock_expires_each_document_once(
    world: World, before: datetime, after: datetime
) -> None:
    world.conn.execute("UPDATE organizations SET time_zone = 'Europe/Berlin'")
    add(world, "contract", before.date())
    world.now = before
    assert check(world).expired == 0

    world.now = after
    assert check(world).expired == 1
    world.now = after + timedelta(hours=1)
    assert check(world).expired == 0
    assert events(world) == 1


def test_what_was_past_when_first_imported_is_stamped_without_telling_anybody(
    world: World,
) -> None:
    add(world, "old", days_ago(365), is_baseline=True)
    add(world, "new", days_ago(1))

    assert check(world).expired == 2
    assert events(world) == 1


def test_a_document_imported_today_that_expired_last_year_is_found_tonight(world: World) -> None:
    check(world)
    add(world, "late", days_ago(365))

    assert check(world).expired == 1


def test_an_earlier_moment_stamps_what_was_expired_then_and_loses_nothing(world: World) -> None:
    add(world, "long ago", days_ago(20))
    add(world, "lately", days_ago(5))

    assert check(world, as_of=NOW - timedelta(days=10)).expired == 1
    assert expired(world) == ["long ago"]
    assert check(world).expired == 1


def test_a_check_as_of_the_past_after_a_later_one_changes_nothing(world: World) -> None:
    check(world)
    check(world, as_of=NOW - timedelta(days=30))
    add(world, "late", days_ago(1))

    assert check(world).expired == 1


def test_the_future_expires_nothing_yet(world: World) -> None:
    add(world, "tomorrow", days_ago(-1))

    assert check(world, as_of=NOW + timedelta(days=30)).expired == 0


def test_a_new_date_is_judged_anew(world: World) -> None:
    document = add(world, "contract", days_ago(10))
    check(world)
    world.conn.execute(
        "UPDATE documents SET expires_on = %s WHERE id = %s", (days_ago(-5), document)
    )
    assert expired(world) == []

    world.later(days=6)
    assert check(world).expired == 1
    assert events(world) == 2


def test_a_document_under_hold_is_stamped_but_stays(world: World) -> None:
    document = add(world, "contract", days_ago(1))
    holding.hold(
        world.conn,
        organization="default",
        matter="case 7",
        reason="litigation",
        document_ids=[document],
        actor=ACTOR,
        now=world.now,
    )

    assert check(world).expired == 1
    assert world.status(document) == "active"


def test_what_comes_back_from_the_trash_is_judged_again(world: World) -> None:
    document = add(world, "draft", days_ago(-3), document_type="draft")
    world.enforce(
        when={"field": "document_type", "op": "eq", "value": "draft"}, actions=[{"do": "DELETE"}]
    )
    world.night()
    world.later(days=5)
    assert check(world).expired == 0

    undo.restore_documents(
        world.conn,
        organization="default",
        document_ids=[document],
        now=world.now,
        actor=ACTOR,
        reason="needed",
        stores=world.stores,
    )
    assert check(world).expired == 1


def test_batches_leave_no_gap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "BATCH_SIZE", 3)
    for number in range(10):
        add(world, f"same day {number}", days_ago(1))

    assert check(world).expired == 10
    assert events(world) == 10
