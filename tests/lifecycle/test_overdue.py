"""Everything past due says why it is still here; every limit says how much of it is used."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from doclife.errors import ConfigurationError
from doclife.lifecycle import belts, halting, overdue
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.planning import plan_due_rules

from .conftest import LONG_AGO, World, days_ago
from .test_explaining import hold

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
AGED = {"for": "30d", "after": "created_on"}


def add(world: World, name: str = "a", **columns: Any) -> int:
    return world.add_document(
        name, document_type="draft", **{"created_on": days_ago(100), **columns}
    )


def look(world: World) -> dict[str, int]:
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)
    found = overdue.count_overdue(world.conn, organization="default", now=world.now)
    return {group.code: group.documents for group in found.groups}


def reasons(world: World, **options: Any) -> dict[str, tuple[str, str | None]]:
    page = overdue.list_overdue(world.conn, organization="default", now=world.now, **options)
    return {one.external_id: (one.code, one.reason) for one in page.documents}


class TestWhy:
    def test_in_judgings_own_words(self, world: World) -> None:
        add(world, "cool", registered_at=world.now)
        add(world, "reprieved", reprieve_until=date(2026, 4, 1))
        add(world, "kept", title="keep")
        hold(world, add(world, "held"), "matter")
        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE)
        world.enforce(
            "keeper",
            when={"field": "title", "op": "eq", "value": "keep"},
            retain={"for": "1y", "after": "created_on"},
        )
        world.night()

        assert look(world) == {"cooling_off": 1, "reprieved": 1, "retained": 1, "held": 1}
        assert reasons(world)["kept"] == ("retained", "retained until 2026-11-22")

    def test_it_waits_for_a_person_or_for_a_breaker(self, world: World) -> None:
        add(world)
        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE, review={"stages": ["owner"]})
        world.night()

        assert look(world) == {"awaiting_review": 1}

        add(world, "b")
        world.enforce(
            when=DRAFTS, retain=AGED, actions=DELETE,
            limits={"max_documents": 1, "max_fraction": 1.0},
        )  # fmt: skip
        world.night()

        assert look(world) == {"breaker": 2}

    def test_it_waits_to_be_applied_or_for_the_halt_to_end(self, world: World) -> None:
        add(world)
        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE)
        world.plan()

        assert look(world) == {"waiting": 1}

        halting.halt(world.conn, reason="drill", actor="user:olga", now=world.now)

        assert look(world) == {"halted": 1}
        assert reasons(world)["a"] == ("halted", "halted by user:olga: drill")

    def test_its_rule_only_simulates_or_paces(self, world: World) -> None:
        for name in ("a", "b", "c"):
            add(world, name)
        world.enforce(mode="simulate", when=DRAFTS, retain=AGED, actions=DELETE)
        world.night()

        assert look(world) == {"simulated": 3}

        world.enforce(
            when=DRAFTS, retain=AGED, actions=DELETE,
            limits={"max_documents": 100, "max_fraction": 1.0, "per_night": 1},
        )  # fmt: skip
        world.night()

        assert look(world) == {"paced": 2}

    def test_it_failed_and_how(self, world: World) -> None:
        add(world)
        world.enforce(when=DRAFTS, retain=AGED, actions=[{"do": "ARCHIVE"}])
        world.file("a").write_bytes(b"other bytes")
        world.night()

        assert look(world) == {"failed": 1}
        code, reason = reasons(world)["a"]
        assert code == "failed"
        assert reason

    def test_nothing_has_looked_at_it_yet_or_since_its_hold_ended(self, world: World) -> None:
        document = add(world)
        hold(world, document, "matter")
        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE)
        world.night()
        world.conn.execute(
            "UPDATE matter_documents SET released_at = now(), released_by = 'user:olga'"
        )

        assert look(world) == {"not_judged": 1}

    def test_the_trash_is_past_its_grace(self, world: World) -> None:
        add(world)
        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE, grace="1d")
        world.night()

        assert look(world) == {}

        world.later(days=2)

        assert look(world) == {"not_judged": 1}
        assert [one.action for one in overdue.list_overdue(
            world.conn, organization="default", now=world.now
        ).documents] == ["PURGE"]  # fmt: skip

    def test_a_simulated_future_says_nothing_about_today(self, world: World) -> None:
        add(world)
        world.enforce(mode="simulate", when=DRAFTS, retain=AGED, actions=DELETE)
        plan_due_rules(
            world.conn,
            now=world.now,
            as_of=world.now + timedelta(days=400),
            dag_id="t",
            run_id="t",
            requested_by="user:olga",
        )

        assert look(world) == {"not_judged": 1}


def test_pages_by_key_the_longest_overdue_first(world: World) -> None:
    for number in range(5):
        add(world, f"{number}", created_on=days_ago(200 - number))
    world.enforce(mode="simulate", when=DRAFTS, retain=AGED, actions=DELETE)
    look(world)
    seen: list[str] = []
    after = None
    while True:
        page = overdue.list_overdue(
            world.conn, organization="default", now=world.now, after=after, size=2
        )
        seen += [one.external_id for one in page.documents]
        after = page.next_after
        if after is None:
            break

    assert seen == ["0", "1", "2", "3", "4"]
    with pytest.raises(ConfigurationError, match="no place in the list"):
        overdue.list_overdue(world.conn, organization="default", now=world.now, after="x")


class TestBelts:
    def test_say_what_is_used_left_and_free_again(self, world: World) -> None:
        for name in ("a", "b", "c", "d"):
            add(world, name)
        world.enforce(
            when=DRAFTS, retain=AGED, actions=DELETE,
            limits={"max_documents": 3, "max_fraction": 1.0, "per_night": 1},
        )  # fmt: skip
        world.night()

        used = {
            (one.scope, one.is_purge): one for one in belts.list_belts(world.conn, now=world.now)
        }

        rule = used["rule", False]
        assert (rule.done, rule.reserved, rule.allowed, rule.left) == (1, 0, 3, 2)
        assert rule.frees_at == world.now + timedelta(days=1)
        assert used["organization", False].used == used["deployment", False].used == 1
        assert used["deployment", True].used == 0

        world.later(days=1, seconds=1)

        assert {one.used for one in belts.list_belts(world.conn, now=world.now)} == {0}

    def test_what_open_plans_have_reserved_counts(self, world: World) -> None:
        add(world)
        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE)
        world.plan()

        [rule] = [one for one in belts.list_belts(world.conn, now=world.now) if one.scope == "rule"]

        assert (rule.done, rule.reserved, rule.frees_at) == (0, 1, None)

    def test_advise_a_pace_that_trips_nothing(self, world: World) -> None:
        for name in ("a", "b", "c", "d", "e"):
            add(world, name)
        limits = {"max_documents": 2, "max_fraction": 1.0}
        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE, limits=limits, since=LONG_AGO)
        world.night()

        [tripped] = belts.list_tripped(world.conn, now=world.now)

        assert (tripped.rule, tripped.document_count, tripped.state) == (
            "rule", 5, "needs_approval",
        )  # fmt: skip
        assert tripped.advice == (
            "Let it go in a paced way: limits: {per_night: 2} in rule rule takes 3 nights, the "
            "longest overdue first."
        )

        world.enforce(when=DRAFTS, retain=AGED, actions=DELETE, limits={**limits, "per_night": 2})
        for _night in range(3):
            world.night()
            world.later(days=1, seconds=1)

        assert look(world) == {}


def test_a_page_goes_through_a_part_only_and_says_where_to_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "LOOKED_AT_ONCE", 2)
    monkeypatch.setattr(overdue, "LOOKED_AT_MOST", 4)
    for number in range(6):
        add(world, f"{number}", created_on=days_ago(200 - number))
    hold(world, world.conn.execute("SELECT max(id) FROM documents").fetchone()[0], "matter")
    world.enforce(mode="simulate", when=DRAFTS, retain=AGED, actions=DELETE)
    look(world)

    first = overdue.list_overdue(world.conn, organization="default", now=world.now, code="held")
    second = overdue.list_overdue(
        world.conn, organization="default", now=world.now, code="held", after=first.next_after
    )

    assert not first.documents
    assert [one.external_id for one in second.documents] == ["5"]
    assert (
        second.next_after is None
        or not overdue.list_overdue(
            world.conn, organization="default", now=world.now, code="held", after=second.next_after
        ).documents
    )


def test_counting_ends_where_it_is_told_and_says_so(world: World) -> None:
    for number in range(3):
        add(world, f"{number}")
    world.enforce(mode="simulate", when=DRAFTS, retain=AGED, actions=DELETE)
    look(world)

    some = overdue.count_overdue(world.conn, organization="default", now=world.now, most=2)
    every = overdue.count_overdue(world.conn, organization="default", now=world.now, most=4)

    assert (some.documents, some.is_whole) == (2, False)
    assert (every.documents, every.is_whole) == (3, True)


def test_what_was_done_since_the_forecast_is_not_overdue(world: World) -> None:
    add(world)
    world.enforce(when=DRAFTS, retain=AGED, actions=DELETE)
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)
    assert reasons(world)

    world.night()

    assert not reasons(world)
    assert not overdue.count_overdue(world.conn, organization="default", now=world.now).groups
