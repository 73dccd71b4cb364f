"""What a rule counts from and how long each of its actions waits."""

from __future__ import annotations

from doclife.domain.actions import Action
from doclife.domain.duration import Period
from doclife.domain.rule import Cutoff, Rule, TriggerType
from doclife.domain.rule_checks import EVENT_PREFIX


def waiting(rule: Rule, action: Action) -> Period | None:
    """How long after the cutoff an action is due; None without end."""
    if action.after is not None:
        return action.after
    if rule.retain is None:
        return Period()
    return rule.retain.for_ if isinstance(rule.retain.for_, Period) else None


def clock(rule: Rule) -> str | None:
    """What a rule counts from: a date field, ``event:<type>``, or None when it does not."""
    if rule.retain is not None:
        return rule.retain.after
    match rule.trigger.type:
        case TriggerType.ON_EXPIRATION:
            return "expires_on"
        case TriggerType.ON_EVENT:
            return f"{EVENT_PREFIX}{rule.trigger.event}"
        case _:
            return None


def cutoff(rule: Rule) -> Cutoff:
    """Where the clock is moved to before a period is added."""
    return Cutoff.NONE if rule.retain is None else rule.retain.cutoff
