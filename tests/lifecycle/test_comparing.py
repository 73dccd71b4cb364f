"""What a new version of a rule makes of the documents, before it is in force."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from doclife.domain.rule import Rule
from doclife.errors import ConfigurationError
from doclife.lifecycle.comparing import Impact, candidate, compare_versions, find_stored

from .conftest import NOW, World, days_ago
from .test_explaining import hold

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
NOTES = {"field": "document_type", "op": "eq", "value": "note"}


def version(period: str, **parts: Any) -> dict[str, Any]:
    return {
        "when": DRAFTS,
        "retain": {"for": period, "after": "created_on"},
        "actions": [{"do": "DELETE"}],
        **parts,
    }


def compare(world: World, parts: dict[str, Any], **moments: Any) -> Impact:
    """The stored rule against a candidate."""
    rule = Rule.from_document(
        {"name": "rule", "mode": "enforce", "trigger": {"type": "ON_SCHEDULE"}, **parts}
    )
    return compare_versions(
        world.conn,
        organization="default",
        before=find_stored(world.conn, organization="default", name="rule"),
        after=candidate(world.conn, organization="default", rule=rule, now=world.now),
        now=world.now,
        as_of=moments.get("as_of", world.now),
    )


def changes(found: Impact) -> dict[tuple[str, str], tuple[int, int | None, int | None]]:
    return {
        (one.action, one.kind): (one.documents, one.fewest_days, one.most_days)
        for one in found.changes
    }


def test_a_shorter_period_makes_more_due_and_the_rest_earlier(world: World) -> None:
    for age in (10, 100, 400, 800):
        world.add_document(f"{age}", document_type="draft", created_on=days_ago(age))
    world.enforce(**version("1y"))

    found = compare(world, version("90d"))

    assert (found.before, found.after) == ("rule@1", "rule@2")
    assert changes(found) == {
        ("DELETE", "newly_due"): (1, 275, 275),
        ("DELETE", "earlier"): (1, 275, 275),
        ("RETAIN", "no_longer_retained"): (1, None, None),
        ("RETAIN", "retained_shorter"): (1, 275, 275),
    }
    assert [(one.kind, one.external_id) for one in found.sample if one.action == "DELETE"] == [
        ("earlier", "10"),
        ("newly_due", "100"),
    ]


def test_the_way_back_makes_fewer_due_and_the_rest_later(world: World) -> None:
    for age in (10, 100):
        world.add_document(f"{age}", document_type="draft", created_on=days_ago(age))
    world.enforce(**version("90d"))

    assert changes(compare(world, version("1y"))) == {
        ("DELETE", "no_longer_due"): (1, 275, 275),
        ("DELETE", "later"): (1, 275, 275),
        ("RETAIN", "newly_retained"): (1, None, None),
        ("RETAIN", "retained_longer"): (1, 275, 275),
    }


def test_another_condition_schedules_others_and_lets_go_of_some(world: World) -> None:
    world.add_document("a", document_type="draft", created_on=days_ago(0))
    world.add_document("b", document_type="note", created_on=days_ago(0))
    world.enforce(**version("1y"))

    found = compare(world, version("1y", when=NOTES))

    assert {kind for action, kind in changes(found) if action == "DELETE"} == {
        "newly_scheduled",
        "no_longer_scheduled",
    }


def test_the_same_rule_changes_nothing(world: World) -> None:
    world.add_document("a", document_type="draft", created_on=days_ago(400))
    world.enforce(**version("1y"))

    assert compare(world, version("1y")).changes == []


def test_judges_what_would_really_go_beside_all_other_rules_and_holds(world: World) -> None:
    for name in ("free", "held", "kept"):
        document = world.add_document(name, document_type="draft", created_on=days_ago(100))
        if name == "held":
            hold(world, document, "matter")
    world.enforce(
        "keeper",
        when={"field": "external_id", "op": "eq", "value": "kept"},
        retain={"for": "permanent", "after": "created_on"},
    )
    world.enforce(**version("1y"))

    found = compare(world, version("90d"))

    assert found.judged_before == []
    assert {one.reason_code: one.documents for one in found.judged_after} == {
        None: 1,
        "held": 1,
        "retained": 1,
    }
    [newly] = [one for one in found.changes if one.kind == "newly_due"]
    assert newly.held == 1


def test_a_date_that_moved_earlier_counts_for_the_new_version_only(world: World) -> None:
    """Applying a version takes the facts as they are now; the one in force keeps what was."""
    document = world.add_document("a", document_type="draft", created_on=days_ago(10))
    world.enforce(**version("1y"))
    world.conn.execute(
        "UPDATE documents SET created_on = %s WHERE id = %s", (days_ago(500), document)
    )
    world.now = world.value("SELECT now()") + timedelta(seconds=1)

    found = compare(world, version("1y"), as_of=NOW)

    assert [kind for action, kind in changes(found) if action == "DELETE"] == ["newly_due"]


def test_looks_ahead_and_says_so(world: World) -> None:
    world.add_document("a", document_type="draft", created_on=days_ago(0))
    world.enforce(**version("1y"))

    found = compare(world, version("90d"), as_of=world.now + timedelta(days=100))

    assert found.is_ahead
    assert ("DELETE", "newly_due") in changes(found)


def test_stored_versions_are_compared_and_a_missing_one_is_refused(world: World) -> None:
    world.add_document("a", document_type="draft", created_on=date(2026, 1, 1))
    world.enforce(**version("1y"))
    world.enforce(**version("2y"))

    found = compare_versions(
        world.conn,
        organization="default",
        before=find_stored(world.conn, organization="default", name="rule", version=1),
        after=find_stored(world.conn, organization="default", name="rule"),
        now=world.now,
        as_of=world.now,
    )

    assert changes(found)["DELETE", "later"] == (1, 365, 365)
    with pytest.raises(ConfigurationError, match=r"no version 3 of rule 'rule'. Versions: 1, 2"):
        find_stored(world.conn, organization="default", name="rule", version=3)


def test_nothing_is_stored(world: World) -> None:
    world.add_document("a", document_type="draft", created_on=days_ago(400))
    world.enforce(**version("1y"))

    compare(world, version("90d"))

    assert world.value("SELECT count(*) FROM plans") == 0
    assert world.value("SELECT count(*) FROM rule_versions") == 1
