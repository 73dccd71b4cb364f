"""What is valid in a single rule and yet probably not meant."""

from __future__ import annotations

from collections.abc import Iterator

from doclife.domain.actions import ActionType
from doclife.domain.condition import comparisons
from doclife.domain.condition_logic import (
    Literal,
    TooManyWaysError,
    implies,
    is_contradiction,
    ways,
)
from doclife.domain.condition_reader import read_condition
from doclife.domain.duration import Period
from doclife.domain.faults import Path
from doclife.domain.fields import Operator
from doclife.domain.lint_finding import Code, Finding, Severity
from doclife.domain.own_events import MOVES_RULES, is_own
from doclife.domain.rule import Mode, Rule, TriggerType
from doclife.domain.rule_checks import EVENT_PREFIX, has_anchor
from doclife.domain.rule_clock import clock, waiting

_FOUND_BY_INDEX = frozenset(
    {
        *(Operator.EQ, Operator.IN, Operator.HAS_ANY, Operator.HAS_ALL),
        *(Operator.BEFORE, Operator.ON_OR_BEFORE, Operator.OLDER_THAN, Operator.WITHIN_NEXT),
        *(Operator.AFTER, Operator.ON_OR_AFTER),
    }
)
ARCHIVE_IS_WORTH = Period(days=90)
"""Moving bytes into an archive for less than a quarter costs more than it saves."""
PLANS_LAST = Period(days=7)
"""A plan that is older is not applied, whatever was answered (``apply/check_applicable``)."""


def lint_rule(rule: Rule) -> Iterator[Finding]:
    """Yield what is probably not meant in a rule, whatever others there are."""
    if rule.when is not None and is_contradiction(rule.when):
        yield Finding(
            code=Code.CONTRADICTION,
            severity=Severity.ERROR,
            rule=rule.name,
            path=("when",),
            what="no document can ever fulfil this condition",
            why="the rule will never act, and retains only what it cannot judge",
            fix="correct the comparisons that exclude each other, or remove the rule",
        )
    elif rule.archives and _is_about_archived(rule):
        yield Finding(
            code=Code.ARCHIVES_ARCHIVED,
            severity=Severity.ERROR,
            rule=rule.name,
            path=("when",),
            what="an ARCHIVE of documents that are archived already",
            why="only active documents are archived, so it will never act",
            fix="leave the status out of 'when', or ask for active",
        )
    if rule.mode is Mode.OFF and rule.retain is not None:
        yield Finding(
            code=Code.OFF_RETAINS_NOTHING,
            severity=Severity.WARNING,
            rule=rule.name,
            path=("mode",),
            what="a retention in a rule that is off",
            why="a rule that is off retains nothing: other rules may delete these documents",
            fix="write mode: simulate, which retains without acting, or remove 'retain'",
        )
    yield from _anchor_tests(rule)
    yield from _hasty(rule)
    yield from _unlimited(rule)
    yield from _own_event(rule)
    yield from _review_lapses(rule)


def _is_about_archived(rule: Rule) -> bool:
    archived, _ = read_condition(
        {"field": "status", "op": "eq", "value": "archived"}, metadata_types={}, path=()
    )
    return implies(rule.when, archived)


def _anchor_tests(rule: Rule) -> Iterator[Finding]:
    if rule.retain is None or rule.when is None:
        return
    for located in comparisons(rule.when, path=("when",)):
        comparison = located.comparison
        if (
            comparison.operator is Operator.NOT_NULL
            and comparison.field == rule.retain.after
            and not located.is_negated
        ):
            yield Finding(
                code=Code.NOT_NULL_ON_ANCHOR,
                severity=Severity.WARNING,
                rule=rule.name,
                path=located.path,
                what=f"not_null on {comparison.field}, which the retention counts from",
                why="a document without that date is retained without end anyway; asked like this, "
                "a preview of a rule without DELETE does not even count it as unknown",
                fix="remove the comparison: without the date nothing is ever due",
            )


def _hasty(rule: Rule) -> Iterator[Finding]:
    kinds = [action.do for action in rule.actions]
    if ActionType.DELETE not in kinds:
        return
    delete = kinds.index(ActionType.DELETE)
    path: Path = ("actions", delete)
    if rule.grace.is_zero:
        yield Finding(
            code=Code.NO_GRACE,
            severity=Severity.WARNING,
            rule=rule.name,
            path=("grace",),
            what="a DELETE without a grace period",
            why="the next purge destroys the bytes: a mistake cannot be undone",
            fix="leave 'grace' out (30d), or write at least a week",
        )
    if has_anchor(rule) and not rule.warn:
        yield Finding(
            code=Code.NO_WARNING,
            severity=Severity.INFO,
            rule=rule.name,
            path=path,
            what="a DELETE that nobody is told of beforehand",
            why="its owner learns of it when the document is gone",
            fix="add warn: [30d, 7d]",
        )
    if ActionType.ARCHIVE not in kinds:
        return
    archive = rule.actions[kinds.index(ActionType.ARCHIVE)]
    first, last = waiting(rule, archive), waiting(rule, rule.actions[delete])
    if first is not None and last is not None and last.is_certainly_shorter_than(_worth(first)):
        yield Finding(
            code=Code.ARCHIVE_THEN_DELETE,
            severity=Severity.WARNING,
            rule=rule.name,
            path=path,
            what=f"an ARCHIVE after {first} and a DELETE after {last}, within "
            f"{ARCHIVE_IS_WORTH} of each other",
            why="bytes are copied, read back and removed for a few weeks in an archive",
            fix="give ARCHIVE an earlier 'after', or remove it",
        )


