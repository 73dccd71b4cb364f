"""What doclife itself does is told: by fixed names, to subscriptions and to rules, and it ends."""

from __future__ import annotations

import json
import os
import random
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from doclife.domain.own_events import MOVES_RULES, OwnEvent
from doclife.lifecycle import undo
from doclife.lifecycle.own_channels import continue_plans
from doclife.lifecycle.reacting import Reaction, react_to_events
from doclife.lifecycle.warning import warn_owners
from doclife.store import organizations, queue
from doclife.store.connection import Connection, connect
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url

from .conftest import World
from .test_killing import EVERY_STEP, LONGEST_STRIDE, die_before_step

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
ARCHIVE = [{"do": "ARCHIVE"}]
DELETE = [{"do": "DELETE"}]
TELL = [{"do": "NOTIFY", "with": {"channel": "notification", "to": "hr@example.org"}}]


def subscribe(world: World, *types: str) -> int:
    endpoint = world.value(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', 'https://erp.example.org', 'user:olga') RETURNING id"
    )
    world.conn.execute(
        "INSERT INTO webhook_subscriptions (endpoint_id, event_types) VALUES (%s, %s)",
        (endpoint, list(types)),
    )
    return int(endpoint)


def tell_when(world: World, event: OwnEvent, name: str = "listener", **parts: Any) -> None:
    world.enforce(name, trigger={"type": "ON_EVENT", "event": str(event)}, actions=TELL, **parts)


def told(world: World, kind: str = "plan.%") -> list[tuple[str, str, dict[str, Any], str]]:
    return world.conn.execute(
        "SELECT type, subject, payload, actor FROM events WHERE type LIKE %s ORDER BY id", (kind,)
    ).fetchall()


def react(world: World) -> Reaction:
    return react_to_events(world.conn, now=datetime.now(UTC))


@pytest.fixture
def today(world: World) -> World:
    """The world at the database's own time: events happen there."""
    world.now = datetime.now(UTC)
    return world


def test_the_list_in_the_database_is_the_list_of_the_domain(world: World) -> None:
    assert world.value("SELECT own_event_types()") == [str(event) for event in OwnEvent]


def test_nothing_else_is_told_and_no_application_can_say_it(world: World) -> None:
    world.add_document("a")
    with pytest.raises(psycopg.errors.CheckViolation, match="not among the events"):
        world.conn.execute(
            "INSERT INTO events (organization_id, type, subject, occurred_on, actor)"
            " VALUES (1, 'document.archivd', 'a', current_date, 'schedule')"
        )
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="doclife itself"):
        world.conn.execute("SELECT emit_event('document.archived', 'a')")


def test_a_plan_that_waits_is_told_with_the_limits_that_tripped(world: World) -> None:
    world.enforce(when=DRAFTS, actions=DELETE, limits={"max_documents": 1, "max_fraction": 1.0})
    for name in ("a", "b"):
        world.add_document(name, document_type="draft")
    [plan] = world.plan()

    [waits] = told(world)
    assert waits[:2] == ("plan.needs_approval", f"plan-{plan.plan_id}")
    assert waits[2]["rule"] == "rule@1"
    assert waits[2]["documents"] == 2
    assert "limit" in waits[2]["reason"]
    [tripped] = told(world, "breaker.%")
    assert tripped[0] == "breaker.tripped"
    assert [trip["limit"] for trip in tripped[2]["limits"]] == ["max_documents"]
    assert "Title" not in json.dumps([waits[2], tripped[2]])


def test_each_answer_and_what_came_of_it_is_told_with_who_gave_it(world: World) -> None:
    world.enforce(when=DRAFTS, actions=DELETE, review={"stages": ["records"]})
    world.add_document("a", document_type="draft")
    [plan] = world.plan()
    world.conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:boss')",
        (plan.plan_id,),
    )
    world.conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan.plan_id,))
    world.apply(plan.plan_id)
    undo.undo_plan(
        world.conn, plan_id=plan.plan_id, now=world.now, actor="user:anna", stores=world.stores
    )

    assert [(type_, actor) for type_, _, _, actor in told(world)] == [
        ("plan.needs_approval", "schedule"),
        ("plan.approved", "user:boss"),
        ("plan.applied", "schedule"),
        ("plan.undone", "user:anna"),
    ]


