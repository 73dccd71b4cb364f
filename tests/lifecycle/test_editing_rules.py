"""A person changes one rule at a time, and nobody's change is lost to another's."""

from __future__ import annotations

from typing import Any

import pytest

from doclife.domain.fields import MetadataType
from doclife.domain.rule import Mode, Rule
from doclife.errors import RefusedError
from doclife.lifecycle.editing_rules import copy_of, save_rule, switch_mode
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.ruling import current_version, export_rules, remove_rule
from doclife.store import rule_list

from .conftest import ACTOR, World, days_ago

TEMP: dict[str, Any] = {
    "when": {"field": "tags", "op": "has_any", "value": ["temp"]},
    "actions": [{"do": "DELETE"}],
}


def drafted(name: str = "draft", **parts: Any) -> Rule:
    return Rule.model_validate({"name": name, "trigger": {"type": "ON_SCHEDULE"}, **TEMP, **parts})


def save(world: World, rule: Rule, based_on: int | None, **more: Any) -> int:
    return save_rule(
        world.conn,
        organization="default",
        rule=rule,
        based_on=based_on,
        author=ACTOR,
        now=world.now,
        **more,
    ).version


def test_a_new_rule_is_in_force_and_in_the_audit_trail(world: World) -> None:
    assert save(world, drafted(), None) == 1

    assert current_version(world.conn, organization="default", name="draft").rule == drafted()
    assert world.conn.execute(
        "SELECT actor, action, rule, reason FROM audit_entries WHERE rule IS NOT NULL"
    ).fetchall() == [(ACTOR, "rule.added", "draft@1", "applied from the dashboard")]


def test_a_second_rule_of_a_name_is_refused(world: World) -> None:
    save(world, drafted(), None)

    with pytest.raises(RefusedError, match="there is a rule 'draft' already"):
        save(world, drafted(grace="1d"), None)


def test_who_edits_an_old_version_is_told_and_overwrites_nothing(world: World) -> None:
    save(world, drafted(), None)
    assert save(world, drafted(grace="1d"), 1) == 2

    with pytest.raises(RefusedError, match="changed to version 2 while you edited version 1"):
        save(world, drafted(grace="9d"), 1)
    assert str(current_version(world.conn, organization="default", name="draft").rule.grace) == "1d"


def test_who_edits_a_rule_that_was_removed_is_told(world: World) -> None:
    save(world, drafted(), None)
    remove_rule(world.conn, organization="default", name="draft", actor=ACTOR, now=world.now)

    with pytest.raises(RefusedError, match="taken out of use"):
        save(world, drafted(grace="9d"), 1)
    assert save(world, drafted(grace="9d"), None) == 2


def test_a_rule_that_did_not_change_gets_no_version(world: World) -> None:
    save(world, drafted(), None)

    assert save(world, drafted(), 1) == 1


def test_switching_changes_the_mode_and_nothing_else(world: World) -> None:
    save(world, drafted(), None)

    change = switch_mode(
        world.conn,
        organization="default",
        name="draft",
        mode=Mode.ENFORCE,
        based_on=1,
        author=ACTOR,
        now=world.now,
    )

    found = current_version(world.conn, organization="default", name="draft")
    assert (change.version, found.rule) == (2, drafted(mode="enforce"))


def test_a_copy_only_simulates_and_has_a_name_of_its_own(world: World) -> None:
    save(world, drafted(mode="enforce"), None)
    first = copy_of(world.conn, organization="default", rule=drafted(mode="enforce"))
    save(world, first, None)
    second = copy_of(world.conn, organization="default", rule=drafted(mode="enforce"))

    assert (first.name, first.mode) == ("draft-copy", Mode.SIMULATE)
    assert second.name == "draft-copy2"


def test_a_rule_may_declare_what_it_needs(world: World) -> None:
    rule = drafted(when={"field": "metadata.case", "op": "eq", "value": "x"})

    save(world, rule, None, metadata_fields={"case": MetadataType.TEXT})

    assert "case: text" in export_rules(world.conn, organization="default")


# --- the list


def listed(world: World, **filters: Any) -> list[rule_list.RuleRow]:
    return rule_list.list_page(world.conn, 1, today=world.now.date(), **filters)


def test_the_list_pages_by_name_and_finds_by_text_and_kind(world: World) -> None:
    save(world, drafted("a-temp", description="100% of what is <temporary>"), None)
    save(world, drafted("b-keep", actions=[], retain={"for": "7y", "after": "created_on"}), None)
    save(world, drafted("c-off", mode="off", trigger={"type": "ON_EXPIRATION"}), None)

    def names(**filters: Any) -> list[str]:
        return [row.definition["name"] for row in listed(world, **filters)]

    assert names() == ["a-temp", "b-keep", "c-off"]
    assert names(size=2) == ["a-temp", "b-keep"]
    assert names(after="b-keep", size=2) == ["c-off"]
    assert names(search="100%") == ["a-temp"]
    assert names(search="TAGS") == ["a-temp", "b-keep", "c-off"]
    assert names(search="_") == ["a-temp", "b-keep", "c-off"]
    assert names(search="%") == ["a-temp"]
    assert names(mode="off") == ["c-off"]
    assert names(action="DELETE") == ["a-temp", "c-off"]
    assert names(trigger="ON_EXPIRATION") == ["c-off"]


def test_the_list_says_how_a_rule_ran_last_and_what_is_due(world: World) -> None:
    world.add_document("goes", created_on=days_ago(400), tags=["temp"])
    world.add_document("later", created_on=days_ago(10), tags=["temp"])
    world.add_document("lost", created_on=None, tags=["temp"])
    world.enforce("temp", **TEMP, retain={"for": "1y", "after": "created_on"})

    (before,) = listed(world)
    assert (before.plan_id, before.due_count) == (None, None)
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)
    (foreseen,) = listed(world)
    assert (foreseen.due_count, foreseen.unknown_count) == (1, 1)

    (summary,) = world.plan()
    world.apply(summary.plan_id)
    (after,) = listed(world)
    assert (after.plan_id, after.plan_state, after.failed_count) == (summary.plan_id, "applied", 0)
