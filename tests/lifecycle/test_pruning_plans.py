"""What plans did not do is forgotten in its time; what they did, never."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.errors import RestrictViolation

from doclife.domain.plan import PlanState
from doclife.lifecycle import cleaning, holding
from doclife.lifecycle.cleaning import HISTORY_DAYS, SKIPPED_DAYS, UNREAD_DAYS
from doclife.store import stored_plans

from .conftest import LONG_AGO, NOW, World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
YEARS_AGO = NOW - timedelta(days=2 * 365)


@pytest.fixture(autouse=True)
def _years_ago(world: World) -> None:
    """Nothing young is pruned, whoever asks: these plans were made long before the present."""
    world.now = YEARS_AGO


def prune(world: World, *, days: int) -> None:
    cleaning.prune_history(world.conn, now=YEARS_AGO + timedelta(days=days, hours=1))


def one_night(world: World, **parts: Any) -> int:
    """Plan a rule about drafts, and return its plan."""
    world.enforce(when=DRAFTS, actions=DELETE, since=LONG_AGO, **parts)
    [summary] = world.plan()
    return summary.plan_id


def add_drafts(world: World, count: int) -> list[int]:
    return [world.add_document(f"{n}", content=None, document_type="draft") for n in range(count)]


def test_what_a_simulation_would_have_done_is_forgotten_and_its_count_is_kept(
    world: World,
) -> None:
    add_drafts(world, 3)
    plan_id = one_night(world, mode="simulate")

    prune(world, days=HISTORY_DAYS - 1)
    assert len(world.items(plan_id)) == 3

    prune(world, days=HISTORY_DAYS)
    assert world.items(plan_id) == {}
    assert stored_plans.summary(world.conn, plan_id).document_count == 3


def test_what_a_superseded_plan_did_not_do_is_forgotten(world: World) -> None:
    add_drafts(world, 3)
    first = one_night(world, limits={"max_documents": 1, "max_fraction": 1.0})
    world.later(days=1)
    [second] = world.plan()

    prune(world, days=HISTORY_DAYS)

    assert stored_plans.summary(world.conn, first).state is PlanState.SUPERSEDED
    assert world.items(first) == {}
    assert len(world.items(second.plan_id)) == 3


def test_what_was_done_is_kept_for_good_and_what_was_left_out_for_over_a_year(
    world: World,
) -> None:
    done, held = add_drafts(world, 2)
    holding.hold(
        world.conn, organization="default", matter="case", reason="a law suit",
        document_ids=[held], actor="user:olga", now=world.now,
    )  # fmt: skip
    plan_id = one_night(world)
    world.apply(plan_id)

    prune(world, days=SKIPPED_DAYS - 1)
    assert world.items(plan_id) == {"0": ("done", None), "1": ("skipped", "held")}

    prune(world, days=SKIPPED_DAYS)
    assert world.items(plan_id) == {"0": ("done", None)}
    assert world.status(done) == "deleted"


def test_a_plan_that_may_still_be_applied_keeps_its_list(world: World) -> None:
    add_drafts(world, 1)
    plan_id = one_night(world)

    prune(world, days=SKIPPED_DAYS)

    assert len(world.items(plan_id)) == 1


def test_a_large_list_goes_in_several_batches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "PRUNED_AT_ONCE", 2)
    add_drafts(world, 5)
    plan_id = one_night(world, mode="simulate")

    prune(world, days=HISTORY_DAYS)

    assert world.items(plan_id) == {}


def test_nobody_removes_what_was_done_or_may_be(world: World) -> None:
    add_drafts(world, 1)
    plan_id = one_night(world)
    delete = "DELETE FROM plan_items WHERE plan_id = %s"
    with pytest.raises(RestrictViolation):
        world.conn.execute(delete, (plan_id,))

    world.apply(plan_id)

    with pytest.raises(RestrictViolation):
        world.conn.execute(delete, (plan_id,))


def test_the_list_of_a_young_simulation_is_not_removed_whatever_the_clock_of_a_worker_says(
    world: World,
) -> None:
    add_drafts(world, 1)
    world.now = world.value("SELECT now()")
    plan_id = one_night(world, mode="simulate")

    cleaning.prune_history(world.conn, now=world.now + timedelta(days=6))
    assert len(world.items(plan_id)) == 1
    with pytest.raises(RestrictViolation):
        world.conn.execute("DELETE FROM plan_items WHERE plan_id = %s", (plan_id,))


def test_what_was_read_in_the_dashboard_goes_before_what_nobody_has_read(world: World) -> None:
    world.conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body, created_at,"
        " read_at) VALUES (1, 'olga', 'message', 'read', 'x', %(then)s, %(then)s),"
        " (1, 'olga', 'message', 'unread', 'x', %(then)s, NULL)",
        {"then": YEARS_AGO},
    )
    left = "SELECT array_agg(title ORDER BY id) FROM notifications"

    prune(world, days=HISTORY_DAYS - 1)
    assert world.value(left) == ["read", "unread"]

    prune(world, days=HISTORY_DAYS)
    assert world.value(left) == ["unread"]

    prune(world, days=UNREAD_DAYS)
    assert world.value(left) is None