def test_unanswered_plans_are_told_when_they_end_and_empty_ones_and_simulations_never(
    world: World,
) -> None:
    world.enforce("asks", when=DRAFTS, actions=DELETE, review={"stages": ["records"]})
    world.enforce("looks", when=DRAFTS, actions=DELETE, mode="simulate")
    world.enforce(
        "empty", when={"field": "document_type", "op": "eq", "value": "no"}, actions=ARCHIVE
    )
    world.add_document("a", document_type="draft")
    world.night()
    world.later(days=1)
    world.night()

    assert [type_ for type_, *_ in told(world)] == [
        "plan.needs_approval",
        "plan.superseded",
        "plan.needs_approval",
    ]


def test_a_warning_is_told_once_however_many_are_warned(world: World) -> None:
    world.add_document("a", document_type="draft", expires_on=world.now.date() + timedelta(days=6))
    world.enforce(
        trigger={"type": "ON_EXPIRATION"},
        when=DRAFTS,
        warn=["7d"],
        actions=[
            {"do": "NOTIFY", "with": {"to": "one@example.org"}},
            {"do": "NOTIFY", "with": {"to": "two@example.org"}},
            *DELETE,
        ],
    )
    tenant = organizations.find(world.conn, "default")
    told_to = warn_owners(
        world.conn, now=world.now, as_of=world.now, actor="schedule", organization=tenant
    )

    assert told_to == 2
    [(_, subject, data, _)] = told(world, "document.expiring")
    assert subject is None
    assert data == {"rule": "rule@1", "due_on": "2026-03-09", "window_days": 7}


def test_an_endpoint_that_is_disabled_is_told_and_one_that_is_paused_is_not(
    world: World,
) -> None:
    endpoint = subscribe(world, "*")
    gone = queue.EndpointAnswers(
        endpoint_id=endpoint, has_success=False, has_failure=True, refusal="410 Gone"
    )
    for _ in range(2):
        queue.note_endpoints(world.conn, [gone], patience_seconds=100)
    world.conn.execute("UPDATE webhook_endpoints SET state = 'paused', disabled_reason = NULL")

    [(_, subject, data, _)] = told(world, "endpoint.%")
    assert (subject, data) == ("erp", {"endpoint_id": endpoint, "reason": "410 Gone"})


def test_a_subscription_gets_what_becomes_of_plans_with_ids_and_no_titles(today: World) -> None:
    subscribe(today, "plan.*", "document.archived")
    today.enforce(when=DRAFTS, actions=ARCHIVE)
    today.add_document("a", document_type="draft")
    today.night()

    assert react(today).calls == 2
    calls = [json.loads(each) for (each,) in today.conn.execute("SELECT payload FROM jobs")]
    assert {call["type"] for call in calls} == {"plan.applied", "document.archived"}
    [archived] = [call["data"] for call in calls if call["type"] == "document.archived"]
    assert sorted(archived["document"]) == [
        *("document_type", "expires_on", "external_id", "id", "status"),
    ]
    assert "Title of" not in json.dumps(calls)
    assert "owner@" not in json.dumps(calls)


def test_a_rule_hears_what_another_did_and_it_ends(today: World) -> None:
    """The chain: an import moves a rule that archives, and that moves one that tells."""
    tell_when(today, OwnEvent.DOCUMENT_ARCHIVED)
    today.enforce(
        "archive-at-once",
        trigger={"type": "ON_EVENT", "event": "document.registered"},
        actions=ARCHIVE,
    )
    for number in range(5):
        today.add_document(f"{number}")
    today.add_document("bystander")
    today.conn.execute(
        "INSERT INTO events (organization_id, type, document_id, occurred_on, actor)"
        " SELECT 1, 'document.registered', id, current_date - 1, 'schedule' FROM documents"
        " WHERE external_id <> 'bystander'"
    )

    rounds = 0
    while react(today).events:
        continue_plans(today.conn, stores=today.stores)
        rounds += 1

    assert rounds == 2
    assert today.value("SELECT count(*) FROM documents WHERE status = 'archived'") == 5
    assert today.value("SELECT count(*) FROM notifications") == 5
    # A night finds nothing to do either.
    today.now = datetime.now(UTC)
    today.night()
    assert react(today) == Reaction()
    assert today.value("SELECT count(*) FROM notifications") == 5


