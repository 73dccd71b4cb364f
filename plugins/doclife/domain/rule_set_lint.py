"""What is valid in a set of rules and yet probably not meant.

Only what can be proven is reported: a linter that is often wrong is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doclife.domain.actions import Action, ActionType
from doclife.domain.condition_logic import (
    TooManyWaysError,
    excludes_itself,
    implies,
    is_contradiction,
    ways,
)
from doclife.domain.duration import Period
from doclife.domain.fields import Operator
from doclife.domain.lint_finding import Code, Finding, Severity
from doclife.domain.rule import Cutoff, Mode, Rule
from doclife.domain.rule_clock import clock, cutoff, waiting
from doclife.domain.rule_lint import lint_rule


def lint_rules(rules: Sequence[Rule]) -> list[Finding]:
    """Everything that is probably not meant in rules that are in force together.

    :param rules: those of one organization; more of them prove more.
    """
    acting = [rule for rule in rules if rule.mode is not Mode.OFF]
    found = [finding for rule in rules for finding in lint_rule(rule)]
    for rule in acting:
        if is_contradiction(rule.when):
            continue
        others = [other for other in acting if other is not rule]
        found += _against_retention(rule, others)
        found += _against_actions(rule, others)
    return found


def _against_retention(rule: Rule, others: Sequence[Rule]) -> Iterator[Finding]:
    position, delete = next(
        ((at, one) for at, one in enumerate(rule.actions) if one.do is ActionType.DELETE),
        (0, None),
    )
    if delete is None:
        return
    for other in others:
        if other.retain is None or not implies(rule.when, other.when, or_unknown=True):
            continue
        kept = other.retain.for_
        if not isinstance(kept, Period):
            yield Finding(
                code=Code.DELETE_BEFORE_RETENTION,
                severity=Severity.ERROR,
                rule=rule.name,
                path=("actions", position),
                what=f"a DELETE of documents that rule {other.name} retains permanently",
                why="the longest retention wins: this DELETE will never happen",
                fix=f"remove the DELETE, or narrow the 'when' of {other.name}",
            )
            continue
        wanted = _earliest_wait(rule, delete, other)
        if wanted is not None and wanted.is_certainly_shorter_than(kept):
            when = "at once after" if wanted.is_zero else f"{wanted} after"
            yield Finding(
                code=Code.DELETE_BEFORE_RETENTION,
                severity=Severity.WARNING,
                rule=rule.name,
                path=("actions", position),
                what=f"a DELETE {when} {other.retain.after} of documents that rule "
                f"{other.name} retains for {kept} after it",
                why="the longest retention wins: the DELETE waits for its end",
                fix=f"write {kept} here too, or narrow the 'when' of one of the two",
            )


def _earliest_wait(rule: Rule, delete: Action, other: Rule) -> Period | None:
    """How long after the other's anchor this DELETE may happen, where that can be said."""
    assert other.retain is not None
    if clock(rule) == other.retain.after and cutoff(rule) in (Cutoff.NONE, cutoff(other)):
        return waiting(rule, delete)
    if clock(rule) is not None:
        return None
    try:
        found = [
            [
                one.comparison.value
                for one in way
                if one.field == other.retain.after
                and one.comparison.operator is Operator.OLDER_THAN
                and not one.is_negated
                and isinstance(one.comparison.value, Period)
            ]
            for way in ways(rule.when)
            if not excludes_itself(way)
        ]
    except TooManyWaysError:
        return None
    if len(found) != 1 or len(found[0]) != 1:
        return None
    return found[0][0]


def _against_actions(rule: Rule, others: Sequence[Rule]) -> Iterator[Finding]:
    for position, action in enumerate(rule.actions):
        rivals = [
            (other, theirs)
            for other in others
            for theirs in other.actions
            if _does_the_same(rule, action, other, theirs) and implies(rule.when, other.when)
        ]
        beaten = next((one for one in rivals if _is_outranked(rule, action, *one)), None)
        if beaten is not None:
            other, _ = beaten
            yield Finding(
                code=Code.ALWAYS_OUTRANKED,
                severity=Severity.WARNING,
                rule=rule.name,
                path=("actions", position),
                what=f"{action.do} is always done by rule {other.name} first",
                why="its review, grace, store and certificate count, never those written here",
                fix=f"narrow the 'when' of {other.name}, or give this rule a lower priority number",
            )
            continue
        for other, _ in rivals:
            is_mutual = implies(other.when, rule.when)
            if is_mutual and _is_told_there(rule, other):
                continue
            yield Finding(
                code=Code.SAME_DOCUMENTS,
                severity=Severity.WARNING,
                rule=rule.name,
                path=("actions", position),
                what=f"{action.do} of documents that rule {other.name} takes too: "
                + ("all of either" if is_mutual else "each of these"),
                why="which of the two acts depends on dates and priorities"
                if action.do in (ActionType.ARCHIVE, ActionType.DELETE)
                else "people get the same message twice",
                fix="let one 'when' exclude the other, or remove one of the two",
            )


def _is_told_there(rule: Rule, other: Rule) -> bool:
    """Whether a finding about both is told at the other: once is enough."""
    return (other.priority, other.name) > (rule.priority, rule.name)


def _does_the_same(rule: Rule, action: Action, other: Rule, theirs: Action) -> bool:
    if action.do is not theirs.do:
        return False
    if action.do in (ActionType.ARCHIVE, ActionType.DELETE):
        return True
    return (
        action == theirs
        and clock(rule) == clock(other)
        and rule.trigger.type is other.trigger.type
        and rule.warn == other.warn
    )


def _is_outranked(rule: Rule, action: Action, other: Rule, theirs: Action) -> bool:
    """Whether the other's action is certainly due no later, and comes first when both are due."""
    if action.do not in (ActionType.ARCHIVE, ActionType.DELETE):
        return False
    if (rule.mode is Mode.ENFORCE) is not (other.mode is Mode.ENFORCE):
        return False
    if other.trigger.cron is not None and other.trigger != rule.trigger:
        return False
    if clock(rule) != clock(other) or cutoff(rule) is not cutoff(other):
        if clock(other) is not None:
            return False
        is_earlier, is_as_early = False, True
    elif clock(rule) is None:
        is_earlier, is_as_early = False, True
    else:
        mine, its = waiting(rule, action), waiting(other, theirs)
        if mine is None or its is None:
            return False
        is_earlier = its.is_certainly_shorter_than(mine)
        is_as_early = is_earlier or its == mine
    if not is_as_early:
        return False
    place = (rule.review is None, rule.priority)
    its_place = (other.review is None, other.priority)
    if its_place != place:
        return its_place < place
    # Among equals the earlier due date comes first, then the name; a rule without a date that
    # counts is due when it is looked at.
    return is_earlier or (clock(rule) == clock(other) and other.name < rule.name)
