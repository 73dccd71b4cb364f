"""A condition as SQL over alias ``d`` of ``documents``.

The text holds our own words and placeholders only. Every value, the names of metadata keys
included, is a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from doclife.domain.condition import AllOf, AnyOf, Comparison, Condition, Not
from doclife.domain.duration import Period
from doclife.domain.fields import (
    FIELDS,
    LIST_OPERATORS,
    FieldType,
    MetadataType,
    Operator,
    field_type,
    metadata_name,
)
from doclife.domain.fragment import Fragment
from doclife.errors import ConfigurationError

SUBTRACTION_SLACK = timedelta(days=4)
"""A start that comes due by an end is at most 3 days later than end - period (clamped months)."""


class Purpose(StrEnum):
    """What the answer of a condition is used for.

    In SELECT a missing value is a fact: ``is_null`` is true. In STRICT it is a gap in what is
    known, so a test for it is unknown too. No answer in STRICT then depends on a value being
    absent: taking a value away turns true or false into unknown and never into the other.
    That is why STRICT judges everything that destroys or protects.
    """

    SELECT = "select"
    STRICT = "strict"


_COMPARED = {
    Operator.EQ: "=",
    Operator.NE: "<>",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.BEFORE: "<",
    Operator.ON_OR_BEFORE: "<=",
    Operator.AFTER: ">",
    Operator.ON_OR_AFTER: ">=",
}
_CASTS = {
    FieldType.TEXT: "::text",
    FieldType.INT: "::bigint",
    FieldType.DATE: "::date",
    FieldType.TEXT_LIST: "::text",
}
_METADATA_FUNCTIONS = {
    MetadataType.TEXT: "metadata_text",
    MetadataType.INT: "metadata_int",
    MetadataType.DATE: "metadata_date",
}


@dataclass(kw_only=True)
class SqlWriter:
    """Collects the parameters of one piece of SQL while its text is written.

    :param prefix: begins every parameter's name; one per compiled rule in a statement.
    """

    metadata_types: Mapping[str, MetadataType]
    time_zone: str
    as_of: date
    prefix: str
    parameters: dict[str, object] = field(default_factory=dict)

    def bind(self, name: str, value: object) -> str:
        """A placeholder for ``value``. The same name is always bound to the same value."""
        full_name = f"{self.prefix}_{name}"
        if self.parameters.setdefault(full_name, value) != value:
            raise AssertionError(f"parameter {full_name} is bound twice")
        return f"%({full_name})s"

    def bound_as_of(self) -> str:
        """The day the rule is judged for, always a date: a timestamp would lose the index."""
        return f"{self.bind('as_of', self.as_of)}::date"

    def field_sql(self, name: str, key: str) -> str:
        """The value of a field.

        :param key: name of the parameter that carries a metadata key.
        """
        known = FIELDS.get(name)
        if known is not None:
            if "{time_zone}" not in known.sql:
                return known.sql
            return known.sql.format(time_zone=self.bind("time_zone", self.time_zone))
        metadata_key = metadata_name(name)
        if metadata_key is None or metadata_key not in self.metadata_types:
            raise ConfigurationError(f"field {name!r} is neither known nor declared")
        function = _METADATA_FUNCTIONS[self.metadata_types[metadata_key]]
        return f"{function}(d.metadata, {self.bind(key, metadata_key)}::text)"

    def fragment(self, text: str) -> Fragment:
        """The text with what was bound so far and stands in it."""
        used = {name: value for name, value in self.parameters.items() if f"%({name})s" in text}
        return Fragment(text=text, parameters=used)


@dataclass(kw_only=True)
class ConditionWriter:
    """Writes one condition; comparisons are numbered in the order they are written."""

    sql: SqlWriter
    purpose: Purpose
    position: int = -1

    def write(self, condition: Condition) -> str:
        """The condition as a boolean expression in parentheses: true, false or NULL."""
        match condition:
            case AllOf(parts=parts):
                return "(" + " AND ".join(self.write(part) for part in parts) + ")"
            case AnyOf(parts=parts):
                return "(" + " OR ".join(self.write(part) for part in parts) + ")"
            case Not(part=part):
                return f"(NOT {self.write(part)})"
            case Comparison():
                self.position += 1
                return self.comparison(condition)

    def comparison(self, comparison: Comparison) -> str:
        """One comparison: NULL when the field is missing or malformed."""
        value = self.field(comparison.field)
        operator = comparison.operator
        if operator in (Operator.IS_NULL, Operator.NOT_NULL):
            return self.nullness(comparison, value)
        if operator in _COMPARED:
            return f"({value} {_COMPARED[operator]} {self.operand(comparison)})"
        if operator in LIST_OPERATORS:
            return self.membership(comparison, value)
        if operator is Operator.CONTAINS:
            return f"(strpos(lower({value}), lower({self.operand(comparison)})) > 0)"
        if operator is Operator.STARTS_WITH:
            return f"starts_with({value}, {self.operand(comparison)})"
        return self.age(comparison, value)

    def nullness(self, comparison: Comparison, value: str) -> str:
        """Whether a value is missing; what that means depends on the purpose."""
        is_null = comparison.operator is Operator.IS_NULL
        when_present = "FALSE" if is_null else "TRUE"
        if self.purpose is Purpose.STRICT:
            return f"(CASE WHEN {value} IS NOT NULL THEN {when_present} END)"
        if metadata_name(comparison.field) is None:
            return f"({value} IS NULL)" if is_null else f"({value} IS NOT NULL)"
        # Absent (or JSON null) is a fact; present but of another type is neither.
        when_missing = "TRUE" if is_null else "FALSE"
        key = self.sql.bind(f"c{self.position}_key", metadata_name(comparison.field))
        return (
            f"(CASE WHEN (d.metadata ->> {key}::text) IS NULL THEN {when_missing} "
            f"WHEN {value} IS NOT NULL THEN {when_present} END)"
        )

    def membership(self, comparison: Comparison, value: str) -> str:
        """A value in a list, or a list that shares values with another."""
        operand = self.sql.bind(f"c{self.position}", _as_list(comparison))
        operand += f"{_CASTS[self.type(comparison.field)]}[]"
        match comparison.operator:
            case Operator.IN:
                return f"({value} = ANY({operand}))"
            case Operator.NOT_IN:
                return f"({value} <> ALL({operand}))"
            case Operator.HAS_ANY:
                return f"({value} && {operand})"
            case Operator.HAS_ALL:
                return f"({value} @> {operand})"
            case _:
                return f"(NOT {value} && {operand})"

    def age(self, comparison: Comparison, value: str) -> str:
        """The period is added to the field, never taken from today; the other test only narrows.

        Both tests are unknown together and the second follows from the first, so that the pair
        means exactly what the first means, under ``not`` as well.
        """
        period = comparison.value
        assert isinstance(period, Period)
        interval = f"{self.sql.bind(f'c{self.position}', period.to_interval())}::interval"
        as_of = self.sql.bound_as_of()
        if comparison.operator is Operator.WITHIN_NEXT:
            return f"({value} > {as_of} AND {value} <= ({as_of} + {interval})::date)"
        is_older = comparison.operator is Operator.OLDER_THAN
        exact = f"({value} + {interval})::date {'<' if is_older else '>='} {as_of}"
        limit = latest_start if is_older else earliest_start
        bound = limit(period, self.sql.as_of)
        if bound is None:
            return f"({exact})"
        narrowed = f"{self.sql.bind(f'c{self.position}_bound', bound)}::date"
        return f"({value} {'<=' if is_older else '>='} {narrowed} AND {exact})"

    def field(self, name: str) -> str:
        """The value of the field of the comparison that is written now."""
        return self.sql.field_sql(name, f"c{self.position}_key")

    def operand(self, comparison: Comparison) -> str:
        """What the field is compared with, as a parameter of the field's type."""
        placeholder = self.sql.bind(f"c{self.position}", comparison.value)
        return f"{placeholder}{_CASTS[self.type(comparison.field)]}"

    def type(self, name: str) -> FieldType:
        """The type of a field that is known here."""
        kind = field_type(name, self.sql.metadata_types)
        if kind is None:
            raise ConfigurationError(f"field {name!r} is neither known nor declared")
        return kind


def latest_start(period: Period, end: date) -> date | None:
    """No start after this day reaches ``end``; None when that is out of the calendar."""
    try:
        return period.subtract_from(end) + SUBTRACTION_SLACK
    except OverflowError:
        return None


def earliest_start(period: Period, end: date) -> date | None:
    """Every start before this day ends before ``end``; None when out of the calendar."""
    try:
        return period.subtract_from(end) - SUBTRACTION_SLACK
    except OverflowError:
        return None


def _as_list(comparison: Comparison) -> list[object]:
    assert isinstance(comparison.value, tuple)
    return list(comparison.value)


def compile_condition(
    condition: Condition,
    *,
    purpose: Purpose,
    metadata_types: Mapping[str, MetadataType],
    time_zone: str,
    as_of: date,
    prefix: str,
) -> Fragment:
    """A condition on its own, for example a selection's or a legal hold's.

    :raises ConfigurationError: it uses metadata that is not declared.
    """
    sql = SqlWriter(metadata_types=metadata_types, time_zone=time_zone, as_of=as_of, prefix=prefix)
    return sql.fragment(ConditionWriter(sql=sql, purpose=purpose).write(condition))
