"""Judging on the very day, when a plan is stored and once more when it is applied."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from doclife.domain.plan import PlanSummary, ShardOutcome
from doclife.errors import RefusedError
from doclife.lifecycle import planning, undo

from .conftest import ACTOR, World, days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
ARCHIVE = [{"do": "ARCHIVE"}]
UNTIL_TODAY = {"for": "100d", "after": "created_on"}
"""For what was made 100 days ago."""


def add_draft(world: World) -> int:
    return world.add_document("draft.txt", document_type="draft", created_on=days_ago(100))


def plan_purges(world: World) -> list[PlanSummary]:
    """Plan the weekly purge, and do nothing yet."""
    world.runs += 1
    return planning.plan_purges(
        world.conn,
        now=world.now,
        dag_id="cleanup",
        run_id=f"run-{world.runs}",
        requested_by="schedule",
    )


def trashed(world: World) -> int:
    """Return a document that is past its grace period in the trash."""
    draft = add_draft(world)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    assert world.night() == {"rule@1": ShardOutcome(done=1)}
    return draft


def write(world: World, change: Any) -> None:
    """Write what a person or another run has settled meanwhile."""
    world.conn.execute(f"UPDATE documents SET {change}", {"today": world.now.date()})


class TestWhatIsRetainedUntilTodayIsStillRetained:
    def test_when_it_is_planned(self, world: World) -> None:
        add_draft(world)
        world.enforce(when=DRAFTS, actions=DELETE)
        world.enforce("keep", retain=UNTIL_TODAY)

        days = []
        for _day in range(2):
            [summary] = world.plan()
            days.append(world.items(summary.plan_id)["draft.txt"])
            world.later(days=1)

        assert days == [("skipped", "retained"), ("planned", None)]

    def test_when_it_is_deleted(self, world: World) -> None:
        draft = add_draft(world)
        world.enforce(when=DRAFTS, actions=DELETE)
        [summary] = world.plan()
        world.enforce("keep", retain=UNTIL_TODAY)

        assert world.apply(summary.plan_id) == ShardOutcome(skipped=1)
        assert world.status(draft) == "active"

    def test_when_its_purge_is_planned(self, world: World) -> None:
        trashed(world)
        world.enforce("keep", retain=UNTIL_TODAY)

        [purge, _originals] = plan_purges(world)

        assert world.items(purge.plan_id) == {"draft.txt": ("skipped", "retained")}

    def test_when_it_is_purged(self, world: World) -> None:
        draft = trashed(world)
        [purge, _originals] = plan_purges(world)
        world.enforce("keep", retain=UNTIL_TODAY)

        assert world.apply(purge.plan_id) == ShardOutcome(skipped=1)
        assert world.items(purge.plan_id) == {"draft.txt": ("skipped", "retained")}
        assert world.status(draft) == "deleted"
        assert world.file("draft.txt").exists()


@pytest.mark.parametrize("actions", [DELETE, ARCHIVE])
class TestWhatIsLeftAloneUntilTodayIsStillLeftAlone:
    def test_when_it_is_planned(self, world: World, actions: list[dict[str, str]]) -> None:
        add_draft(world)
        world.enforce(when=DRAFTS, actions=actions)
        write(world, "reprieve_until = %(today)s")

        days = []
        for _day in range(2):
            [summary] = world.plan()
            days.append(world.items(summary.plan_id)["draft.txt"])
            world.later(days=1)

        assert days == [("skipped", "reprieved"), ("planned", None)]

    def test_when_it_is_applied(self, world: World, actions: list[dict[str, str]]) -> None:
        draft = add_draft(world)
        world.enforce(when=DRAFTS, actions=actions)
        [summary] = world.plan()
        write(world, "reprieve_until = %(today)s")

        assert world.apply(summary.plan_id) == ShardOutcome(skipped=1)
        assert world.items(summary.plan_id) == {"draft.txt": ("skipped", "reprieved")}
        assert world.status(draft) == "active"


def test_a_document_that_two_rules_want_is_taken_by_one(world: World) -> None:
    add_draft(world)
    world.enforce("first", when=DRAFTS, actions=DELETE)
    world.enforce("second", when=DRAFTS, actions=DELETE, priority=900)

    plans = {str(summary.rule): world.items(summary.plan_id) for summary in world.plan()}

    assert plans == {
        "first@1": {"draft.txt": ("planned", None)},
        "second@1": {"draft.txt": ("skipped", "outranked")},
    }


def test_what_somebody_must_look_at_is_not_decided_by_a_rule_that_nobody_looks_at(
    world: World,
) -> None:
    add_draft(world)
    world.enforce("first", when=DRAFTS, actions=DELETE)
    reviewed = {"review": {"stages": ["records"]}, "priority": 900}
    world.enforce("second", when=DRAFTS, actions=DELETE, **reviewed)

    plans = {str(summary.rule): world.items(summary.plan_id) for summary in world.plan()}

    assert plans == {
        "first@1": {"draft.txt": ("skipped", "outranked")},
        "second@1": {"draft.txt": ("planned", None)},
    }


def test_a_grace_that_was_made_longer_after_the_purge_was_planned_counts(world: World) -> None:
    draft = trashed(world)
    [purge, _originals] = plan_purges(world)
    write(world, "purge_after = %(today)s::date + 1")

    assert world.apply(purge.plan_id) == ShardOutcome(skipped=1)
    assert world.items(purge.plan_id) == {"draft.txt": ("skipped", "not_due")}
    assert world.status(draft) == "deleted"
    assert world.file("draft.txt").exists()


def test_no_original_is_planned_to_go_before_its_grace_has_ended(world: World) -> None:
    add_draft(world)
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="10d")
    assert world.night() == {"rule@1": ShardOutcome(done=1)}

    nights = []
    for _night in range(2):
        world.later(days=5)
        [_purge, originals] = plan_purges(world)
        nights.append(world.items(originals.plan_id))

    assert nights == [{}, {"draft.txt": ("planned", None)}]


@pytest.mark.parametrize("until", ["%(today)s::date + 1", "NULL"])
def test_an_original_that_is_kept_longer_since_its_removal_was_planned_stays(
    world: World, until: str
) -> None:
    add_draft(world)
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="0d")
    assert world.night() == {"rule@1": ShardOutcome(done=1)}
    [_purge, originals] = plan_purges(world)
    write(world, f"original_until = {until}")

    assert world.apply(originals.plan_id) == ShardOutcome(skipped=1)
    assert world.items(originals.plan_id) == {"draft.txt": ("skipped", "not_due")}
    assert world.file("draft.txt").exists()


def test_what_was_restored_since_the_plan_stays_also_without_a_reprieve(world: World) -> None:
    world.conn.execute("UPDATE organizations SET reprieve_days = 0")
    draft = add_draft(world)
    world.add_document("other.txt")  # two deeds a day fit into the limits of two documents
    world.enforce("archive", when=DRAFTS, actions=ARCHIVE)
    assert world.night() == {"archive@1": ShardOutcome(done=1)}
    world.enforce("delete", when=DRAFTS, actions=DELETE)
    plan = next(summary for summary in world.plan() if summary.rule == "delete@1")
    assert world.items(plan.plan_id) == {"draft.txt": ("planned", None)}

    undo.restore_documents(
        world.conn,
        organization="default",
        document_ids=[draft],
        now=world.now + timedelta(minutes=1),
        actor=ACTOR,
        reason="it is needed",
        stores=world.stores,
    )

    assert world.apply(plan.plan_id) == ShardOutcome(skipped=1)
    assert world.items(plan.plan_id) == {"draft.txt": ("skipped", "changed")}
    assert world.status(draft) == "active"


class TestAClockThatRunsAheadOfTheDatabases:
    def test_purges_nothing_early(self, world: World) -> None:
        draft = trashed(world)
        world.now = world.value("SELECT clock_timestamp() + interval '1 hour'")

        with pytest.raises(RefusedError, match="future of the database clock"):
            plan_purges(world)

        assert world.status(draft) == "deleted"

    def test_applies_nothing(self, world: World) -> None:
        draft = add_draft(world)
        world.enforce(when=DRAFTS, actions=DELETE)
        world.now = world.value("SELECT clock_timestamp()")
        [summary] = world.plan()
        world.later(hours=1)

        with pytest.raises(RefusedError, match="future of the database clock"):
            world.apply(summary.plan_id)

        assert world.status(draft) == "active"
