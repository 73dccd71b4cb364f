"""What a plan is counted against, and which rules nobody can act with by asking."""

from __future__ import annotations

import pytest
from psycopg.errors import LockNotAvailable

from doclife.domain.compiler import RuleVersion
from doclife.domain.plan import PlanState, PlanSummary
from doclife.domain.rule import Mode
from doclife.errors import RefusedError
from doclife.lifecycle import planning

from .conftest import ACTOR, World

DELETE = [{"do": "DELETE"}]


def typed(kind: str) -> dict[str, str]:
    return {"field": "document_type", "op": "eq", "value": kind}


def states(world: World) -> set[PlanState]:
    """Plan a night and return how its plans stand."""
    return {plan.state for plan in world.plan()}


class TestALimitCounts:
    @pytest.fixture
    def two_rules(self, world: World) -> World:
        """Two documents of each kind, and a rule for each that lets both go."""
        for kind in ("draft", "note"):
            for number in range(2):
                world.add_document(f"{kind}-{number}", content=None, document_type=kind)
            world.enforce(kind, when=typed(kind), actions=DELETE)
        return world

    def test_what_the_other_plans_of_a_night_are_about_to_do(self, two_rules: World) -> None:
        two_rules.conn.execute("UPDATE organizations SET max_documents_per_day = 3")

        assert states(two_rules) == {PlanState.PLANNED, PlanState.NEEDS_APPROVAL}

    def test_every_organization_of_the_deployment(self, two_rules: World) -> None:
        conn = two_rules.conn
        conn.execute("UPDATE deployment SET max_documents_per_day = 3")
        conn.execute(
            "INSERT INTO organizations (slug, name, max_fraction_per_day)"
            " VALUES ('second', 'Second', 1)"
        )
        conn.execute(
            "UPDATE rules SET organization_id = (SELECT max(id) FROM organizations)"
            " WHERE name = 'note'"
        )
        for number in range(2):
            conn.execute(
                "INSERT INTO documents (organization_id, external_id, document_type, registered_at)"
                " SELECT max(id), %s, 'note', '2020-01-01' FROM organizations",
                (f"second-{number}",),
            )

        assert states(two_rules) == {PlanState.PLANNED, PlanState.NEEDS_APPROVAL}

    def test_what_whoever_plans_at_the_same_time_settles_first(self, two_rules: World) -> None:
        with two_rules.another_connection() as other, other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(hashtextextended('doclife limits', 0))")
            two_rules.conn.execute("SET lock_timeout = '100ms'")

            with pytest.raises(LockNotAvailable):
                two_rules.plan()


def ask(world: World, version: RuleVersion) -> PlanSummary:
    """Ask for a rule to act."""
    return planning.plan_rule(
        world.conn,
        rule_version_id=version.version_id,
        now=world.now,
        as_of=world.now,
        dag_id="run_rule",
        run_id="by hand",
        requested_by=ACTOR,
        mode=Mode.ENFORCE,
    )


def test_a_rule_that_only_simulates_does_not_act_by_asking(world: World) -> None:
    world.add_document("draft", content=None, document_type="draft")
    version = world.enforce(mode="simulate", when=typed("draft"), actions=DELETE)

    with pytest.raises(RefusedError, match="change its mode to enforce"):
        ask(world, version)

    assert world.value("SELECT count(*) FROM plans") == 0


def test_a_night_that_is_asked_to_enforce_enforces_no_rule_that_only_simulates(
    world: World,
) -> None:
    world.enforce(mode="simulate", when=typed("draft"), actions=DELETE)

    [plan] = planning.plan_due_rules(
        world.conn,
        now=world.now,
        as_of=world.now,
        dag_id="night",
        run_id="by hand",
        requested_by=ACTOR,
        mode=Mode.ENFORCE,
    )

    assert plan.mode == Mode.SIMULATE


def test_a_version_that_is_not_in_force_any_more_does_not_act_by_asking(world: World) -> None:
    world.add_document("draft", content=None, document_type="draft")
    version = world.enforce(when=typed("draft"), actions=DELETE)
    world.enforce(when=typed("note"), actions=DELETE)

    with pytest.raises(RefusedError, match="only the current version can be enforced"):
        ask(world, version)

    assert world.value("SELECT count(*) FROM plans") == 0
