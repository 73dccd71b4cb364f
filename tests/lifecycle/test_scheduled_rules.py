"""Rules with a cron of their own are planned at their times, once, with all belts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doclife.domain.plan import PlanState
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle import scheduling
from doclife.lifecycle.halting import halt, resume
from doclife.lifecycle.ruling import apply_rule_file, remove_rule
from doclife.lifecycle.scheduled_rules import plan_scheduled_rules
from doclife.lifecycle.sending import do_chores
from doclife.lifecycle.tenants import OrganizationSettings, change_organization
from doclife.store import clock, schedules
from doclife.store.connection import connect
from doclife.store.schedules import Schedule

from .conftest import World

ACTOR = "user:olga"
NOW = datetime(2026, 6, 1, 5, 30, tzinfo=UTC)
SIX = NOW.replace(hour=6, minute=0)

RULES = """
rules:
  - name: drafts
    mode: {mode}
    trigger: {{type: ON_SCHEDULE{cron}}}
    when: {{field: document_type, op: eq, value: draft}}
    actions: [{{do: DELETE}}]
    limits: {{max_documents: {most}, max_fraction: 1.0}}
"""


def apply(
    world: World, *, cron: str | None = "0 * * * *", mode: str = "enforce", most: int = 1000
) -> None:
    written = "" if cron is None else f', cron: "{cron}"'
    apply_rule_file(
        world.conn,
        text=RULES.format(mode=mode, cron=written, most=most),
        file="rules.yaml",
        author=ACTOR,
        now=world.now,
    )


def draft(world: World, name: str = "draft", **columns: Any) -> int:
    return world.add_document(name, content=None, document_type="draft", **columns)


def scheduled(world: World) -> list[Schedule]:
    return schedules.list_all(world.conn, organization="default")


def run(world: World, at: datetime) -> int:
    """Plan what is due and apply what may be applied; return how many plans."""
    stored = plan_scheduled_rules(world.conn, now=at)
    world.now = at
    for plan in stored:
        if plan.state is PlanState.PLANNED and plan.mode == "enforce":
            world.apply(plan.plan_id)
    return len(stored)


@pytest.fixture
def world(world: World) -> World:
    world.now = NOW
    return world


def test_it_acts_when_its_time_has_come_and_once(world: World) -> None:
    document = draft(world)
    apply(world)
    (schedule,) = scheduled(world)
    assert (schedule.name, schedule.kind, schedule.next_run_at) == ("rule:drafts", "rule", SIX)

    assert run(world, SIX - timedelta(seconds=1)) == 0
    assert world.status(document) == "active"
    assert run(world, SIX) == 1
    assert run(world, SIX + timedelta(seconds=1)) == 0

    assert world.status(document) == "deleted"
    (schedule,) = scheduled(world)
    assert (schedule.last_run_at, schedule.next_run_at) == (SIX, SIX + timedelta(hours=1))
    assert str(schedule.last_state).startswith("stored plan")


def test_whoever_does_the_queue_applies_it_in_the_name_of_the_schedule(world: World) -> None:
    document = draft(world)
    apply(world)
    now = clock.present(world.conn)
    scheduling.run_now(world.conn, scheduled(world)[0], actor=ACTOR, now=now)

    do_chores(world.conn, open_stores=lambda _conn: world.stores)

    assert world.status(document) == "deleted"
    assert world.conn.execute(
        "SELECT DISTINCT actor FROM audit_entries WHERE action IN ('plan.stored',"
        " 'document.trashed')"
    ).fetchall() == [("schedule",)]


def test_it_is_judged_with_all_belts(world: World) -> None:
    documents = [draft(world, f"draft {number}") for number in range(3)]
    apply(world, most=2)

    (plan,) = plan_scheduled_rules(world.conn, now=SIX)

    assert plan.state is PlanState.NEEDS_APPROVAL
    assert run(world, SIX) == 0
    assert {world.status(document) for document in documents} == {"active"}


def test_the_night_does_not_repeat_what_was_done_at_its_time(world: World) -> None:
    apply(world, cron="0 3 * * *")
    three = SIX.replace(hour=3) + timedelta(days=1)
    assert run(world, three) == 1

    world.now = three
    assert world.plan() == []


def test_what_the_night_has_planned_is_not_planned_again(world: World) -> None:
    apply(world, cron="0 3 * * *")
    world.now = SIX.replace(hour=3) + timedelta(days=1)
    assert len(world.plan()) == 1

    assert run(world, world.now) == 0
    assert scheduled(world)[0].last_state == "was planned by another run"


def test_the_night_makes_up_for_a_time_at_which_nobody_was_there(world: World) -> None:
    apply(world, cron="0 23 * * *")
    world.now = SIX.replace(hour=3) + timedelta(days=1)

    assert len(world.plan()) == 1
    assert run(world, world.now) == 0


def test_times_that_were_missed_are_made_up_for_once(world: World) -> None:
    apply(world)

    assert run(world, SIX + timedelta(hours=30, minutes=20)) == 1
    assert scheduled(world)[0].last_run_at == SIX + timedelta(hours=30)


def test_a_rule_that_simulates_is_planned_and_does_nothing(world: World) -> None:
    document = draft(world)
    apply(world, mode="simulate")

    assert run(world, SIX) == 1
    assert world.status(document) == "active"


def test_the_schedule_comes_and_goes_with_the_cron_of_the_rule(world: World) -> None:
    apply(world)
    apply(world, cron="30 9 * * *")
    assert [each.next_run_at for each in scheduled(world)] == [NOW.replace(hour=9)]
    apply(world, cron=None)
    assert scheduled(world) == []
    apply(world)
    apply(world, mode="off")
    assert scheduled(world) == []
    apply(world)
    remove_rule(world.conn, organization="default", name="drafts", actor=ACTOR, now=NOW)
    assert scheduled(world) == []


def test_a_new_version_with_the_same_cron_keeps_its_time(world: World) -> None:
    apply(world)
    world.now = SIX + timedelta(minutes=10)  # nobody was there at six
    apply(world, most=7)

    assert scheduled(world)[0].next_run_at == SIX


def test_it_goes_by_the_clock_of_its_organization_also_when_that_changes(world: World) -> None:
    apply(world, cron="30 2 * * *")
    change_organization(
        world.conn,
        slug="default",
        settings=OrganizationSettings(time_zone="Europe/Madrid"),
        now=NOW,
        actor=ACTOR,
    )

    assert scheduled(world)[0].next_run_at == datetime(2026, 6, 2, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("evening", "at"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (datetime(2025, 10, 25, 12, tzinfo=UTC), datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
    ],
    ids=["the hour does not exist", "the hour comes twice"],
)
def test_it_runs_once_in_the_nights_when_clocks_change(
    world: World, evening: datetime, at: datetime
) -> None:
    world.conn.execute("UPDATE organizations SET time_zone = 'Europe/Madrid'")
    world.now = evening
    apply(world, cron="30 2 * * *")
    assert scheduled(world)[0].next_run_at == at

    minutes = range(0, 24 * 60, 10)
    ran = [run(world, evening + timedelta(minutes=minute)) for minute in minutes]

    assert sum(ran) == 1


def test_halted_nothing_is_planned_and_nothing_is_missed(world: World) -> None:
    apply(world)
    halt(world.conn, reason="looking into it", actor=ACTOR, now=NOW)
    assert run(world, SIX) == 0
    resume(world.conn, actor=ACTOR, now=SIX)

    assert run(world, SIX + timedelta(minutes=5)) == 1


def test_two_at_once_plan_it_once(world: World, database: str) -> None:
    apply(world)
    with connect(database) as other, world.conn.transaction():
        assert len(plan_scheduled_rules(world.conn, now=SIX)) == 1
        assert plan_scheduled_rules(other, now=SIX) == []
    with connect(database) as other:
        assert plan_scheduled_rules(other, now=SIX) == []


def test_one_that_cannot_be_planned_says_why_and_keeps_none_of_the_others(world: World) -> None:
    apply(world)
    world.enforce(
        "by-field",
        trigger={"type": "ON_SCHEDULE", "cron": "0 * * * *"},
        when={"field": "metadata.kind", "op": "eq", "value": "x"},
        actions=[{"do": "ARCHIVE"}],
    )
    world.conn.execute(
        "INSERT INTO scheduled_jobs (organization_id, rule_id, name, cron, kind, next_run_at,"
        " created_by) SELECT 1, id, 'rule:by-field', '0 * * * *', 'rule', %s, 'user:olga'"
        " FROM rules WHERE name = 'by-field'",
        (NOW,),
    )
    # Rules are judged against each other, so that one that nobody can read stops both.
    assert run(world, SIX) == 0

    for schedule in scheduled(world):
        assert "not planned" in str(schedule.last_state)
        assert schedule.next_run_at == SIX + timedelta(hours=1)
    assert world.conn.execute("SELECT count(*) FROM notifications").fetchone() == (2,)


def test_it_can_be_paused_and_made_due_and_not_cancelled(world: World) -> None:
    apply(world)
    (schedule,) = scheduled(world)
    scheduling.pause(world.conn, schedule, actor=ACTOR, now=NOW)
    assert run(world, SIX) == 0
    scheduling.resume(world.conn, schedule, actor=ACTOR, now=SIX)
    assert scheduling.run_now(world.conn, schedule, actor=ACTOR, now=SIX) is None
    assert run(world, SIX) == 1
    with pytest.raises(RefusedError, match="goes with its rule"):
        scheduling.cancel(world.conn, schedule, actor=ACTOR, now=SIX)


def test_nobody_else_takes_such_a_name(world: World) -> None:
    with pytest.raises(ConfigurationError, match="those of rules"):
        scheduling.add_schedule(
            world.conn,
            organization="default",
            name="rule:mine",
            cron="0 * * * *",
            time_zone="UTC",
            kind="notification",
            payload={"recipient": "a@example.org", "title": "x", "body": "y"},
            actor=ACTOR,
            now=NOW,
        )
