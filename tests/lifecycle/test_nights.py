"""What a night plans: which rules are due, how much at once, and when it is more than forecast."""

from datetime import UTC, datetime, timedelta

import pytest

from doclife.domain.plan import PlanState, ShardOutcome
from doclife.errors import ConfigurationError
from doclife.lifecycle import cleaning, forecasting

from .conftest import World, days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
EXPIRED = {"for": "30d", "after": "created_on"}


@pytest.mark.parametrize(
    ("as_of", "is_due"),
    [
        (datetime(2026, 3, 2, 3, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 4, tzinfo=UTC), True),
        (datetime(2026, 3, 5, 3, tzinfo=UTC), True),
    ],
    ids=["a second before", "at", "when its night was missed"],
)
def test_a_weekly_rule_waits_for_its_first_night(
    world: World, as_of: datetime, is_due: bool
) -> None:
    world.enforce(
        trigger={"type": "ON_SCHEDULE", "cron": "0 4 * * 1"},
        when=DRAFTS,
        actions=DELETE,
        since=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    world.now = as_of

    assert len(world.plan()) == int(is_due)


def test_the_night_of_a_weekly_rule_is_that_of_its_organization(world: World) -> None:
    world.conn.execute("UPDATE organizations SET time_zone = 'Pacific/Auckland'")
    world.enforce(
        trigger={"type": "ON_SCHEDULE", "cron": "0 4 * * 1"},
        when=DRAFTS,
        actions=DELETE,
        since=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    # Monday 04:00 in Auckland is Sunday 15:00 in UTC.
    world.now = datetime(2026, 3, 1, 14, 59, 59, tzinfo=UTC)
    assert world.plan() == []

    world.later(seconds=1)
    assert len(world.plan()) == 1


def test_a_weekly_rule_runs_once_a_week(world: World) -> None:
    world.enforce(trigger={"type": "ON_SCHEDULE", "cron": "0 2 * * 1"}, when=DRAFTS, actions=DELETE)
    nights = 0
    for _night in range(21):
        nights += len(world.plan())
        world.later(days=1)

    assert nights == 3


def test_a_naive_moment_names_no_moment(world: World) -> None:
    with pytest.raises(ConfigurationError, match="no time zone"):
        world.plan(as_of=datetime(2026, 3, 2))  # noqa: DTZ001 - the point


def test_a_document_is_due_the_day_after_its_retention_ends(world: World) -> None:
    document = world.add_document("draft", content=None, created_on=days_ago(30))
    world.enforce(
        when={"field": "status", "op": "eq", "value": "active"}, retain=EXPIRED, actions=DELETE
    )
    assert world.night() == {"rule@1": ShardOutcome()}

    world.later(days=1)

    assert world.night() == {"rule@1": ShardOutcome(done=1)}
    assert world.status(document) == "deleted"


def test_a_paced_rule_lets_go_so_many_a_night_the_longest_overdue_first(world: World) -> None:
    ages = [100, 300, 200, 400, 150]
    documents = {
        age: world.add_document(f"{age}", content=None, created_on=days_ago(age)) for age in ages
    }
    world.enforce(
        when={"field": "status", "op": "eq", "value": "active"},
        retain=EXPIRED,
        actions=DELETE,
        limits={"max_documents": 10, "max_fraction": 1.0, "per_night": 2},
    )
    gone = []
    for _night in range(4):
        world.night()
        gone.append(sorted(age for age in ages if world.status(documents[age]) == "deleted"))
        world.later(days=1)

    assert gone == [[300, 400], [150, 200, 300, 400], sorted(ages), sorted(ages)]


def test_much_more_than_forecast_asks_a_person(world: World) -> None:
    world.add_document("draft", content=None, document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)
    forecasting.rebuild_dispositions(world.conn, now=world.now, as_of=world.now)
    for number in range(100):
        world.add_document(f"{number}", content=None, document_type="draft")

    [summary] = world.plan()

    assert summary.state is PlanState.NEEDS_APPROVAL
    assert summary.approval_reason == (
        "101 documents are due where the rule's forecast allows 100 (rule drift)"
    )


def test_a_rule_that_was_never_forecast_does_not_drift(world: World) -> None:
    for number in range(101):
        world.add_document(f"{number}", content=None, document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE)

    assert [summary.state for summary in world.plan()] == [PlanState.PLANNED]


def test_a_forecast_says_when_each_action_will_be_due_and_is_built_anew(world: World) -> None:
    document = world.add_document("contract", content=None, created_on=days_ago(0))
    world.enforce(
        when={"field": "status", "op": "eq", "value": "active"}, retain=EXPIRED, actions=DELETE
    )
    for _again in range(2):
        assert forecasting.rebuild_dispositions(world.conn, now=world.now, as_of=world.now) == 1

    rows = world.conn.execute("SELECT document_id, due_on FROM dispositions").fetchall()
    assert rows == [(document, days_ago(-31))]


def test_the_forecast_is_never_trusted_for_an_action(world: World) -> None:
    document = world.add_document("contract", content=None, created_on=days_ago(0))
    world.enforce(
        when={"field": "status", "op": "eq", "value": "active"}, retain=EXPIRED, actions=DELETE
    )
    forecasting.rebuild_dispositions(world.conn, now=world.now, as_of=world.now)
    world.conn.execute("UPDATE dispositions SET due_on = '2020-01-01', retain_until = NULL")

    assert world.night() == {"rule@1": ShardOutcome()}
    assert world.status(document) == "active"


def test_history_is_made_ahead_and_dropped_after_ninety_days(world: World) -> None:
    now: datetime = world.value("SELECT now()")
    before = cleaning.prune_history(world.conn, now=now - timedelta(days=120))
    assert before.partitions_made == 2 * cleaning.PARTITIONS_AHEAD_DAYS

    after = cleaning.prune_history(world.conn, now=now)

    assert after.partitions_dropped == 2 * cleaning.PARTITIONS_AHEAD_DAYS
    assert cleaning.prune_history(world.conn, now=now) == cleaning.PruneOutcome(
        partitions_made=0, partitions_dropped=0, rows_dropped=0
    )