def test_what_a_rule_hears_first_happened_before_it_was_there_moves_nothing(today: World) -> None:
    today.enforce("archive", when=DRAFTS, actions=ARCHIVE)
    today.add_document("a", document_type="draft")
    today.night()
    tell_when(today, OwnEvent.DOCUMENT_ARCHIVED)

    assert react(today) == Reaction()
    today.now = datetime.now(UTC)
    today.night()
    assert today.value("SELECT count(*) FROM notifications") == 0


def test_events_that_nobody_wants_leave_neither_work_nor_memory(today: World) -> None:
    today.enforce("archive", when=DRAFTS, actions=ARCHIVE)
    today.add_document("a", document_type="draft")
    today.night()

    assert today.value("SELECT count(*) FROM events WHERE type = 'document.archived'") == 1
    assert today.value("SELECT count(*) FROM events_to_react") == 0
    assert today.value("SELECT count(*) FROM heard_events") == 0


@pytest.mark.parametrize("event", sorted(MOVES_RULES))
def test_every_event_that_leaves_a_document_moves_rules(today: World, event: OwnEvent) -> None:
    tell_when(today, event)
    document = today.add_document("a")
    today.conn.execute(
        "INSERT INTO events (organization_id, type, document_id, occurred_on, actor)"
        " VALUES (1, %s, %s, current_date, 'schedule')",
        (str(event), document),
    )

    assert react(today) == Reaction(events=1, plans=1)
    continue_plans(today.conn, stores=today.stores)
    assert today.value("SELECT count(*) FROM notifications") == 1


def test_whoever_comes_after_a_kill_reacts_once(today: World, database: str) -> None:
    """kill -9 before every word with the database, from the taking to the last commit."""
    tell_when(today, OwnEvent.DOCUMENT_CHANGED)
    subscribe(today, "document.changed")
    chance = random.Random()
    step, trials, was_killed = 1, 0, True
    while was_killed:
        trials += 1
        document = today.add_document(f"file-{step}")
        today.conn.execute(
            "INSERT INTO events (organization_id, type, document_id, occurred_on, actor)"
            " VALUES (1, 'document.changed', %s, current_date, 'schedule')",
            (document,),
        )
        was_killed = killed(database, today, step)
        _react_once_the_dead_let_go(today)
        assert today.value("SELECT count(*) FROM jobs") == trials, f"killed before step {step}"
        assert today.value("SELECT count(*) FROM notifications") == trials
        assert today.value("SELECT count(*) FROM event_reactions") == trials
        step += 1 if EVERY_STEP else chance.randint(1, LONGEST_STRIDE)
    assert step > 20


def killed(database: str, world: World, step: int) -> bool:
    """React in a process that is killed before a step; False when it ended before."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with connect(database, application_name="mortal") as conn:
                die_before_step(step)
                _react_and_apply(World(conn=conn, folder=world.folder))
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "it failed by itself"
    return False


def _react_and_apply(world: World) -> None:
    react_to_events(world.conn, now=datetime.now(UTC))
    continue_plans(world.conn, stores=world.stores)


def _react_once_the_dead_let_go(world: World) -> None:
    """The server notices a death in its own time; whoever comes next comes again."""
    until = datetime.now(UTC) + timedelta(seconds=120)
    while datetime.now(UTC) < until:
        _react_and_apply(world)
        if not _is_open(world.conn):
            return


def _is_open(conn: Connection) -> bool:
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM events_to_react) OR EXISTS (SELECT FROM plans"
        " WHERE mode = 'enforce' AND state IN ('planned', 'applying'))"
    ).fetchone()
    assert row is not None
    return bool(row[0])


def test_tasks_react_with_the_rights_that_they_have(
    today: World, postgres: Postgres, database: str
) -> None:
    tell_when(today, OwnEvent.DOCUMENT_ARCHIVED)
    today.enforce("archive", when=DRAFTS, actions=ARCHIVE)
    today.add_document("a", document_type="draft")
    databases.let_tasks_work(database)
    name = database.rsplit("/", 1)[1]
    with connect(role_url(postgres, name, role=databases.TASKS)) as conn:
        tasks = World(conn=conn, folder=today.folder, now=datetime.now(UTC))
        tasks.night()
        assert react(tasks) == Reaction(events=1, plans=1)
        continue_plans(conn, stores=tasks.stores)

    assert today.value("SELECT count(*) FROM notifications") == 1