def _worth(first: Period) -> Period:
    return Period(
        years=first.years,
        months=first.months,
        weeks=first.weeks,
        days=first.days + ARCHIVE_IS_WORTH.days,
    )


def _unlimited(rule: Rule) -> Iterator[Finding]:
    if not (rule.deletes or rule.archives):
        return
    if rule.limits.max_fraction >= 1:
        yield Finding(
            code=Code.NO_LIMITS,
            severity=Severity.WARNING,
            rule=rule.name,
            path=("limits", "max_fraction"),
            what="limits that let one run touch every document",
            why="a wrong date or condition then reaches everything in one night",
            fix="leave 'limits' out (500 documents, a twentieth); per_night lets a backlog go",
        )
    elif rule.mode is Mode.ENFORCE and "limits" not in rule.model_fields_set:
        yield Finding(
            code=Code.DEFAULT_LIMITS,
            severity=Severity.INFO,
            rule=rule.name,
            path=("mode",),
            what="an enforced rule that names no limits",
            why="its plans wait for approval beyond 500 documents or a twentieth of all",
            fix="write what an ordinary night may do: limits: {max_documents: ..., "
            "max_fraction: ...}",
        )


def _own_event(rule: Rule) -> Iterator[Finding]:
    """A clock that never starts: what doclife notes moves only rules that wait for it."""
    event, path = rule.trigger.event, ("trigger", "event")
    why = "no document is left then that a rule could act on: nothing will be due"
    fix = "subscribe a webhook endpoint to it, or name another event"
    if rule.retain is not None and rule.trigger.type is not TriggerType.ON_EVENT:
        if not rule.retain.after.startswith(EVENT_PREFIX):
            return
        event, path = rule.retain.after.removeprefix(EVENT_PREFIX), ("retain", "after")
        why = (
            "what doclife itself notes about documents starts no clock, only what applications "
            "emit: nothing will be due"
        )
        fix = "name an event of an application, or a date such as created_on or expires_on"
    elif event in MOVES_RULES:
        return
    if not is_own(event):
        return
    yield Finding(
        code=Code.OWN_EVENT,
        severity=Severity.WARNING,
        rule=rule.name,
        path=path,
        what=f"a clock that starts with {event}",
        why=why,
        fix=fix,
    )


def _review_lapses(rule: Rule) -> Iterator[Finding]:
    if rule.review is None:
        return
    remind, timeout = rule.review.remind, rule.review.timeout
    if timeout is not None and PLANS_LAST.is_certainly_shorter_than(timeout):
        yield Finding(
            code=Code.REVIEW_LAPSES,
            severity=Severity.WARNING,
            rule=rule.name,
            path=("review", "timeout"),
            what=f"a review that may take {timeout}",
            why=f"a plan older than {PLANS_LAST} is not applied: the question ends then",
            fix=f"write at most {PLANS_LAST}",
        )
    end = PLANS_LAST if timeout is None else timeout
    if remind is not None and not remind.is_certainly_shorter_than(end):
        yield Finding(
            code=Code.REVIEW_LAPSES,
            severity=Severity.WARNING,
            rule=rule.name,
            path=("review", "remind"),
            what=f"a reminder after {remind} of a review that ends after {end}",
            why="nobody will be reminded",
            fix="write a shorter time to remind",
        )


def lacks_index(rule: Rule, *, indexed: frozenset[str]) -> bool:
    """Whether finding the rule's documents means to look at every document.

    :param indexed: the columns of documents that an index leads to.
    """
    counted_from = clock(rule)
    if counted_from is not None and (
        counted_from in indexed or counted_from.startswith(EVENT_PREFIX)
    ):
        return False
    try:
        found = ways(rule.when)
    except TooManyWaysError:
        return True
    return not all(any(_is_found_by(one, indexed) for one in way) for way in found)


def _is_found_by(literal: Literal, indexed: frozenset[str]) -> bool:
    return (
        literal.field in indexed
        and not literal.is_negated
        and literal.comparison.operator in _FOUND_BY_INDEX
    )
