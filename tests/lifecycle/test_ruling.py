"""Rules come into force as whole files, as versions that never change, with a trace."""

from __future__ import annotations

import psycopg
import pytest

from doclife.domain.rule_file import RuleFileError
from doclife.errors import ConfigurationError
from doclife.lifecycle import ruling
from doclife.lifecycle.ruling import ChangeKind, RuleChange

from .conftest import ACTOR, World, days_ago

TWO = """
metadata_fields: {contract_end: date}
rules:
  - name: keeps
    mode: enforce
    trigger: {type: ON_SCHEDULE}
    when: {field: document_type, op: eq, value: file}
    retain: {for: 7y, after: created_on}
  - name: goes
    mode: enforce
    trigger: {type: ON_SCHEDULE}
    when: {field: tags, op: has_any, value: [temp]}
    limits: {max_fraction: 1.0}
    actions: [{do: DELETE}]
"""


def apply(world: World, text: str = TWO, *, commit: str | None = None) -> list[RuleChange]:
    return ruling.apply_rule_file(
        world.conn, text=text, file="rules.yaml", author=ACTOR, now=world.now, commit=commit
    )


def kinds(changes: list[RuleChange]) -> list[tuple[str, ChangeKind, int]]:
    return [(change.name, change.kind, change.version) for change in changes]


def test_a_changed_rule_becomes_a_new_version_and_the_others_stay(world: World) -> None:
    assert kinds(apply(world)) == [
        ("keeps", ChangeKind.ADDED, 1),
        ("goes", ChangeKind.ADDED, 1),
    ]

    changed = apply(world, TWO.replace("for: 7y", "for: 10y"))

    assert kinds(changed) == [
        ("keeps", ChangeKind.CHANGED, 2),
        ("goes", ChangeKind.UNCHANGED, 1),
    ]
    assert "for: 7y" in (changed[0].before or "")
    assert "for: 10y" in changed[0].after


def test_comparing_says_what_applying_would_do_and_stores_nothing(world: World) -> None:
    apply(world)
    text = TWO.replace("for: 7y", "for: 10y")

    compared = ruling.compare_rule_file(world.conn, text=text, file="rules.yaml")

    assert world.value("SELECT count(*) FROM rule_versions") == 2
    assert compared == apply(world, text)


def test_a_file_comes_into_force_whole_or_not_at_all(world: World) -> None:
    with pytest.raises(RuleFileError) as refused:
        apply(world, TWO.replace("has_any", "has_some").replace("after: created_on", "after: x"))
    assert len(refused.value.faults) == 2

    with pytest.raises(ConfigurationError, match="archives into store 'nowhere'"):
        apply(world, TWO.replace("do: DELETE", "do: ARCHIVE, with: {store: nowhere}"))

    assert world.value("SELECT count(*) FROM rules") == 0
    assert world.value("SELECT count(*) FROM metadata_fields") == 0


def test_a_version_says_who_made_it_from_which_commit_and_never_changes(world: World) -> None:
    apply(world, commit="4f0c1de")

    assert world.conn.execute(
        "SELECT DISTINCT author, commit_id FROM rule_versions"
    ).fetchall() == [(ACTOR, "4f0c1de")]
    assert world.conn.execute(
        "SELECT rule, action, actor FROM audit_entries WHERE action LIKE 'rule.%' ORDER BY id"
    ).fetchall() == [("keeps@1", "rule.added", ACTOR), ("goes@1", "rule.added", ACTOR)]
    with pytest.raises(psycopg.Error):
        world.conn.execute("UPDATE rule_versions SET mode = 'off'")


def test_a_removed_rule_retains_no_more_and_comes_back_as_the_next_version(world: World) -> None:
    apply(world)
    world.add_document("file", document_type="file", tags=["temp"], created_on=days_ago(9))
    (before,) = world.plan()

    ruling.remove_rule(world.conn, organization="default", name="keeps", actor=ACTOR, now=world.now)

    (after,) = world.plan()
    assert (before.document_count, after.document_count) == (0, 1)
    assert kinds(apply(world))[0] == ("keeps", ChangeKind.ADDED, 2)
    with pytest.raises(ConfigurationError, match=r"no rule 'nothing' in use\. Rules: goes, keeps"):
        ruling.remove_rule(
            world.conn, organization="default", name="nothing", actor=ACTOR, now=world.now
        )


def test_what_is_exported_changes_nothing_when_it_is_applied(world: World) -> None:
    apply(world)

    text = ruling.export_rules(world.conn, organization="default")

    assert {change.kind for change in apply(world, text)} == {ChangeKind.UNCHANGED}


def test_a_declared_type_never_changes(world: World) -> None:
    apply(world)

    with pytest.raises(RuleFileError, match="is declared as date already, here as int"):
        apply(world, TWO.replace("contract_end: date", "contract_end: int"))


def test_a_file_is_judged_by_what_its_own_organization_declared(world: World) -> None:
    """Neither by the default's, when the caller names one, nor by what others call the same."""
    for slug, kind in (("acme", "date"), ("other", "text")):
        world.conn.execute("INSERT INTO organizations (slug, name) VALUES (%s, %s)", (slug, slug))
        world.conn.execute(
            "INSERT INTO metadata_fields (organization_id, name, type)"
            " SELECT id, 'signed_on', %s FROM organizations WHERE slug = %s",
            (kind, slug),
        )
    text = """
- name: keeps
  trigger: {type: ON_SCHEDULE}
  retain: {for: 7y, after: metadata.signed_on}
"""

    applied = ruling.apply_rule_file(
        world.conn, text=text, file="f", author=ACTOR, now=world.now, organization="acme"
    )

    assert kinds(applied) == [("keeps", ChangeKind.ADDED, 1)]
    with pytest.raises(RuleFileError, match="of type text"):
        ruling.compare_rule_file(world.conn, text=text, file="f", organization="other")
    named = f"organization: acme\nmetadata_fields: {{signed_on: date}}\nrules:{text}"
    compared = ruling.compare_rule_file(world.conn, text=named, file="f")
    assert kinds(compared) == [("keeps", ChangeKind.UNCHANGED, 1)]
