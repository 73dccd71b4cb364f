"""What all rules together say of one document is what each of them says when it is asked alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doclife.domain.compiler import Compiler
from doclife.domain.condition import Located, comparisons
from doclife.domain.condition_sql import compile_condition
from doclife.domain.explaining_sql import answers, clocks
from doclife.domain.fragment import Fragment
from doclife.domain.rule import Rule
from tests.domain.conftest import Run, compiler, document, rule
from tests.domain.strategies import documents, events, rules

ValueOf = Callable[..., Any]
IS_INVOICE = {"field": "document_type", "op": "eq", "value": "invoice"}
DELETE = {"do": "DELETE"}
NOTIFY = {"do": "NOTIFY", "with": {"to": "x"}}


def numbered(some: list[Rule]) -> list[Compiler]:
    return [
        compiler(each, prefix=f"r{number}", version_id=number)
        for number, each in enumerate(some, start=1)
    ]


def test_explains_each_comparison_with_its_value_and_answer(run: Run) -> None:
    old = {"field": "created_on", "op": "older_than", "value": "1y"}
    pages = {"field": "metadata.pages", "op": "gt", "value": 5}
    tags = {"field": "tags", "op": "has_any", "value": ["b", "c"]}
    compilers = numbered(
        [
            rule(when={"any": [IS_INVOICE, {"not": old}, pages]}, actions=[NOTIFY]),
            rule(retain={"for": "1y", "after": "created_on"}),
            rule(when=tags, actions=[NOTIFY]),
        ]
    )

    rows = run(
        answers(compilers, document_id=2),
        document(1, document_type="invoice"),
        document(
            2,
            document_type="report",
            created_on="2020-01-01",
            metadata={"pages": "many"},
            tags=["a", "b"],
        ),
    )

    assert [tuple(row.values()) for row in rows] == [
        (1, 0, "report", False),
        (1, 1, "2020-01-01", True),
        (1, 2, None, None),
        (3, 0, "a, b", True),
    ]


def test_rules_without_a_condition_compare_nothing(run: Run) -> None:
    compilers = numbered([rule(retain={"for": "1y", "after": "created_on"})])

    assert run(answers(compilers, document_id=1), document()) == []


def test_says_how_the_clock_of_a_rule_runs_for_one_document(run: Run) -> None:
    compiled = compiler(
        rule(
            when=IS_INVOICE,
            retain={"for": "1y", "after": "created_on", "cutoff": "end_of_year"},
            actions=[{"do": "ARCHIVE", "after": "1mo"}, {"do": "DELETE"}],
        )
    )
    moved = {"created_on": [{"on": "2021-05-05", "at": "2999-01-01"}]}

    (row,) = run(
        clocks([compiled], document_id=1),
        document(document_type="invoice", created_on="2020-02-02", anchor_floors=moved),
    )

    assert row == {
        "rule_version_id": 10,
        "is_met": True,
        "anchor_read": date(2020, 2, 2),
        "anchor_on": date(2021, 5, 5),
        "cutoff_on": date(2021, 12, 31),
        "retain_until": date(2022, 12, 31),
        "protected_until": date(2022, 12, 31),
        "due_on": [date(2022, 2, 1), date(2023, 1, 1)],
    }


def test_a_value_that_is_missing_is_unknown_to_a_rule_that_deletes(run: Run) -> None:
    has_owner = {"field": "owner", "op": "not_null"}
    compilers = numbered([rule(when=has_owner, actions=[each]) for each in (NOTIFY, DELETE)])

    running = run(clocks(compilers, document_id=1), document())
    met = run(answers(compilers, document_id=1), document())

    assert [row["is_met"] for row in running] == [False, None]
    assert [row["is_met"] for row in met] == [False, None]


def test_no_rule_has_no_clock() -> None:
    with pytest.raises(ValueError, match="no rule"):
        clocks([], document_id=1)


@settings(max_examples=80)
@given(some=st.lists(rules(), min_size=1, max_size=4), of=documents(), happened=events())
def test_many_rules_say_together_what_each_says_alone(
    run: Run,
    value_of: ValueOf,
    some: list[Rule],
    of: dict[str, Any],
    happened: list[dict[str, Any]],
) -> None:
    """The two statements of an explanation, against the expressions that plans are made of."""
    compilers = numbered(some)

    running = run(clocks(compilers, document_id=of["id"]), of, events=happened)
    met = run(answers(compilers, document_id=of["id"]), of, events=happened)

    for compiled, row in zip(compilers, running, strict=True):
        alone = {
            "is_met": compiled.condition(compiled.selection_purpose),
            "anchor_on": compiled.anchor(),
            "retain_until": compiled.retain_until(),
            "protected_until": compiled.protection(),
        }
        assert row["rule_version_id"] == compiled.rule_version.version_id
        for column, expression in alone.items():
            assert row[column] == value_of(expression, of, events=happened), column
        assert row["due_on"] == [
            value_of(compiled.due_on(index), of, events=happened)
            for index in range(len(compiled.rule.actions))
        ]
    assert [(row["rule_version_id"], row["position"], row["is_met"]) for row in met] == [
        (compiled.rule_version.version_id, position, value_of(alone_of(compiled, located), of))
        for compiled in compilers
        if compiled.rule.when is not None
        for position, located in enumerate(comparisons(compiled.rule.when))
    ]


def alone_of(compiled: Compiler, located: Located) -> Fragment:
    return compile_condition(
        located.comparison,
        purpose=compiled.selection_purpose,
        metadata_types=compiled.metadata_types,
        time_zone=compiled.time_zone,
        as_of=compiled.as_of,
        prefix=compiled.prefix,
    )
