from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from doclife.domain.compiler import Purpose
from doclife.domain.condition_reader import read_condition
from doclife.domain.condition_sql import compile_condition
from doclife.domain.duration import Period
from doclife.domain.fields import FIELDS, OPERATORS, FieldType, Operator
from doclife.domain.fragment import Fragment
from tests.domain.conftest import METADATA, TODAY, document

ValueOf = Callable[..., Any]


def compiled(
    raw: dict[str, Any],
    *,
    purpose: Purpose = Purpose.SELECT,
    as_of: date = TODAY,
    time_zone: str = "Europe/Berlin",
) -> Fragment:
    condition, faults = read_condition(raw, metadata_types=METADATA)
    assert faults == []
    assert condition is not None
    return compile_condition(
        condition,
        purpose=purpose,
        metadata_types=METADATA,
        time_zone=time_zone,
        as_of=as_of,
        prefix="rule",
    )


def comparison(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    raw = {"field": field, "op": operator}
    return raw if value is None else {**raw, "value": value}


TEXT = [
    ("eq", "invoice", "invoice", True),
    ("eq", "invoice", "Invoice", False),
    ("ne", "invoice", "contract", True),
    ("ne", "invoice", "invoice", False),
    ("in", ["invoice", "contract"], "contract", True),
    ("in", ["invoice"], "contract", False),
    ("not_in", ["invoice", "contract"], "report", True),
    ("not_in", ["invoice"], "invoice", False),
    ("contains", "VOI", "invoice", True),
    ("contains", "%", "invoice", False),
    ("contains", "_", "in_voice", True),
    ("starts_with", "inv", "invoice", True),
    ("starts_with", "Inv", "invoice", False),
    ("starts_with", "%", "invoice", False),
]
INT = [
    ("eq", 5, 5, True),
    ("eq", 5, 6, False),
    ("ne", 5, 6, True),
    ("in", [1, 5], 5, True),
    ("in", [1], 5, False),
    ("not_in", [1], 5, True),
    ("not_in", [5], 5, False),
    ("lt", 5, 4, True),
    ("lt", 5, 5, False),
    ("lte", 5, 5, True),
    ("lte", 5, 6, False),
    ("gt", 5, 6, True),
    ("gt", 5, 5, False),
    ("gte", 5, 5, True),
    ("gte", 5, 4, False),
    ("lt", 2**63 - 1, -(2**62), True),
]
DATE = [
    ("before", "2026-11-22", "2026-11-21", True),
    ("before", "2026-11-22", "2026-11-22", False),
    ("on_or_before", "2026-11-22", "2026-11-22", True),
    ("on_or_before", "2026-11-22", "2026-11-23", False),
    ("after", "2026-11-22", "2026-11-23", True),
    ("after", "2026-11-22", "2026-11-22", False),
    ("on_or_after", "2026-11-22", "2026-11-22", True),
    ("on_or_after", "2026-11-22", "2026-11-21", False),
    # One day is over the day after it: the 21st + 1d is the 22nd, which is today.
    ("older_than", "1d", "2026-11-20", True),
    ("older_than", "1d", "2026-11-21", False),
    ("newer_than", "1d", "2026-11-21", True),
    ("newer_than", "1d", "2026-11-20", False),
    ("older_than", "7y", "2019-11-21", True),
    ("older_than", "7y", "2019-11-22", False),
    ("within_next", "30d", "2026-11-23", True),
    ("within_next", "30d", "2026-12-22", True),
    ("within_next", "30d", "2026-12-23", False),
    ("within_next", "30d", "2026-11-22", False),
]
LIST = [
    ("has_any", ["a", "b"], ["b", "c"], True),
    ("has_any", ["a", "b"], ["c"], False),
    ("has_any", ["a"], [], False),
    ("has_all", ["a", "b"], ["a", "b", "c"], True),
    ("has_all", ["a", "b"], ["a"], False),
    ("has_none", ["a", "b"], ["c"], True),
    ("has_none", ["a"], [], True),
    ("has_none", ["a", "b"], ["b"], False),
]
BY_TYPE = {
    FieldType.TEXT: ("title", TEXT),
    FieldType.INT: ("size_bytes", INT),
    FieldType.DATE: ("expires_on", DATE),
    FieldType.TEXT_LIST: ("tags", LIST),
}
CASES = [(field, *case) for field, cases in BY_TYPE.values() for case in cases]


def test_every_operator_of_every_type_is_tried() -> None:
    for kind, (_, cases) in BY_TYPE.items():
        tried = {operator for operator, *_ in cases}
        assert tried | {Operator.IS_NULL, Operator.NOT_NULL} == set(OPERATORS[kind])


@pytest.mark.parametrize(("field", "operator", "value", "actual", "expected"), CASES)
def test_compares_a_field(
    value_of: ValueOf, field: str, operator: str, value: Any, actual: Any, expected: bool
) -> None:
    condition = compiled(comparison(field, operator, value))

    assert value_of(condition, document(**{field: actual})) is expected
    assert value_of(condition, document(**{field: None})) is None


@pytest.mark.parametrize(
    ("field", "operator", "value", "actual", "expected"),
    [
        (f"metadata.{name}", operator, value, actual, expected)
        for name, cases in (("country", TEXT), ("pages", INT[:-1]), ("contract_end", DATE))
        for operator, value, actual, expected in cases
    ],
)
@pytest.mark.parametrize("purpose", Purpose)
def test_compares_declared_metadata(
    value_of: ValueOf,
    field: str,
    operator: str,
    value: Any,
    actual: Any,
    expected: bool,
    purpose: Purpose,
) -> None:
    condition = compiled(comparison(field, operator, value), purpose=purpose)
    key = field.removeprefix("metadata.")

    assert value_of(condition, document(metadata={key: actual})) is expected
    for missing_or_malformed in ({}, {key: None}, {key: ["x"]}, {key: {"x": 1}}):
        assert value_of(condition, document(metadata=missing_or_malformed)) is None


@pytest.mark.parametrize(
    "malformed", ["2026-02-30", "2026-13-01", "22.11.2026", "0000-01-01", "infinity", "", 20261122]
)
def test_a_malformed_metadata_date_is_unknown_and_not_an_error(
    value_of: ValueOf, malformed: Any
) -> None:
    condition = compiled(comparison("metadata.contract_end", "before", "2100-01-01"))

    assert value_of(condition, document(metadata={"contract_end": malformed})) is None


@pytest.mark.parametrize("malformed", ["12x", "", 1.5, "9" * 30, True, " 1"])
def test_a_malformed_metadata_number_is_unknown_and_not_an_error(
    value_of: ValueOf, malformed: Any
) -> None:
    condition = compiled(comparison("metadata.pages", "gte", 0))

    assert value_of(condition, document(metadata={"pages": malformed})) is None


PRESENT, MISSING, MALFORMED = {"pages": 5}, {}, {"pages": "five"}


@pytest.mark.parametrize(
    ("purpose", "metadata", "is_null", "not_null"),
    [
        (Purpose.SELECT, PRESENT, False, True),
        (Purpose.SELECT, MISSING, True, False),
        (Purpose.SELECT, {"pages": None}, True, False),
        (Purpose.SELECT, MALFORMED, None, None),
        (Purpose.STRICT, PRESENT, False, True),
        (Purpose.STRICT, MISSING, None, None),
        (Purpose.STRICT, {"pages": None}, None, None),
        (Purpose.STRICT, MALFORMED, None, None),
    ],
)
def test_asks_whether_metadata_is_missing(
    value_of: ValueOf,
    purpose: Purpose,
    metadata: dict[str, Any],
    is_null: bool | None,
    not_null: bool | None,
) -> None:
    one = compiled(comparison("metadata.pages", "is_null"), purpose=purpose)
    other = compiled(comparison("metadata.pages", "not_null"), purpose=purpose)

    assert value_of(one, document(metadata=metadata)) is is_null
    assert value_of(other, document(metadata=metadata)) is not_null


@pytest.mark.parametrize("field", ["title", "size_bytes", "expires_on", "tags"])
def test_asks_whether_a_field_is_missing(value_of: ValueOf, field: str) -> None:
    present = {"title": "x", "size_bytes": 1, "expires_on": "2026-01-01", "tags": []}[field]
    for purpose, when_missing in ((Purpose.SELECT, True), (Purpose.STRICT, None)):
        is_null = compiled(comparison(field, "is_null"), purpose=purpose)
        not_null = compiled(comparison(field, "not_null"), purpose=purpose)

        assert value_of(is_null, document(**{field: None})) is when_missing
        assert value_of(is_null, document(**{field: present})) is False
        assert value_of(not_null, document(**{field: present})) is True
        opposite = None if when_missing is None else False
        assert value_of(not_null, document(**{field: None})) is opposite


def test_unknown_travels_through_the_tree(value_of: ValueOf) -> None:
    true, false = comparison("title", "eq", "x"), comparison("title", "eq", "y")
    unknown = comparison("owner", "eq", "x")
    expected = [
        ({"not": unknown}, None),
        ({"not": {"not": unknown}}, None),
        ({"all": [true, unknown]}, None),
        ({"all": [false, unknown]}, False),
        ({"any": [true, unknown]}, True),
        ({"any": [false, unknown]}, None),
        ({"not": {"any": [false, unknown]}}, None),
        ({"not": {"all": [false, unknown]}}, True),
    ]

    for raw, answer in expected:
        assert value_of(compiled(raw), document(title="x")) is answer


def test_untagged_differs_from_unknown_tags(value_of: ValueOf) -> None:
    no_keep = {"not": comparison("tags", "has_any", ["keep"])}

    assert value_of(compiled(no_keep), document(tags=[])) is True
    assert value_of(compiled(no_keep), document(tags=None)) is None


def test_registered_on_is_a_day_in_the_zone_of_the_organization(value_of: ValueOf) -> None:
    new_year = comparison("registered_on", "on_or_after", "2020-01-01")
    moment = document(registered_at="2019-12-31T23:30:00+00:00")

    assert value_of(compiled(new_year, time_zone="Europe/Berlin"), moment) is True
    assert value_of(compiled(new_year, time_zone="UTC"), moment) is False
    assert value_of(compiled(new_year, time_zone="America/Los_Angeles"), moment) is False


def test_the_trash_does_not_change_what_a_condition_on_the_status_says(value_of: ValueOf) -> None:
    active = compiled(comparison("status", "eq", "active"))

    assert value_of(active, document(status="deleted", status_before="active")) is True
    assert value_of(active, document(status="deleted", status_before="archived")) is False


@pytest.mark.parametrize("period", ["1mo", "1y", "6mo", "1mo30d", "3mo10d", "13mo", "0d", "45d"])
def test_ages_add_forward_on_every_day_around_ends_of_months(
    run: Callable[..., list[dict[str, Any]]], period: str
) -> None:
    wait = Period.parse(period)
    for as_of in (date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2024, 2, 29)):
        middle = wait.subtract_from(as_of)
        days = [middle + timedelta(days=n) for n in range(-45, 46)]
        documents = [document(n, created_on=str(day)) for n, day in enumerate(days)]
        for operator, is_older in (("older_than", True), ("newer_than", False)):
            condition = compiled(comparison("created_on", operator, period), as_of=as_of)
            text = f"SELECT d.id FROM documents AS d WHERE {condition.text}"
            fragment = Fragment(text=text, parameters=condition.parameters)

            found = {row["id"] for row in run(fragment, *documents)}

            expected = {n for n, day in enumerate(days) if (wait.add_to(day) < as_of) is is_older}
            assert found == expected


def test_every_field_of_the_list_exists_in_the_catalogue(value_of: ValueOf) -> None:
    for name in FIELDS:
        condition = compiled(comparison(name, "not_null"))

        assert value_of(condition, document()) in (True, False)
