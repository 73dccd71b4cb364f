"""What a plan of chosen documents failed on is planned once more, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from doclife.domain.actions import ActionType
from doclife.domain.plan import PlanState, PlanSummary
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.halting import halt
from doclife.lifecycle.planning import plan_selection
from doclife.lifecycle.planning_again import plan_failed_again

from .conftest import ACTOR, World
from .test_explaining import hold

TO = {"to": "records@example.org", "digest": "none"}


def choose(world: World, documents: list[int], *, action: ActionType) -> PlanSummary:
    world.runs += 1
    return plan_selection(
        world.conn,
        organization="default",
        action=action,
        document_ids=documents,
        now=world.now,
        as_of=world.now,
        dag_id="dashboard",
        run_id=f"batch-{world.runs}",
        requested_by=ACTOR,
        reason="cleared out",
        options=TO if action is ActionType.NOTIFY else None,
    )


def again(world: World, plan_id: int, *, run_id: str = "again-1") -> PlanSummary:
    return plan_failed_again(
        world.conn,
        plan_id=plan_id,
        now=world.now,
        dag_id="dashboard",
        run_id=run_id,
        requested_by=ACTOR,
        reason="the store is back",
    )


def fail(world: World, plan_id: int, *documents: int) -> None:
    """Let a plan have ended and failed on some documents, as when their store was away."""
    world.conn.execute(
        "UPDATE plan_items SET state = 'failed', reason_code = 'bytes_unreachable',"
        " reason = 'the store was away', finished_at = %s"
        " WHERE plan_id = %s AND document_id = ANY(%s)",
        (world.now, plan_id, list(documents)),
    )
    world.apply(plan_id)


@pytest.fixture
def papers(world: World) -> list[int]:
    return [world.add_document(f"p-{number}") for number in range(3)]


def test_what_failed_is_planned_again_with_the_same_action_and_settings(
    world: World, papers: list[int]
) -> None:
    plan = choose(world, papers, action=ActionType.NOTIFY)
    fail(world, plan.plan_id, papers[0], papers[2])

    made = again(world, plan.plan_id)

    assert (made.state, made.document_count) == (PlanState.PLANNED, 2)
    assert world.items(made.plan_id).keys() == {"p-0", "p-2"}
    options = "SELECT options FROM plans WHERE id = %s"
    assert world.value(options, made.plan_id) == world.value(options, plan.plan_id)
    assert world.value("SELECT DISTINCT action FROM plan_items") == "NOTIFY"
    assert again(world, plan.plan_id).plan_id == made.plan_id


def test_what_failed_is_judged_anew(world: World, papers: list[int]) -> None:
    plan = choose(world, papers, action=ActionType.DELETE)
    fail(world, plan.plan_id, papers[0], papers[1])
    hold(world, papers[1], "Smith v. us")

    made = again(world, plan.plan_id)

    codes = {name: code for name, (_, code) in world.items(made.plan_id).items()}
    assert codes == {"p-0": None, "p-1": "held"}


def refused(world: World, papers: list[int], what: str) -> int:
    if what == "nothing failed":
        plan = choose(world, papers, action=ActionType.DELETE)
        world.apply(plan.plan_id)
        return plan.plan_id
    if what == "has not ended":
        return choose(world, papers, action=ActionType.DELETE).plan_id
    world.enforce(
        "all", when={"field": "status", "op": "eq", "value": "active"}, actions=[{"do": "DELETE"}]
    )
    return world.plan()[0].plan_id


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nothing failed", "failed on nothing"),
        ("has not ended", "may still do what failed"),
        ("a rule", "is of kind rule"),
    ],
)
def test_a_plan_that_leaves_nothing_to_a_person_is_refused(
    world: World, papers: list[int], what: str, words: str
) -> None:
    plan_id = refused(world, papers, what)
    plans = world.value("SELECT count(*) FROM plans")

    with pytest.raises(RefusedError, match=words):
        again(world, plan_id)

    assert world.value("SELECT count(*) FROM plans") == plans


def test_nothing_is_planned_while_everything_is_halted(world: World, papers: list[int]) -> None:
    plan = choose(world, papers, action=ActionType.DELETE)
    fail(world, plan.plan_id, papers[0])
    stop: dict[str, Any] = {"reason": "wrong dates", "actor": ACTOR, "now": world.now}
    halt(world.conn, **stop)

    with pytest.raises(RefusedError, match="wrong dates"):
        again(world, plan.plan_id)


def test_a_plan_that_is_not_there_is_said_so(world: World) -> None:
    with pytest.raises(ConfigurationError, match="there is no plan 7"):
        again(world, 7)
