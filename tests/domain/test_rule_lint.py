"""The linter of rules: each code is found where it should be, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from doclife.domain.fields import MetadataType
from doclife.domain.lint_file import LocatedFinding, locate, read_for_lint
from doclife.domain.lint_finding import Code, Severity
from doclife.domain.rule import Rule
from doclife.domain.rule_lint import lacks_index
from doclife.domain.rule_set_lint import lint_rules

ROOT = Path(__file__).parents[2]
INDEXED = frozenset({"document_type", "owner", "tags", "expires_on"})

CONTRACT = {"field": "document_type", "op": "eq", "value": "contract"}
PAPER = {"field": "document_type", "op": "in", "value": ["contract", "invoice"]}
TEMP = {"field": "tags", "op": "has_any", "value": ["temp"]}
OLD = {"field": "created_on", "op": "older_than", "value": "90d"}


def rule(name: str = "one", **parts: Any) -> Rule:
    """A rule that draws no attention."""
    limits = {"max_documents": 100, "max_fraction": 0.01}
    return Rule.model_validate(
        {
            "name": name,
            "trigger": {"type": "ON_SCHEDULE"},
            "when": CONTRACT,
            "limits": limits,
            **parts,
        }
    )


def keep(period: str = "7y", after: str = "metadata.contract_end", **parts: Any) -> dict[str, Any]:
    return {"for": period, "after": after, **parts}


DELETE = [{"do": "DELETE"}]
ARCHIVE = [{"do": "ARCHIVE"}]
MAIL = [{"do": "NOTIFY", "with": {"to": "records@example.org"}}]
EVENT = {"type": "ON_EVENT", "event": "case.closed"}
NO_END = {"field": "metadata.contract_end", "op": "not_null"}
ARCHIVED = {"field": "status", "op": "eq", "value": "archived"}
IMPOSSIBLE = {"all": [CONTRACT, {"not": PAPER}]}
NEVER_WARNED: dict[str, Any] = {"retain": keep(), "actions": DELETE}
QUIET: dict[str, Any] = {**NEVER_WARNED, "warn": ["30d"]}


def codes(*rules: Rule) -> list[tuple[str, str]]:
    return [(found.rule, found.code.value) for found in lint_rules(rules)]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"when": IMPOSSIBLE, "actions": ARCHIVE}, ["contradiction"]),
        ({"when": {"all": [CONTRACT, ARCHIVED]}, "actions": ARCHIVE}, ["archives-archived"]),
        ({"mode": "off", "retain": keep()}, ["off-retains-nothing"]),
        ({"retain": keep(), "when": {"all": [CONTRACT, NO_END]}}, ["not-null-on-anchor"]),
        ({"actions": DELETE, "grace": "0d"}, ["no-grace"]),
        (NEVER_WARNED, ["no-warning"]),
        ({"actions": [*ARCHIVE, *DELETE]}, ["archive-then-delete"]),
        ({**QUIET, "actions": [{"do": "ARCHIVE", "after": "6y11mo"}, *DELETE]},
         ["archive-then-delete"]),
        ({"actions": ARCHIVE, "limits": {"max_fraction": 1.0}}, ["no-limits"]),
        ({"trigger": {"type": "ON_EVENT", "event": "document.purged"}, "actions": MAIL},
         ["own-event"]),
        ({"retain": keep(after="event:document.archived")}, ["own-event"]),
        ({"actions": MAIL, "review": {"stages": ["legal"], "timeout": "8d"}}, ["review-lapses"]),
        ({"actions": MAIL, "review": {"stages": ["legal"], "remind": "7d"}}, ["review-lapses"]),
        ({"actions": MAIL, "review": {"stages": ["legal"], "remind": "2d", "timeout": "1d"}},
         ["review-lapses"]),
    ],
)  # fmt: skip
def test_finds_what_is_probably_not_meant_in_one_rule(
    parts: dict[str, Any], expected: list[str]
) -> None:
    assert codes(rule(**parts)) == [("one", code) for code in expected]


@pytest.mark.parametrize(
    "parts",
    [
        QUIET,
        {"actions": DELETE},
        {"actions": ARCHIVE},
        {"retain": keep()},
        {**QUIET, "actions": [{"do": "ARCHIVE", "after": "1y"}, *DELETE]},
        {**QUIET, "actions": [{"do": "ARCHIVE", "after": "6y8mo"}, *DELETE]},
        {"retain": keep(), "when": {"all": [CONTRACT, {"not": NO_END}]}},
        {"retain": keep(after="created_on"), "when": {"all": [CONTRACT, NO_END]}},
        {"actions": MAIL, "limits": {"max_fraction": 1.0}},
        {"mode": "off", "actions": ARCHIVE},
    ],
)
def test_says_nothing_about_a_rule_as_it_should_be(parts: dict[str, Any]) -> None:
    assert codes(rule(**parts)) == []


def test_an_enforced_rule_that_names_no_limits_is_told_of_the_defaults() -> None:
    parts = {
        "name": "one",
        "trigger": {"type": "ON_SCHEDULE"},
        "when": CONTRACT,
        "actions": ARCHIVE,
    }

    assert codes(Rule.model_validate({**parts, "mode": "enforce"})) == [("one", "default-limits")]
    assert codes(Rule.model_validate(parts)) == []


RETAINS = rule("keeps", retain=keep(), when=PAPER)


@pytest.mark.parametrize(
    ("parts", "other", "severity"),
    [
        ({**QUIET, "retain": keep("2y")}, RETAINS, "warning"),
        ({**QUIET, "retain": keep("2y")},
         rule("keeps", retain=keep("7y", cutoff="end_of_year"), when=PAPER), "warning"),
        ({"when": {"all": [CONTRACT, OLD]}, "actions": DELETE},
         rule("keeps", retain=keep("7y", after="created_on"), when=PAPER), "warning"),
        ({"actions": DELETE}, rule("keeps", retain=keep("permanent")), "error"),
    ],
)  # fmt: skip
def test_finds_a_delete_that_comes_before_the_end_of_anothers_retention(
    parts: dict[str, Any], other: Rule, severity: str
) -> None:
    (found,) = lint_rules([rule(**parts), other])

    assert (found.rule, found.code, found.severity) == ("one", "delete-before-retention", severity)
    assert "keeps" in found.what


def test_a_delete_without_a_wait_is_said_in_words() -> None:
    (found,) = lint_rules([rule(**{**QUIET, "retain": keep("0d")}), RETAINS])

    assert "a DELETE at once after" in found.what
    assert "0d" not in found.what


@pytest.mark.parametrize(
    ("parts", "other"),
    [
        ({**QUIET, "retain": keep("10y")}, RETAINS),
        ({**QUIET, "retain": keep("7y")}, RETAINS),
        ({**QUIET, "retain": keep("2y"), "when": TEMP}, RETAINS),
        ({**QUIET, "retain": keep("2y", after="created_on")}, RETAINS),
        ({**QUIET, "retain": keep("2y")}, rule("keeps", mode="off", when=PAPER, actions=ARCHIVE)),
        ({"when": {"all": [CONTRACT, OLD]}, "actions": DELETE},
         rule("keeps", retain=keep("30d", after="created_on"), when=PAPER)),
    ],
)  # fmt: skip
def test_a_delete_that_may_come_in_time_is_no_finding(parts: dict[str, Any], other: Rule) -> None:
    assert codes(rule(**parts), other) == []


def test_finds_rules_that_take_each_others_documents_once() -> None:
    assert codes(
        rule("aa", actions=ARCHIVE), rule("bb", actions=ARCHIVE, when=PAPER, priority=200)
    ) == [("aa", "same-documents")]
    assert codes(rule("aa", actions=MAIL), rule("bb", actions=MAIL)) == [("bb", "same-documents")]


def test_rules_that_may_meet_but_need_not_are_no_finding() -> None:
    assert codes(rule("aa", actions=ARCHIVE), rule("bb", actions=ARCHIVE, when=TEMP)) == []
    other_mail = [{"do": "NOTIFY", "with": {"to": "olga@example.org"}}]
    assert codes(rule("aa", actions=MAIL), rule("bb", actions=other_mail)) == []
    assert codes(rule("aa", actions=MAIL), rule("bb", actions=MAIL, trigger=EVENT)) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "is_outranked"),
    [
        ({"actions": ARCHIVE, "priority": 200}, {"actions": ARCHIVE}, True),
        ({"actions": ARCHIVE, "name": "zz"}, {"actions": ARCHIVE}, True),
        ({"actions": ARCHIVE}, {"actions": ARCHIVE, "review": {"stages": ["records"]}}, True),
        ({**QUIET, "retain": keep("7y")}, {**QUIET, "retain": keep("7y"), "priority": 1}, True),
        ({"actions": ARCHIVE, "name": "aa"}, {"actions": ARCHIVE, "priority": 200}, False),
        ({"actions": ARCHIVE, "priority": 200},
         {"actions": ARCHIVE, "trigger": {"type": "ON_SCHEDULE", "cron": "0 3 1 * *"}}, False),
        ({"actions": ARCHIVE, "priority": 200}, {"actions": ARCHIVE, "mode": "enforce"}, False),
    ],
)  # fmt: skip
def test_finds_an_action_that_another_rule_always_comes_before(
    mine: dict[str, Any], theirs: dict[str, Any], is_outranked: bool
) -> None:
    found = codes(rule(**{"name": "mine", **mine}), rule("m-other", when=PAPER, **theirs))

    assert ((mine.get("name", "mine"), "always-outranked") in found) is is_outranked


@pytest.mark.parametrize(
    ("parts", "lacks"),
    [
        ({"actions": ARCHIVE}, False),
        ({"actions": ARCHIVE, "when": TEMP}, False),
        ({"actions": ARCHIVE, "when": OLD}, True),
        ({"actions": ARCHIVE, "when": {"not": TEMP}}, True),
        ({"actions": ARCHIVE, "when": {"any": [CONTRACT, OLD]}}, True),
        ({"actions": ARCHIVE, "when": {"any": [CONTRACT, TEMP]}}, False),
        ({"actions": ARCHIVE, "when": OLD, "trigger": {"type": "ON_EXPIRATION"}}, False),
        ({"actions": ARCHIVE, "when": OLD, "trigger": EVENT}, False),
        ({"actions": ARCHIVE, "when": OLD, "retain": keep()}, True),
    ],
)
def test_knows_which_rules_an_index_leads_to(parts: dict[str, Any], lacks: bool) -> None:
    assert lacks_index(rule(**parts), indexed=INDEXED) is lacks


FILE = """
# lint: ignore no-warning (the whole file: not read, it is not right above a rule)

