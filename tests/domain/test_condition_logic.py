"""What is said to be proven of conditions is true of every document that PostgreSQL judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doclife.domain.compiler import Purpose
from doclife.domain.condition import Condition
from doclife.domain.condition_logic import implies, is_contradiction
from doclife.domain.condition_reader import read_condition
from tests.domain.conftest import METADATA, compiler, rule
from tests.domain.strategies import conditions, documents

ValueOf = Callable[..., Any]


def condition(raw: dict[str, Any]) -> Condition:
    read, faults = read_condition(raw, metadata_types=METADATA, path=())
    assert read is not None, faults
    return read


def all_of(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"all": list(parts)}


def tags(operator: str, *values: str) -> dict[str, Any]:
    return {"field": "tags", "op": operator, "value": list(values)}


def compare(field: str, op: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, **({"value": value[0]} if value else {})}


@pytest.mark.parametrize(
    "raw",
    [
        all_of(compare("document_type", "eq", "a"), compare("document_type", "eq", "b")),
        all_of(compare("document_type", "eq", "a"), compare("document_type", "ne", "a")),
        all_of(compare("document_type", "in", ["a"]), compare("document_type", "starts_with", "b")),
        all_of(compare("title", "starts_with", "ab"), compare("title", "starts_with", "b")),
        all_of(compare("title", "contains", "ABC"), {"not": compare("title", "contains", "b")}),
        all_of(compare("size_bytes", "gt", 5), compare("size_bytes", "lt", 6)),
        all_of(compare("expires_on", "after", "2026-01-31"), compare("expires_on", "on_or_before", "2026-01-31")),  # noqa: E501 (a table)
        all_of(compare("created_on", "older_than", "3y"), compare("created_on", "newer_than", "1y")),  # noqa: E501 (a table)
        all_of(compare("created_on", "older_than", "1d"), compare("created_on", "within_next", "9y")),  # noqa: E501 (a table)
        all_of(tags("has_all", "a", "b"), tags("has_none", "b")),
        all_of(tags("has_any", "a"), {"not": tags("has_any", "a", "b")}),
        all_of(tags("has_all", "a", "b"), {"not": tags("has_all", "a")}),
        all_of(compare("owner", "is_null"), compare("owner", "eq", "x")),
        all_of(compare("status", "ne", "active"), compare("status", "ne", "archived")),
        {"any": [
            all_of(tags("has_any", "a"), tags("has_none", "a")),
            all_of(compare("size_bytes", "lt", 0), compare("size_bytes", "gte", 0)),
        ]},
    ],
)  # fmt: skip
def test_proves_that_nothing_can_be_so(raw: dict[str, Any]) -> None:
    assert is_contradiction(condition(raw))


@pytest.mark.parametrize(
    "raw",
    [
        compare("document_type", "eq", "a"),
        all_of(tags("has_any", "a", "b"), tags("has_none", "a")),
        all_of(compare("created_on", "older_than", "1y"), compare("created_on", "newer_than", "3y")),  # noqa: E501 (a table)
        all_of(compare("created_on", "older_than", "30d"), compare("created_on", "newer_than", "1mo")),  # noqa: E501 (a table)
        all_of(compare("size_bytes", "gt", 5), compare("size_bytes", "lt", 7)),
        {"not": all_of(compare("size_bytes", "gt", 5), compare("size_bytes", "lt", 5))},
    ],
)  # fmt: skip
def test_does_not_call_impossible_what_may_be(raw: dict[str, Any]) -> None:
    assert not is_contradiction(condition(raw))


@pytest.mark.parametrize(
    ("one", "other", "is_implied"),
    [
        (compare("document_type", "eq", "a"), compare("document_type", "in", ["a", "b"]), True),
        (compare("document_type", "in", ["a", "b"]), compare("document_type", "eq", "a"), False),
        (compare("created_on", "older_than", "3y"), compare("created_on", "older_than", "1y"), True),  # noqa: E501 (a table)
        (compare("created_on", "older_than", "1y"), compare("created_on", "older_than", "3y"), False),  # noqa: E501 (a table)
        (all_of(tags("has_any", "a"), compare("owner", "eq", "x")), tags("has_any", "a", "b"), True),  # noqa: E501 (a table)
        (tags("has_any", "a", "b"), tags("has_any", "a"), False),
        (tags("has_any", "a"), {"not": tags("has_none", "a")}, True),
        (compare("owner", "eq", "x"), compare("owner", "not_null"), True),
        (compare("owner", "not_null"), compare("owner", "eq", "x"), False),
        (tags("has_any", "a"), compare("document_type", "eq", "a"), False),
        (tags("has_any", "a"), {"any": [compare("owner", "eq", "x"), tags("has_any", "a")]}, True),
    ],
)  # fmt: skip
def test_proves_that_one_condition_covers_another(
    one: dict[str, Any], other: dict[str, Any], is_implied: bool
) -> None:
    assert implies(condition(one), condition(other)) is is_implied


def test_a_rule_for_every_document_covers_all_and_is_covered_by_none() -> None:
    some = condition(tags("has_any", "a"))

    assert implies(some, None)
    assert implies(None, None)
    assert not implies(None, some)


def test_nothing_is_proven_of_what_is_too_large() -> None:
    parts = [{"any": [compare("size_bytes", "eq", n), tags("has_any", f"{n}")]} for n in range(9)]
    large = condition(all_of(*parts, tags("has_any", "a"), tags("has_none", "a")))

    assert not is_contradiction(large)
    assert not implies(large, large)


@settings(max_examples=400)
@given(data=st.data(), of=documents())
def test_no_document_is_as_a_contradiction_says(
    value_of: ValueOf, data: Any, of: dict[str, Any]
) -> None:
    parts = data.draw(st.lists(conditions(), min_size=1, max_size=3))
    denied = data.draw(st.sampled_from(parts) | conditions())
    some = compiler(rule(when={"all": [*parts, {"not": denied}]}, actions=[{"do": "ARCHIVE"}]))

    if is_contradiction(some.rule.when):
        assert value_of(some.condition(Purpose.SELECT), of) is not True


@settings(max_examples=300)
@given(data=st.data(), of=documents(), or_unknown=st.booleans())
def test_a_covered_document_is_covered(
    value_of: ValueOf, data: Any, of: dict[str, Any], or_unknown: bool
) -> None:
    parts = data.draw(st.lists(conditions(), min_size=1, max_size=3))
    one = compiler(rule(when={"all": parts}, actions=[{"do": "ARCHIVE"}]), prefix="one")
    weaker = data.draw(st.sampled_from([parts[0], {"any": parts}, *parts]))
    other = compiler(rule(when=weaker, actions=[{"do": "ARCHIVE"}]), prefix="other")
    if not implies(one.rule.when, other.rule.when, or_unknown=or_unknown):
        return
    for purpose in (Purpose.SELECT, Purpose.STRICT):
        if value_of(one.condition(purpose), of) is True:
            found = value_of(other.condition(purpose), of)
            assert found is True or (or_unknown and found is None)
