"""What holds for every rule and every document, tried on those that hypothesis thinks of."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from doclife.domain.compiler import Compiler, Purpose
from doclife.domain.condition import comparisons
from doclife.domain.explaining_sql import answers, clocks
from doclife.domain.fragment import Fragment
from doclife.domain.protections import protections
from doclife.domain.rule import Rule
from tests.domain.conftest import TODAY, Run, compiler
from tests.domain.strategies import degraded, documents, events, rules

ValueOf = Callable[..., Any]
FOREVER = date.max

# The whole vocabulary of the compiler. What an author writes is not in it.
LITERALS = {
    "0", "1", "infinity", "active", "archived", "month", "year", "day", "1 month", "1 year",
    "1 day", "on", "at", ", ",
}  # fmt: skip
NAMES = {
    # tables and their aliases
    "documents", "d", "events", "e", "candidates", "candidate", "action", "anchor", "met",
    "protection", "longest", "given_up", "until", "untils",
    # columns
    "id", "organization_id", "external_id", "title", "document_type", "owner", "status",
    "status_before", "tags", "metadata", "media_type", "size_bytes", "created_on", "modified_on",
    "last_accessed_on", "expires_on", "registered_at", "archived_at", "anchor_floors",
    "document_id", "type", "occurred_on", "withdrawn_at", "is_external", "may_start_clocks",
    # results
    "action_index", "is_archive", "due_on", "matched", "anchor_on", "retain_until",
    "rule_version_id", "priority", "name", "position", "actual", "is_met",
    "anchor_read", "cutoff_on", "protected_until", "days", "clock",
    # functions
    "metadata_text", "metadata_int", "metadata_date", "jsonb_array_elements", "starts_with",
    "array_agg", "strpos", "ALL",
}  # fmt: skip


def statements(some: Compiler, *, may_hit: bool = True) -> list[Fragment]:
    """Everything the compiler makes of a rule, each as a whole statement."""
    expressions = [
        some.condition(Purpose.SELECT),
        some.condition(Purpose.STRICT),
        some.anchor(),
        some.retain_until(),
        some.protection(),
        some.cannot_say(),
        *(some.due_on(index) for index in range(len(some.rule.actions))),
    ]
    narrowing = some.narrowing()
    expressions += [narrowing] if narrowing is not None else []
    return [
        *(
            Fragment(
                text=f"SELECT {expression.text} FROM documents AS d",
                parameters=expression.parameters,
            )
            for expression in expressions
        ),
        some.hits(organization_id=1),
        some.hits(organization_id=1, include_unknown=True, document_ids=[1, 2]),
        some.hits(organization_id=1, due_by=date.max),
        answers([some], document_id=1),
        clocks([some], document_id=1),
        protections([some]),
    ]


@settings(max_examples=150)
@given(rules())
def test_only_parameters_carry_values(some: Rule) -> None:
    """Parse what was compiled: every literal and name is one of the compiler's own words.

    Had a value of the rule reached the text, as a literal, a name or a piece of syntax, the
    statement would hold a word outside the list, or not parse as one SELECT.
    """
    for statement in statements(compiler(some)):
        placeholders = set(re.findall(r"%\((\w+)\)s", statement.text))
        assert placeholders == set(statement.parameters)
        assert "%" not in re.sub(r"%\(\w+\)s", "", statement.text)
        for name in placeholders:
            assert re.fullmatch(r"rule_[a-z0-9_]+", name)

        trees = sqlglot.parse(statement.text, dialect="postgres")

        assert len(trees) == 1
        tree = trees[0]
        assert isinstance(tree, exp.Select)
        assert {literal.name for literal in tree.find_all(exp.Literal)} <= LITERALS
        names = {node.name for node in tree.find_all(exp.Identifier)}
        names |= {node.name for node in tree.find_all(exp.Anonymous)}
        assert names - placeholders <= NAMES
        assert not list(tree.find_all(exp.Command, exp.Insert, exp.Update, exp.Delete, exp.Drop))


@settings(max_examples=150)
@given(rules(), st.data())
def test_rules_that_differ_only_in_values_have_the_same_text(some: Rule, data: Any) -> None:
    """Replace every text in the rule by another: the SQL does not change by a character."""
    if some.when is None:
        return
    source = some.to_source()
    changed = _with_other_texts(source)
    other = Rule.model_validate(changed)

    for one, two in zip(statements(compiler(some)), statements(compiler(other)), strict=True):
        assert one.text == two.text


def _with_other_texts(raw: Any) -> Any:
    if isinstance(raw, list):
        return [_with_other_texts(item) for item in raw]
    if not isinstance(raw, dict):
        return raw
    is_text = raw.get("op") in {
        "eq", "ne", "in", "not_in", "contains", "starts_with", "has_any", "has_all", "has_none",
    } and raw.get("field") != "status"  # fmt: skip
    return {
        key: _other(value) if key == "value" and is_text else _with_other_texts(value)
        for key, value in raw.items()
    }


def _other(value: Any) -> Any:
    if isinstance(value, list):
        return [_other(item) for item in value]
    return "'\"); DROP TABLE documents; --" if isinstance(value, str) else 77


def answer(value_of: ValueOf, some: Compiler, of: dict[str, Any], purpose: Purpose) -> bool | None:
    found = value_of(some.condition(purpose), of)
    assert found in (True, False, None)
    return found


@settings(max_examples=200)
@given(some=rules(), whole=documents(), data=st.data())
def test_what_is_missing_never_turns_an_answer_round(
    value_of: ValueOf, some: Rule, whole: dict[str, Any], data: Any
) -> None:
    """The property that all others rest on.

    Let any values of a document go missing or become malformed. Then the strict answer of any
    condition is what it was, or has become unknown: never false where it was true, nor true where
    it was false, nor known where it was unknown.

    Why this is enough. A DELETE is selected by a strict answer of *true* only, so it cannot be
    selected by a loss. A retention lets go by a strict answer of *false* only, so it cannot let
    go by a loss. It holds because each comparison has it (a missing or malformed value makes it
    unknown, a test for nullness included) and because AND, OR and NOT keep it.
    """
    poorer = data.draw(degraded(whole))
    compiled = compiler(some)

    before = answer(value_of, compiled, whole, Purpose.STRICT)
    after = answer(value_of, compiled, poorer, Purpose.STRICT)

    assert after is before or after is None


@settings(max_examples=200)
@given(some=rules(deletes=True), whole=documents(), happened=events(), data=st.data())
def test_what_is_missing_never_selects_for_delete(
    run: Run, some: Rule, whole: dict[str, Any], happened: list[dict[str, Any]], data: Any
) -> None:
    """What a rule with a DELETE hits after a loss, it hit before: nothing is added.

    That holds for all actions of such a rule (an ARCHIVE of a rule that deletes is judged as
    strictly) and for dates: with its anchor, a document loses its due date.
    """
    poorer = data.draw(degraded(whole))
    hits = compiler(some).hits(organization_id=1)

    before = {row["action_index"] for row in run(hits, whole, events=happened)}
    after = {row["action_index"] for row in run(hits, poorer, events=happened)}

    assert after <= before


@settings(max_examples=200)
@given(some=rules(retains=True), whole=documents(), happened=events(), data=st.data())
def test_what_is_missing_never_removes_or_shortens_protection(
    run: Run, some: Rule, whole: dict[str, Any], happened: list[dict[str, Any]], data: Any
) -> None:
    """Whoever protects a document before a loss protects it after it, at least as long."""
    poorer = data.draw(degraded(whole))
    statement = protections([compiler(some)])

    before = run(statement, whole, events=happened)
    after = run(statement, poorer, events=happened)

    if before:
        assert after
        assert after[0]["retain_until"] >= before[0]["retain_until"]


@settings(max_examples=150)
@given(some=rules(), whole=documents())
def test_select_differs_from_strict_only_where_nullness_is_asked(
    value_of: ValueOf, some: Rule, whole: dict[str, Any]
) -> None:
    asked = set() if some.when is None else {
        located.comparison.operator for located in comparisons(some.when)
    }  # fmt: skip
    compiled = compiler(some)

    select = answer(value_of, compiled, whole, Purpose.SELECT)
    strict = answer(value_of, compiled, whole, Purpose.STRICT)

    if strict is not None or not asked & {"is_null", "not_null"}:
        assert select is strict


@settings(max_examples=200)
@given(
    some=rules(), of=documents(), happened=events(), ahead=st.sampled_from([0, 1, 30, 400, None])
)
def test_hits_are_exactly_what_condition_and_due_date_say(
    run: Run,
    value_of: ValueOf,
    some: Rule,
    of: dict[str, Any],
    happened: list[dict[str, Any]],
    ahead: int | None,
) -> None:
    """The whole statement, narrowing included, against its own expressions one by one."""
    compiled = compiler(some)
    due_by = date.max if ahead is None else TODAY + timedelta(days=ahead)
    condition = answer(value_of, compiled, of, compiled.selection_purpose)
    due = [
        value_of(compiled.due_on(index), of, events=happened) for index in range(len(some.actions))
    ]
    may_act = [
        of["status"] == "active" or (of["status"] == "archived" and action.do != "ARCHIVE")
        for action in some.actions
    ]
    is_due = [day is not None and day <= due_by for day in due]
    expected = {
        index
        for index in range(len(some.actions))
        if condition is True and is_due[index] and may_act[index]
    }
    expected_unknown = {
        index
        for index in range(len(some.actions))
        if condition is not False
        and (condition is None or due[index] is None)
        and (is_due[index] or due[index] is None)
        and may_act[index]
    }

    rows = run(compiled.hits(organization_id=1, due_by=due_by), of, events=happened)
    shown = run(
        compiled.hits(organization_id=1, due_by=due_by, include_unknown=True), of, events=happened
    )

    assert {row["action_index"] for row in rows} == expected
    assert all(row["matched"] is True for row in rows)
    assert [row["due_on"] for row in sorted(rows, key=lambda row: row["action_index"])] == [
        due[index] for index in sorted(expected)
    ]
    assert {row["action_index"] for row in shown if row["matched"]} == expected
    assert {row["action_index"] for row in shown if row["matched"] is None} == expected_unknown
    if of["status"] in ("active", "archived"):
        today = compiled.hits(organization_id=1, include_unknown=True)
        unknown_today = [row for row in run(today, of, events=happened) if row["matched"] is None]
        cannot_say = value_of(compiled.cannot_say(), of, events=happened)
        assert cannot_say is bool(unknown_today)


@settings(max_examples=150)
@given(
    some=st.lists(rules(), max_size=4, unique_by=lambda rule: rule.name),
    of=documents(),
    happened=events(),
)
def test_the_longest_of_all_protections_is_found(
    run: Run,
    value_of: ValueOf,
    some: list[Rule],
    of: dict[str, Any],
    happened: list[dict[str, Any]],
) -> None:
    compilers = [
        compiler(rule, prefix=f"r{number}", version_id=number) for number, rule in enumerate(some)
    ]
    each = [
        (value_of(each.protection(), of, events=happened), each.rule.priority, each.rule.name)
        for each in compilers
    ]
    protecting = [
        (-until.toordinal(), priority, name, number)
        for number, (until, priority, name) in enumerate(each)
        if until is not None
    ]

    rows = run(protections(compilers), of, events=happened)

    assert [row["rule_version_id"] for row in rows] == [
        number for *_, number in sorted(protecting)[:1]
    ]


@settings(max_examples=150)
@given(some=rules(deletes=True, retains=True), of=documents(), happened=events())
def test_a_rule_never_deletes_what_it_protects_itself(
    run: Run, some: Rule, of: dict[str, Any], happened: list[dict[str, Any]]
) -> None:
    """Unless its DELETE has a period of its own: there the planner's protections decide."""
    compiled = compiler(some)
    hits = run(compiled.hits(organization_id=1), of, events=happened)
    protected = run(protections([compiled]), of, events=happened)

    own_period = some.actions[-1].after
    if own_period is None and any(row["action"] == "DELETE" for row in hits):
        assert not protected or protected[0]["retain_until"] < TODAY