rules:
  # Notes.  # lint: ignore no-warning (nobody owns notes)
  - name: notes
    trigger: {type: ON_EXPIRATION}
    when: {field: document_type, op: eq, value: note}
    grace: 0d{}
    actions: [{{do: DELETE}}]
"""


def lint_text(comment: str) -> list[LocatedFinding]:
    linted = read_for_lint(FILE.replace("{}", comment).replace("{{", "{").replace("}}", "}"),
                           file="notes.yaml")  # fmt: skip
    return locate([linted], lint_rules(linted.rules))


def test_a_finding_has_the_line_of_what_it_is_about() -> None:
    (found,) = lint_text("")

    assert str(found).startswith("notes.yaml:9: warning no-grace: rule notes: a DELETE without")


def test_a_comment_with_a_reason_silences_a_code_of_its_rule() -> None:
    assert lint_text("  # lint: ignore no-grace (the scanner keeps a copy)") == []


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        ("  # lint: ignore no-grace", Code.NO_REASON),
        ("  # lint: ignore no-grace, no-limits (so)", Code.IGNORES_NOTHING),
        ("  # lint: ignore no-grace, no-grac (so)", Code.UNKNOWN_CODE),
    ],
)
def test_a_comment_that_silences_wrongly_is_a_finding(comment: str, code: Code) -> None:
    (found,) = lint_text(comment)

    assert (found.finding.code, found.finding.severity, found.line) == (code, Severity.WARNING, 9)


@pytest.mark.parametrize("name", ["examples.yaml", "starter.yaml"])
def test_the_shipped_rules_draw_no_attention(name: str) -> None:
    linted = read_for_lint((ROOT / "include/rules" / name).read_text(), file=name)

    assert locate([linted], lint_rules(linted.rules)) == []


def test_every_code_is_explained() -> None:
    text = (ROOT / "docs/lint.md").read_text()

    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == {one.value for one in Code}


def test_metadata_that_an_organization_declared_may_be_used() -> None:
    text = "- {name: one, trigger: {type: ON_SCHEDULE}, retain: {for: 1y, after: metadata.signed}}"

    assert read_for_lint(text, file="f", metadata_types={"signed": MetadataType.DATE}).rules
