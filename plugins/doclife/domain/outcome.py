"""What rules come to for one document on one day, compared with what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from doclife.domain.expectation import FOREVER, NEVER, NONE, Expectation


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a rule wants done, and since when."""

    rule: str
    action: str
    due_on: date | None

    def __str__(self) -> str:
        """``DELETE by rule temp-purge, due 2026-11-22``."""
        return f"{self.action} by rule {self.rule}, due {self.due_on}"


@dataclass(frozen=True, kw_only=True)
class Refusal(Wish):
    """What is due and not done, with the reason that a plan gives."""

    code: str
    reason: str

    def __str__(self) -> str:
        """The wish and why it is not granted."""
        return f"{super().__str__()}, is not done ({self.code}): {self.reason}"


@dataclass(kw_only=True)
class Outcome:
    """What the rules come to for one document on one day.

    :param deeds: ARCHIVE or DELETE as it would be done that night.
    :param wishes: everything any rule wants, whenever it is due.
    :param unknown: the rules that cannot judge the document.
    :param retained_until: the longest retention; ``date.max`` has no end; None: nothing retains.
    """

    deeds: list[Wish] = field(default_factory=list)
    messages: list[Wish] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    is_held: bool = False
    retained_until: date | None = None
    retained_by: str | None = None

    def due(self, action: str) -> date | None:
        """The earliest day on which any rule wants the action; None is never."""
        days = [one.due_on for one in self.wishes if one.action == action and one.due_on]
        return min(days, default=None)


def differences(expected: Expectation, found: Outcome) -> Iterator[str]:
    """Yield one sentence per thing that is otherwise than expected, with what explains it."""
    if expected.action is not None:
        action = found.deeds[0].action if found.deeds else NONE
        if action != expected.action:
            yield f"expected action {expected.action}, got {action}{_reasons(expected, found)}"
    if expected.messages is not None:
        messages = sorted({one.action for one in found.messages})
        if messages != sorted(expected.messages):
            yield f"expected messages {_listed(expected.messages)}, got {_listed(messages)}"
    if expected.rule is not None:
        acting = sorted({one.rule for one in (found.deeds or found.messages)})
        if expected.rule not in acting:
            yield f"expected rule {expected.rule} to act, got {_listed(acting)}"
    for kind, day in expected.due.items():
        due_on = found.due(kind)
        wanted = None if day == NEVER else day
        if due_on != wanted:
            yield f"expected {kind} to be due {day}, got {due_on or NEVER}{_unknown(found)}"
    if expected.retained_until is not None:
        until = _until(found)
        if until != str(expected.retained_until):
            by = f" (by rule {found.retained_by})" if found.retained_by else ""
            yield f"expected retained_until {expected.retained_until}, got {until}{by}"
    if expected.retained_by is not None and expected.retained_by != found.retained_by:
        yield f"expected retained_by {expected.retained_by}, got {found.retained_by or NONE}"
    if expected.held is not None and expected.held is not found.is_held:
        yield f"expected held {_yes(expected.held)}, got {_yes(found.is_held)}"
    if expected.unknown is not None and not (
        set(expected.unknown) <= found.unknown if expected.unknown else not found.unknown
    ):
        yield f"expected unknown to {_listed(expected.unknown)}, got {_listed(found.unknown)}"
    if expected.because is not None:
        codes = sorted({one.code for one in found.refusals})
        if expected.because not in codes:
            yield f"expected because {expected.because}, got {_listed(codes)}"


def _reasons(expected: Expectation, found: Outcome) -> str:
    """What explains another action than the expected one."""
    if found.deeds:
        return f": {found.deeds[0]}"
    relevant = [one for one in found.refusals if expected.action in (one.action, NONE)]
    if relevant:
        return ": " + "; ".join(map(str, relevant))
    later = sorted(
        (one for one in found.wishes if one.action == expected.action and one.due_on),
        key=lambda one: str(one.due_on),
    )
    if later:
        return f": the next is {later[0]}"
    return _unknown(found) or ": no rule's condition is true for it"


def _unknown(found: Outcome) -> str:
    if not found.unknown:
        return ""
    return f": rule {_listed(found.unknown)} cannot judge it, something is missing or malformed"


def _until(found: Outcome) -> str:
    if found.retained_until is None:
        return NONE
    return FOREVER if found.retained_until == date.max else str(found.retained_until)


def _listed(words: object) -> str:
    listed = sorted(str(word) for word in words) if isinstance(words, set | tuple | list) else []
    return ", ".join(listed) or NONE


def _yes(answer: bool) -> str:
    return "true" if answer else "false"
