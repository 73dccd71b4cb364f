"""What can be proven of conditions without looking at a document.

Only ever proves: False means "not proven", not "refuted". A condition is taken apart into the ways
in which it can be true; each way is a set of comparisons that hold together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import product
from typing import Any

from doclife.domain.condition import AllOf, AnyOf, Comparison, Condition, Not
from doclife.domain.duration import Period
from doclife.domain.fields import RULE_STATUSES, Operator

MAX_WAYS = 256
"""A condition with more ways to be true is not judged: nothing is proven of it."""


@dataclass(frozen=True, kw_only=True)
class Literal:
    """A comparison that is known to be true, or with ``is_negated`` to be false."""

    comparison: Comparison
    is_negated: bool = False

    @property
    def field(self) -> str:
        """The field that is compared."""
        return self.comparison.field

    def turned(self) -> Literal:
        """The same comparison with the other answer."""
        return replace(self, is_negated=not self.is_negated)


Way = tuple[Literal, ...]


class TooManyWaysError(Exception):
    """The condition is too large to be taken apart."""


def ways(condition: Condition | None, *, is_negated: bool = False) -> list[Way]:
    """Every way in which a condition can be true; ``[()]`` for none: it always is.

    :raises TooManyWaysError: there are more than 256.
    """
    match condition:
        case None:
            return [()]
        case Comparison():
            return [(Literal(comparison=condition, is_negated=is_negated),)]
        case Not(part=part):
            return ways(part, is_negated=not is_negated)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            each = [ways(part, is_negated=is_negated) for part in parts]
            if isinstance(condition, AllOf) is is_negated:
                found = [way for one in each for way in one]
            else:
                total = 1
                for one in each:
                    total *= len(one)
                if total > MAX_WAYS:
                    raise TooManyWaysError
                found = [tuple(lit for way in chosen for lit in way) for chosen in product(*each)]
            if len(found) > MAX_WAYS:
                raise TooManyWaysError
            return found


def is_contradiction(condition: Condition | None) -> bool:
    """Whether the condition is certainly true of no document."""
    try:
        return all(excludes_itself(way) for way in ways(condition))
    except TooManyWaysError:
        return False


def implies(one: Condition | None, other: Condition | None, *, or_unknown: bool = False) -> bool:
    """Whether ``other`` is certainly true of every document of which ``one`` is.

    :param or_unknown: it may also be unknown, as where a retention is judged.
    """
    if other is None:
        return True
    try:
        possible = _possible_ways(one)
    except TooManyWaysError:
        return False
    return bool(possible) and all(_holds(way, other, or_unknown=or_unknown) for way in possible)


# Every rule of a set is compared with every other.
@lru_cache(maxsize=2048)
def _possible_ways(condition: Condition | None) -> tuple[Way, ...]:
    return tuple(way for way in ways(condition) if not excludes_itself(way))


def _holds(way: Way, condition: Condition, *, or_unknown: bool, is_negated: bool = False) -> bool:
    match condition:
        case Not(part=part):
            return _holds(way, part, or_unknown=or_unknown, is_negated=not is_negated)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            quantifier = all if isinstance(condition, AllOf) is not is_negated else any
            return quantifier(
                _holds(way, part, or_unknown=or_unknown, is_negated=is_negated) for part in parts
            )
        case Comparison():
            literal = Literal(comparison=condition, is_negated=is_negated)
            related = tuple(one for one in way if one.field == literal.field)
            return (or_unknown or any(map(_says_known, related))) and excludes_itself(
                (*related, literal.turned())
            )


def _says_known(literal: Literal) -> bool:
    return _plain(literal)[0] is not Operator.IS_NULL


_OPPOSITES = {
    Operator.EQ: Operator.NE,
    Operator.IN: Operator.NOT_IN,
    Operator.LT: Operator.GTE,
    Operator.LTE: Operator.GT,
    Operator.BEFORE: Operator.ON_OR_AFTER,
    Operator.ON_OR_BEFORE: Operator.AFTER,
    Operator.OLDER_THAN: Operator.NEWER_THAN,
    Operator.HAS_ANY: Operator.HAS_NONE,
    Operator.IS_NULL: Operator.NOT_NULL,
}
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items()}


def _plain(literal: Literal) -> tuple[Operator | None, Operator]:
    """The operator that says the same without ``not``, if there is one, and the written one."""
    operator = literal.comparison.operator
    if not literal.is_negated:
        return operator, operator
    return _OPPOSITES.get(operator), operator


def excludes_itself(way: Way) -> bool:
    """Whether the comparisons of a way can certainly not hold together."""
    by_field: dict[str, list[Literal]] = {}
    for literal in way:
        by_field.setdefault(literal.field, []).append(literal)
    return any(_Bounds(name=name).excluded_by(group) for name, group in by_field.items())


@dataclass(kw_only=True)
class _Bounds:
    """What a group of comparisons leaves of one field."""

    name: str
    is_null: bool = False
    is_known: bool = False
    allowed: set[Any] | None = None
    refused: set[Any] = field(default_factory=set)
    low: Any = None
    high: Any = None
    beginnings: list[str] = field(default_factory=list)
    not_beginnings: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    not_pieces: list[str] = field(default_factory=list)
    older: list[Period] = field(default_factory=list)
    newer: list[Period] = field(default_factory=list)
    ahead: list[Period] = field(default_factory=list)
    not_ahead: list[Period] = field(default_factory=list)
    some_of: list[frozenset[str]] = field(default_factory=list)
    all_of: set[str] = field(default_factory=set)
    none_of: set[str] = field(default_factory=set)
    not_all_of: list[frozenset[str]] = field(default_factory=list)

    def excluded_by(self, literals: Sequence[Literal]) -> bool:
        """Whether no value is left; also not a missing one."""
        if self.name == "status":
            self.allowed = set(RULE_STATUSES)
        for literal in literals:
            self.narrow(literal)
        return (self.is_null and self.is_known) or any(self.faults())

    def narrow(self, literal: Literal) -> None:
        """Take in one comparison."""
        operator, written = _plain(literal)
        value: Any = literal.comparison.value
        if operator is Operator.IS_NULL:
            self.is_null = True
            return
        self.is_known = True
        match operator or written:
            case Operator.EQ:
                self.allow({value})
            case Operator.IN:
                self.allow(set(value))
            case Operator.NE:
                self.refused.add(value)
            case Operator.NOT_IN:
                self.refused |= set(value)
            case Operator.LT | Operator.BEFORE:
                self.at_most(_next(value, -1))
            case Operator.LTE | Operator.ON_OR_BEFORE:
                self.at_most(value)
            case Operator.GT | Operator.AFTER:
                self.at_least(_next(value, 1))
            case Operator.GTE | Operator.ON_OR_AFTER:
                self.at_least(value)
            case Operator.STARTS_WITH:
                (self.beginnings if operator else self.not_beginnings).append(value)
            case Operator.CONTAINS:
                (self.pieces if operator else self.not_pieces).append(value.lower())
            case Operator.OLDER_THAN:
                self.older.append(value)
            case Operator.NEWER_THAN:
                self.newer.append(value)
            case Operator.WITHIN_NEXT:
                (self.ahead if operator else self.not_ahead).append(value)
            case Operator.HAS_ANY:
                self.some_of.append(frozenset(value))
            case Operator.HAS_NONE:
                self.none_of |= set(value)
            case Operator.HAS_ALL if operator:
                self.all_of |= set(value)
            case Operator.HAS_ALL:
                self.not_all_of.append(frozenset(value))
            case _:
                pass  # not_null says what is_known says

    def allow(self, values: set[Any]) -> None:
        """Leave only these."""
        self.allowed = values if self.allowed is None else self.allowed & values

    def at_most(self, value: Any) -> None:
        """Leave nothing above."""
        self.high = value if self.high is None else min(self.high, value)

    def at_least(self, value: Any) -> None:
        """Leave nothing below."""
        self.low = value if self.low is None else max(self.low, value)

    def faults(self) -> Iterator[bool]:
        """Every reason for which nothing would be left."""
        yield self.low is not None and self.high is not None and self.low > self.high
        if self.allowed is not None:
            yield not any(self.fits(value) for value in self.allowed)
        yield any(
            not one.startswith(other) and not other.startswith(one)
            for one in self.beginnings
            for other in self.beginnings
        )
        yield any(one.startswith(no) for one in self.beginnings for no in self.not_beginnings)
        certain = [*self.pieces, *(one.lower() for one in self.beginnings)]
        yield any(no in one for one in certain for no in self.not_pieces)
        # value + older < today <= value + newer, so newer must be the longer one.
        yield any(_ends_by(new, old) for old in self.older for new in self.newer)
        yield bool(self.older and self.ahead)
        yield any(_ends_by(one, no) for one in self.ahead for no in self.not_ahead)
        yield bool(self.all_of & self.none_of)
        yield any(one <= self.none_of for one in self.some_of)
        yield any(one <= self.all_of for one in self.not_all_of)

    def fits(self, value: Any) -> bool:
        """Whether one of the allowed values is left by the others."""
        if value in self.refused:
            return False
        if isinstance(value, str):
            return (
                all(value.startswith(one) for one in self.beginnings)
                and not any(value.startswith(no) for no in self.not_beginnings)
                and all(one in value.lower() for one in self.pieces)
                and not any(no in value.lower() for no in self.not_pieces)
            )
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def _next(value: Any, step: int) -> Any:
    if not isinstance(value, date):
        return value + step
    edge = date.max if step > 0 else date.min
    return value if value == edge else value + timedelta(days=step)


def _ends_by(one: Period, other: Period) -> bool:
    """Whether ``one`` ends no later than ``other`` wherever both begin."""
    return one == other or one.is_certainly_shorter_than(other)
