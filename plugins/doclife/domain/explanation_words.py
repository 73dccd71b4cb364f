"""Says in words what an explanation found, the same at the command line and in the dashboard."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from doclife.domain.duration import Period
from doclife.domain.explanation import ActionVerdict, RuleExplanation
from doclife.domain.rule import Mode

FOR_GOOD = "for good"
NOTHING = str(Period())
"""A period of no length, which nobody reads as one."""


class VerdictKind(StrEnum):
    """How much a verdict matters to who reads it."""

    WINS = "wins"
    SIMULATED = "simulated"
    STOPPED = "stopped"
    QUIET = "quiet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What becomes of one action of a rule today."""

    kind: VerdictKind
    words: str


def verdict_of(rule: RuleExplanation, one: ActionVerdict) -> Verdict:
    """Return what becomes of an action of a rule today."""
    if one.would_be_done and rule.mode is Mode.ENFORCE:
        return Verdict(kind=VerdictKind.WINS, words="wins")
    if one.would_be_done:
        return Verdict(kind=VerdictKind.SIMULATED, words="simulated")
    if one.code is not None:
        return Verdict(kind=VerdictKind.STOPPED, words=one.code.replace("_", " "))
    if one.is_due and one.reason is None and rule.mode is not Mode.OFF:
        words = "sent before" if one.speaks_before else "nothing to do"
        return Verdict(kind=VerdictKind.QUIET, words=words)
    return Verdict(kind=VerdictKind.QUIET, words="not due" if rule.is_met else "-")


def why_words(rule: RuleExplanation, one: ActionVerdict) -> str | None:
    """Return why an action is done or not, with what else bears on it; None: it was not judged."""
    text = one.reason
    if one.blocking_rule:
        text = f"{text} ({one.blocking_rule})"
    if one.action == "DELETE" and one.would_be_done:
        text = f"{text}; {grace_words(rule)}"
    if one.would_be_done and rule.per_night is not None:
        text = f"{text}; at most {rule.per_night} a night, the longest overdue first"
    return text


def grace_words(rule: RuleExplanation) -> str:
    """Return how long the trash keeps what a rule deletes."""
    if rule.grace == NOTHING:
        return "without grace, so the next weekly cleanup purges it"
    return f"grace {rule.grace}"


def clock_words(rule: RuleExplanation) -> str:
    """Return what a rule counts from and where that leads; the rule must count from something."""
    clock = rule.clock
    assert clock is not None
    if clock.counted_from is None:
        text = f"counts from {clock.anchor}, which is not known"
    else:
        text = f"counts from {clock.anchor} = {clock.counted_from}"
    if clock.is_floored:
        text += f" (it says {clock.as_read} now, but a date that moves earlier shortens nothing)"
    if clock.cutoff != "none" and clock.cutoff_on is not None:
        text += f", {clock.cutoff.replace('_', ' ')}: {clock.cutoff_on}"
    if rule.period is not None:
        at_once = rule.period == NOTHING
        text += ", retains it no longer than that" if at_once else f", retains {rule.period}"
        if rule.retain_until is not None:
            text += f": until {_day(rule.retain_until)}"
    if rule.protected_until is None and rule.period is not None:
        text += " (not this document)"
    return text


def _day(day: date) -> str:
    return FOR_GOOD if day == date.max else str(day)
