"""A preview is the plan, taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from doclife.domain.rule import Rule
from doclife.errors import ConfigurationError
from doclife.lifecycle.previewing import Preview, preview_rule
from doclife.store import stored_plans

from .conftest import ACTOR, World, days_ago

TEMP: dict[str, Any] = {
    "when": {"field": "tags", "op": "has_any", "value": ["temp"]},
    "actions": [{"do": "DELETE"}],
}


ARCHIVE = [{"do": "ARCHIVE"}]


def preview(world: World, rule: Rule, **moments: Any) -> Preview:
    return preview_rule(
        world.conn,
        organization="default",
        rule=rule,
        **{"as_of": world.now, "now": world.now, **moments},
    )


def drafted(**parts: Any) -> Rule:
    return Rule.model_validate({"name": "draft", "trigger": {"type": "ON_SCHEDULE"}, **parts})


def test_a_preview_lists_exactly_what_the_plan_of_that_night_does(
    world: World,
) -> None:
    world.add_document("goes", tags=["temp"], document_type="note")
    world.add_document("stays", tags=[], document_type="note")
    world.add_document("retained", tags=["temp"], document_type="file", created_on=days_ago(9))
    world.add_document("new", tags=["temp"], document_type="note", registered_at=world.now)
    held = world.add_document("held", tags=["temp"], document_type="note")
    world.conn.execute(
        "WITH matter AS (INSERT INTO matters (organization_id, name, reason, created_by)"
        " VALUES (1, 'case', 'litigation', %s) RETURNING id)"
        " INSERT INTO matter_documents (matter_id, document_id, added_by)"
        " SELECT id, %s, %s FROM matter",
        (ACTOR, held, ACTOR),
    )
    world.enforce(
        "keeps",
        when={"field": "document_type", "op": "eq", "value": "file"},
        retain={"for": "7y", "after": "created_on"},
    )
    version = world.enforce("temp", **TEMP)

    shown = preview(world, version.rule)
    (summary,) = world.plan()
    planned = stored_plans.list_items(world.conn, summary.plan_id)

    def told(items: Any) -> dict[str, Any]:
        return {item.external_id: (item.action, item.reason_code, item.due_on) for item in items}

    assert told(shown.items) == told(planned)
    assert {name: code for name, (_, code, _) in told(planned).items()} == {
        "goes": None,
        "retained": "retained",
        "new": "cooling_off",
        "held": "held",
    }
    assert [(one.reason_code, one.documents) for one in shown.counts] == [
        (one.reason_code, one.documents)
        for one in stored_plans.count_items(world.conn, summary.plan_id)
    ]


def test_a_preview_lists_what_has_been_due_longest_first_page_by_page(world: World) -> None:
    days = (40, 400, 90, 400, 31, 200)
    for number, age in enumerate(days):
        world.add_document(f"d-{number}", tags=["temp"], created_on=days_ago(age))
    rule = drafted(
        when=TEMP["when"],
        retain={"for": "30d", "after": "created_on"},
        actions=[{"do": "NOTIFY", "with": {"to": "a@example.org"}}, {"do": "DELETE"}],
    )
    longest_first = ["d-1", "d-3", "d-5", "d-2", "d-0", "d-4"]

    whole = preview(world, rule, size=100).items
    seen: list[Any] = []
    after = None
    while page := preview(world, rule, after=after, size=4).items:
        seen += page
        after = (page[-1].due_on, page[-1].document_id)

    assert list(dict.fromkeys(item.external_id for item in whole)) == longest_first
    assert seen == list(whole)
    assert [item.due_on for item in whole] == sorted(item.due_on or world.now for item in whole)


def test_a_preview_leaves_nothing_behind(world: World) -> None:
    world.add_document("goes", tags=["temp"])
    counts = (
        "SELECT (SELECT count(*) FROM plans), (SELECT count(*) FROM plan_items),"
        " (SELECT count(*) FROM rule_versions), (SELECT count(*) FROM audit_entries),"
        " (SELECT count(*) FROM documents WHERE status = 'active')"
    )
    before = world.conn.execute(counts).fetchone()

    assert len(preview(world, drafted(**TEMP)).items) == 1

    assert world.conn.execute(counts).fetchone() == before
    assert world.plan() == []


def test_a_preview_of_another_version_leaves_the_one_in_force(world: World) -> None:
    world.add_document("goes", tags=["temp"])
    version = world.enforce("draft", **TEMP)

    preview(
        world, drafted(when={"field": "tags", "op": "has_any", "value": ["x"]}, actions=ARCHIVE)
    )

    (summary,) = world.plan()
    assert (summary.rule, summary.document_count) == (f"draft@{version.version}", 1)


def test_the_unknown_have_a_column_of_their_own(world: World) -> None:
    world.add_document("known", tags=["temp"])
    world.add_document("lost", tags=None)

    shown = preview(world, drafted(**TEMP))

    assert [item.external_id for item in shown.items] == ["known"]
    assert shown.unknown_count == 1


def test_a_preview_looks_ahead_before_days_pass(world: World) -> None:
    world.conn.execute("UPDATE organizations SET cooling_off_days = 0")
    world.add_document("file", created_on=days_ago(0))
    rule = drafted(retain={"for": "1y", "after": "created_on"}, actions=[{"do": "DELETE"}])
    world.now = world.value("SELECT now()")
    due_on = days_ago(0).replace(year=days_ago(0).year + 1) + timedelta(days=1)
    ahead = world.now.replace(
        year=due_on.year + 1, month=due_on.month, day=due_on.day
    )  # beyond the present of any machine

    assert preview(world, rule).items == []
    (item,) = preview(world, rule, as_of=ahead).items
    assert (item.due_on, item.reason_code) == (due_on, None)


def test_a_rule_that_is_off_can_be_previewed(world: World) -> None:
    world.add_document("goes", tags=["temp"])

    assert len(preview(world, drafted(mode="off", **TEMP)).items) == 1


def test_metadata_that_nobody_declared_is_refused(world: World) -> None:
    rule = drafted(
        when={"field": "metadata.nobody", "op": "eq", "value": "x"}, actions=[{"do": "ARCHIVE"}]
    )

    with pytest.raises(ConfigurationError, match="'nobody' is not declared"):
        preview(world, rule)
    assert world.value("SELECT count(*) FROM rule_versions") == 0
