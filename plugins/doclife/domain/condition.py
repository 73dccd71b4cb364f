"""The condition of a rule: a tree of ``all``, ``any`` and ``not`` over comparisons of fields.

A condition says true, false or *unknown*: a comparison with a value that is missing or malformed
is unknown, and unknown travels through the tree as in SQL (``not unknown`` is unknown).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from doclife.domain.duration import Period
from doclife.domain.faults import Path
from doclife.domain.fields import NULLNESS, Operator

Value = str | int | date | Period | tuple[str, ...] | tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A field compared with a value: a date, a period, a list or a plain value by operator."""

    field: str
    operator: Operator
    value: Value = None


@dataclass(frozen=True, kw_only=True)
class AllOf:
    """True when every part is true; false when any part is false; else unknown."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """True when any part is true; false when every part is false; else unknown."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True)
class Not:
    """True when the part is false, false when it is true; unknown stays unknown."""

    part: Condition


Condition = Comparison | AllOf | AnyOf | Not


@dataclass(frozen=True, kw_only=True)
class Located:
    """A comparison with its place in the rule and whether an odd number of ``not`` is around it."""

    path: Path
    comparison: Comparison
    is_negated: bool


def comparisons(
    condition: Condition, *, path: Path = (), is_negated: bool = False
) -> Iterator[Located]:
    """Every comparison of a condition, in the order they are written."""
    match condition:
        case Comparison():
            yield Located(path=path, comparison=condition, is_negated=is_negated)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            key = "all" if isinstance(condition, AllOf) else "any"
            for position, part in enumerate(parts):
                yield from comparisons(part, path=(*path, key, position), is_negated=is_negated)
        case Not(part=part):
            yield from comparisons(part, path=(*path, "not"), is_negated=not is_negated)


def to_plain(condition: Condition) -> dict[str, Any]:
    """The condition as a rule file writes it, in JSON's types."""
    match condition:
        case AllOf(parts=parts):
            return {"all": [to_plain(part) for part in parts]}
        case AnyOf(parts=parts):
            return {"any": [to_plain(part) for part in parts]}
        case Not(part=part):
            return {"not": to_plain(part)}
        case Comparison(field=name, operator=operator, value=value):
            plain: dict[str, Any] = {"field": name, "op": operator.value}
            if operator not in NULLNESS:
                plain["value"] = _plain_value(value)
            return plain


def _plain_value(value: Value) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Period | date):
        return str(value)
    return value
