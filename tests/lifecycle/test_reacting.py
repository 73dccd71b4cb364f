"""Events reach rules and subscriptions, once, whatever dies in the middle."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from doclife.lifecycle import reacting
from doclife.lifecycle.own_channels import continue_plans
from doclife.lifecycle.reacting import Reaction, react_to_events

from .conftest import World

DELETE_LEFT: dict[str, Any] = {
    "trigger": {"type": "ON_EVENT", "event": "employee.left"},
    "retain": {"for": "0d", "after": "event:employee.left"},
    "actions": [{"do": "DELETE"}],
}
TELL_LEFT: dict[str, Any] = {
    "trigger": {"type": "ON_EVENT", "event": "employee.left"},
    "actions": [{"do": "NOTIFY", "with": {"channel": "notification", "to": "hr@example.org"}}],
}


@pytest.fixture
def today(world: World) -> World:
    """The world at the database's own time: events happen there."""
    world.now = datetime.now(UTC)
    return world


def emit(world: World, external_id: str, **options: Any) -> None:
    world.conn.execute(
        "SELECT emit_event('employee.left', %s, occurred_on => %s)",
        (external_id, options.get("on", world.now.date())),
    )


def subscribe(world: World, *types: str, document_types: list[str] | None = None) -> None:
    endpoint = world.value(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', 'https://erp.example.org', 'user:olga') RETURNING id"
    )
    world.conn.execute(
        "INSERT INTO webhook_subscriptions (endpoint_id, event_types, document_types)"
        " VALUES (%s, %s, %s)",
        (endpoint, list(types), document_types),
    )


def react(world: World) -> Reaction:
    return react_to_events(world.conn, now=datetime.now(UTC))


def test_an_event_that_nobody_wants_leaves_no_work(today: World) -> None:
    today.add_document("file-of-ben")
    emit(today, "file-of-ben")

    assert today.value("SELECT count(*) FROM events_to_react") == 0
    assert react(today) == Reaction()


def test_many_events_become_one_plan_of_the_rule_for_those_documents(today: World) -> None:
    today.enforce("leavers", **TELL_LEFT)
    for number in range(5):
        today.add_document(f"file-{number}")
    today.add_document("another")
    for number in range(5):
        emit(today, f"file-{number}")

    assert react(today) == Reaction(events=5, calls=0, plans=1)
    assert continue_plans(today.conn, stores=today.stores) == 1

    assert today.value("SELECT count(*) FROM notifications") == 5
    assert today.value("SELECT count(*) FROM event_reactions") == 5
    assert react(today) == Reaction()
    assert continue_plans(today.conn, stores=today.stores) == 0


def test_what_is_not_due_at_the_event_is_left_to_the_night(today: World) -> None:
    today.enforce("leavers", **DELETE_LEFT)
    today.add_document("file")
    emit(today, "file")

    assert react(today).plans == 1
    continue_plans(today.conn, stores=today.stores)

    assert today.value("SELECT status FROM documents") == "active"


def test_belts_hold_for_events_too(today: World) -> None:
    """Cooling-off: an event of today destroys nothing today, however far back it is dated."""
    today.enforce("leavers", **DELETE_LEFT)
    today.add_document("file")
    emit(today, "file", on="2020-01-01")

    react(today)
    continue_plans(today.conn, stores=today.stores)

    assert today.value("SELECT status FROM documents") == "active"


def test_a_process_that_dies_in_the_middle_has_done_nothing_and_the_next_does_it_once(
    today: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    today.enforce("leavers", **TELL_LEFT)
    subscribe(today, "employee.left")
    today.add_document("file")
    emit(today, "file")
    with monkeypatch.context() as dying, today.another_connection() as other:

        def die(*_arguments: Any, **_named: Any) -> None:
            pid = other.info.backend_pid
            today.conn.execute("SELECT pg_terminate_backend(%s)", (pid,))

        dying.setattr(reacting.events, "record_reactions", die)
        with pytest.raises(psycopg.OperationalError):
            react_to_events(other, now=datetime.now(UTC))
    assert today.value("SELECT count(*) FROM jobs") == 0
    assert today.value("SELECT count(*) FROM plans") == 0

    assert react(today) == Reaction(events=1, calls=1, plans=1)
    assert react(today) == Reaction()


def test_a_subscription_gets_the_events_of_its_types_and_documents(today: World) -> None:
    subscribe(today, "employee.left", document_types=["contract"])
    today.add_document("contract-1", document_type="contract")
    today.add_document("photo", document_type="image")
    for name in ("contract-1", "photo"):
        emit(today, name)
    today.conn.execute("SELECT emit_event('employee.born', 'contract-1')")

    assert react(today).calls == 1
    kind, payload, attempts = today.conn.execute(
        "SELECT kind, payload, max_attempts FROM jobs"
    ).fetchall()[0]
    told = json.loads(payload)
    assert (kind, attempts, told["type"]) == ("webhook", 10, "employee.left")
    assert told["data"]["document"]["external_id"] == "contract-1"
    assert today.value("SELECT payload_fault('webhook', payload::jsonb) FROM jobs") is None


def test_a_star_stands_for_all_and_doclifes_own_events_are_told_too(today: World) -> None:
    subscribe(today, "*")
    today.add_document("file")
    today.conn.execute(
        "INSERT INTO events (organization_id, type, document_id, occurred_on, actor)"
        " SELECT 1, 'document.trashed', id, current_date, 'schedule' FROM documents"
    )

    assert react(today).calls == 1


def test_an_event_that_commits_late_is_not_skipped(today: World) -> None:
    subscribe(today, "*")
    today.add_document("file")
    with today.another_connection() as slow:
        with slow.transaction():
            slow.execute("SELECT emit_event('employee.left', 'file')")
        with today.another_connection() as late, late.transaction():
            late.execute("SELECT emit_event('employee.left', 'file')")
            assert react(today).events == 1
        assert react(today).events == 1
