"""Reads a condition from the plain data of a rule file and finds every fault in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from doclife.domain.condition import AllOf, AnyOf, Comparison, Condition, Not, Value, to_plain
from doclife.domain.duration import Period
from doclife.domain.faults import Fault, Path, did_you_mean, shown
from doclife.domain.fields import (
    FIELDS,
    LIST_OPERATORS,
    METADATA_PREFIX,
    NULLNESS,
    OPERATORS,
    PERIOD_OPERATORS,
    RULE_STATUSES,
    FieldType,
    MetadataType,
    Operator,
    field_names,
    field_type,
    is_metadata_name,
    metadata_name,
)
from doclife.domain.text import text_fault

MAX_DEPTH = 8
MAX_NODES = 200
MAX_LIST = 1000
_MAX_INT = 2**63 - 1

_Part = TypeVar("_Part")
_STAND_IN = Comparison(field="external_id", operator=Operator.EQ, value="")


@dataclass(kw_only=True)
class _Reader:
    """Reads a condition and collects every fault instead of stopping at the first."""

    metadata_types: Mapping[str, MetadataType] | None
    faults: list[Fault] = field(default_factory=list)
    nodes: int = 0

    def read(self, raw: object, path: Path, depth: int) -> Condition:
        return self.node(raw, path, depth) or _STAND_IN

    def node(self, raw: object, path: Path, depth: int) -> Condition | None:
        self.nodes += 1
        if self.nodes == MAX_NODES + 1:
            self.refuse(path, f"a condition has at most {MAX_NODES} parts; split the rule")
        if self.nodes > MAX_NODES:
            return None
        if depth > MAX_DEPTH:
            return self.refuse(path, f"a condition is nested at most {MAX_DEPTH} deep")
        if not isinstance(raw, dict):
            return self.refuse(
                path,
                f"{shown(raw)} is not a condition; write {{field: ..., op: ..., value: ...}}, "
                "or all, any or not with conditions in it",
            )
        groups = [key for key in ("all", "any", "not") if key in raw]
        if not groups:
            return self.comparison(raw, path)
        key = groups[0]
        for other in raw:
            if other != key:
                self.refuse((*path, other), f"{shown(other)} cannot stand beside {key!r}")
        if key == "not":
            return Not(part=self.read(raw["not"], (*path, "not"), depth + 1))
        parts = self.group(raw[key], (*path, key), depth)
        if parts is None:
            return None
        return AllOf(parts=parts) if key == "all" else AnyOf(parts=parts)

    def group(self, raw: object, path: Path, depth: int) -> tuple[Condition, ...] | None:
        if not isinstance(raw, list) or not raw:
            return self.refuse(path, "needs a list of at least one condition")
        return tuple(
            self.read(part, (*path, position), depth + 1) for position, part in enumerate(raw)
        )

    def comparison(self, raw: dict[Any, Any], path: Path) -> Comparison | None:
        before = len(self.faults)
        for key in raw:
            if key not in ("field", "op", "value"):
                hint = did_you_mean(key, ("field", "op", "value", "all", "any", "not"))
                self.refuse((*path, key), f"unknown key {shown(key)} in a comparison.{hint}")
        for key in ("field", "op"):
            if key not in raw:
                self.refuse(path, f"a comparison needs {key!r}")
        kind = self.kind((*path, "field"), raw["field"]) if "field" in raw else None
        operator = self.operator((*path, "op"), raw["op"], kind) if "op" in raw else None
        value: Value = None
        if operator is not None:
            value = self.value(raw, operator, kind, path)
        if len(self.faults) > before or operator is None:
            return None
        name = str(raw["field"])
        if name == "status":
            self.status(value, (*path, "value"))
        return Comparison(field=name, operator=operator, value=value)

    def kind(self, path: Path, name: object) -> FieldType | None:
        """The type of the field, or None when it is unknown (a fault) or not declared yet."""
        if isinstance(name, str):
            found = field_type(name, self.metadata_types or {})
            if found is not None:
                return found
            key = metadata_name(name)
            if key is not None and is_metadata_name(key) and self.metadata_types is None:
                return None  # judged again when the declarations are known
            if key is not None:
                return self.undeclared(path, name, key)
        declared = field_names(self.metadata_types or {})
        return self.refuse(
            path,
            f"unknown field {shown(name)}.{did_you_mean(name, declared)} "
            f"Fields: {', '.join(FIELDS)}, and declared metadata.<name>",
        )

    def undeclared(self, path: Path, name: str, key: str) -> FieldType | None:
        if not is_metadata_name(key):
            return self.refuse(
                path, f"{shown(name)}: a metadata name is a letter, then letters, digits and _"
            )
        known = sorted(self.metadata_types or {})
        hint = did_you_mean(name, (f"{METADATA_PREFIX}{other}" for other in known))
        return self.refuse(
            path,
            f"metadata field {shown(key)} is not declared.{hint} Declare it under "
            f"metadata_fields as text, int or date. Declared: {', '.join(known) or 'none'}",
        )

    def operator(self, path: Path, word: object, kind: FieldType | None) -> Operator | None:
        allowed = OPERATORS[kind] if kind is not None else tuple(Operator)
        try:
            operator = Operator(word)  # type: ignore[arg-type]  # any other type raises too
        except ValueError:
            hint = did_you_mean(word, allowed)
            return self.refuse(
                path, f"unknown operator {shown(word)}.{hint} Operators: {', '.join(allowed)}"
            )
        if operator not in allowed:
            return self.refuse(
                path,
                f"operator {operator.value!r} is not for a field of type {kind}."
                f"{did_you_mean(word, allowed)} Its operators: {', '.join(allowed)}",
            )
        return operator

    def value(
        self, raw: dict[Any, Any], operator: Operator, kind: FieldType | None, at: Path
    ) -> Value:
        path = (*at, "value")
        value = raw.get("value")
        if operator in NULLNESS:
            if value is not None:
                self.refuse(path, f"{operator.value} takes no value")
            return None
        if value is None:
            return self.refuse(at, f"{operator.value} needs a value")
        if operator in LIST_OPERATORS:
            return self.many(value, kind, path)
        if operator in PERIOD_OPERATORS:
            return self.period(value, path)
        if operator in OPERATORS[FieldType.DATE]:
            return self.day(value, path)
        if value == "" and operator in (Operator.CONTAINS, Operator.STARTS_WITH):
            return self.refuse(path, f"{operator.value} nothing would be true of every text")
        return self.one(value, kind, path)

    def many(
        self, value: object, kind: FieldType | None, path: Path
    ) -> tuple[str, ...] | tuple[int, ...] | None:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_LIST:
            return self.refuse(path, f"needs a list of 1 to {MAX_LIST} values")
        items = [self.one(item, kind, (*path, position)) for position, item in enumerate(value)]
        if all(isinstance(item, str) for item in items):
            return tuple(item for item in items if isinstance(item, str))
        if all(isinstance(item, int) for item in items):
            return tuple(item for item in items if isinstance(item, int))
        if None not in items:
            self.refuse(path, "mixes text and numbers; put the numbers in quotes")
        return None

    def period(self, value: object, path: Path) -> Period | None:
        try:
            if isinstance(value, str):
                return Period.parse(value)
            raise ValueError(f"{shown(value)} is not a period; write for example 90d or 7y")
        except ValueError as error:
            return self.refuse(path, str(error))

    def day(self, value: object, path: Path) -> date | None:
        if type(value) is date:
            return value
        try:
            if not isinstance(value, str) or len(value) != len("2026-01-31"):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            return self.refuse(path, f"{shown(value)} is not a date; write YYYY-MM-DD")

    def one(self, value: object, kind: FieldType | None, path: Path) -> str | int | None:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if kind is FieldType.INT and not is_number:
            return self.refuse(path, f"{shown(value)} is not a whole number")
        if isinstance(value, int) and is_number:
            if kind not in (FieldType.INT, None):
                return self.refuse(
                    path, f'{value} is a number and the field is text; write "{value}" in quotes'
                )
            if abs(value) > _MAX_INT:
                return self.refuse(path, f"{shown(value)} is too large")
            return value
        if not isinstance(value, str):
            return self.refuse(path, f"{shown(value)} is not text; put it in quotes")
        fault = text_fault(value)
        return value if fault is None else self.refuse(path, fault)

    def status(self, value: Value, path: Path) -> None:
        for word in value if isinstance(value, tuple) else (value,):
            if isinstance(word, str) and word not in RULE_STATUSES:
                self.refuse(
                    path,
                    f"status {shown(word)}: rules look only at documents that are "
                    f"{' or '.join(RULE_STATUSES)}.{did_you_mean(word, RULE_STATUSES)}",
                )

    def refuse(self, path: Path, message: str) -> _Part | None:
        """Note a fault. Always None: what a reader of a faulty part returns, whatever its type."""
        self.faults.append(Fault(path=path, message=message))
        return None


def read_condition(
    raw: object, *, metadata_types: Mapping[str, MetadataType] | None, path: Path = ()
) -> tuple[Condition | None, list[Fault]]:
    """Read a condition from plain data.

    :param metadata_types: the declared metadata; None when they are not known here: then the
        names and types of metadata are taken on trust, and the compiler judges them.
    :returns: the condition, None when it has faults, and every fault.
    """
    condition, faults = read_what_can_be_read(raw, metadata_types=metadata_types, path=path)
    return (None if faults else condition), faults


def read_what_can_be_read(
    raw: object, *, metadata_types: Mapping[str, MetadataType] | None, path: Path = ()
) -> tuple[Condition, list[Fault]]:
    """The same, with a stand-in for every faulty part: for judging the others, never for use."""
    reader = _Reader(metadata_types=metadata_types)
    condition = reader.read(raw, path, depth=1)
    return condition, reader.faults


def _validated(value: object) -> Condition:
    if isinstance(value, Comparison | AllOf | AnyOf | Not):
        return value
    condition, faults = read_condition(value, metadata_types=None)
    if condition is None:
        raise ValueError("; ".join(str(fault) for fault in faults))
    return condition


ConditionField = Annotated[
    Condition,
    PlainValidator(_validated),
    PlainSerializer(to_plain),
    WithJsonSchema({"type": "object"}),
]
"""A condition as a part of a pydantic model; rule_schema.py says it in full to editors."""
