"""The sentence that answers "why is this still here" or "why is this gone", and what comes next."""

from collections.abc import Iterator
from datetime import date

from doclife.domain.explanation import (
    ActionVerdict,
    Deed,
    Explanation,
    NextStep,
    RuleExplanation,
)
from doclife.domain.explanation_words import NOTHING
from doclife.domain.rule import Mode

DESTROYS = ("ARCHIVE", "DELETE")
VERBS = {"ARCHIVE": "archives", "DELETE": "deletes"}


def answer(found: Explanation) -> str:
    """Say in one sentence why the document is still here, or why it is gone."""
    if found.status == "purged":
        return _gone(found)
    if found.status == "purging":
        return "Its bytes are being destroyed now, which cannot be stopped" + _by(found, "DELETE")
    if found.status == "deleted":
        return _in_the_trash(found)
    return _still_here(found)


def next_step(found: Explanation) -> NextStep | None:
    """What happens next if nothing changes; None when nothing is foreseen."""
    if found.status in ("purged", "purging"):
        return None
    if found.status == "deleted":
        if found.holds:
            return NextStep(
                action="PURGE", on=None, rule=None, why="once the last hold is released"
            )
        day = found.purge_after
        if day is not None and day <= found.today:
            return NextStep(action="PURGE", on=None, rule=None, why="with the next weekly cleanup")
        return NextStep(
            action="PURGE",
            on=day,
            rule=None,
            why="the grace period ends; the next weekly cleanup destroys the bytes",
        )
    steps = [_step(found, rule, action) for rule, action in _deeds_of(found, Mode.ENFORCE)]
    known = [step for step in steps if step is not None]
    return min(known, key=lambda step: step.on or date.max, default=None)


def could_stop(found: Explanation) -> list[str]:
    """What could still keep the next step from happening."""
    step = found.next_step
    if step is None:
        return []
    ways = ["a legal hold", "halting everything"]
    if found.status == "deleted":
        return [*ways, "taking it out of the trash"]
    rule = next((one for one in found.rules if one.label == step.rule), None)
    if step.action == "DELETE":
        ways.append("a rule that retains it for longer")
        ways.append("a change to a date or field that the rules read: it cools off again")
    if step.action == "DELETE" and rule is not None and rule.requires_warning:
        ways.append("a warning that comes back or never leaves: the rule waits for a delivered one")
    if rule is not None and rule.asks_review:
        ways.append("a reviewer who rejects or extends")
    ways.append("a limit that the plan of that night would exceed")
    if step.action == "DELETE" and rule is not None:
        ways.append(f"afterwards, {_grace(rule)}: undo or restore, until it is purged")
    return ways


def _grace(rule: RuleExplanation) -> str:
    return "until the next weekly cleanup" if rule.grace == NOTHING else f"for {rule.grace}"


def _deeds_of(found: Explanation, mode: Mode) -> Iterator[tuple[RuleExplanation, ActionVerdict]]:
    """What rules of a mode do to the document, now or later."""
    for rule in found.rules:
        if rule.mode is mode and rule.is_met:
            for action in rule.actions:
                if action.action == "ARCHIVE" and found.status == "archived":
                    continue
                if action.action in DESTROYS:
                    yield rule, action


def _step(found: Explanation, rule: RuleExplanation, action: ActionVerdict) -> NextStep | None:
    if action.due_on is None:
        return None
    if found.holds:
        return NextStep(
            action=action.action, on=None, rule=rule.label, why="once the last hold is released"
        )
    if action.would_be_done:
        return NextStep(
            action=action.action, on=found.today, rule=rule.label, why="the next run does it"
        )
    day = action.due_on
    why = "the day it falls due"
    if action.action == "DELETE" and _reaches(found.protected_until, day):
        day, why = _day_after(found.protected_until), "the day after its retention ends"
    if _reaches(found.reprieve_until, day):
        day, why = _day_after(found.reprieve_until), "the day after its reprieve ends"
    if day == date.max:
        return None
    if day <= found.today:
        if action.code == "cooling_off" and found.cooling_off_until is not None:
            return NextStep(
                action=action.action,
                on=found.cooling_off_until.date(),
                rule=rule.label,
                why="its cooling-off ends",
            )
        return NextStep(
            action=action.action, on=None, rule=rule.label, why=action.reason or "a later night"
        )
    return NextStep(action=action.action, on=day, rule=rule.label, why=why)


def _still_here(found: Explanation) -> str:
    due = [(rule, one) for rule, one in _deeds_of(found, Mode.ENFORCE) if one.is_due]
    since = ""
    if due:
        rule, action = min(due, key=lambda pair: pair[1].due_on or date.max)
        since = f"; {rule.label} {VERBS[action.action]} it otherwise (due since {action.due_on})"
    if found.holds:
        names = ", ".join(hold.matter for hold in found.holds)
        return f"Still here because it is under legal hold ({names}){since}."
    waiting = [claim for claim in found.claims if claim.state == "needs_approval"]
    if waiting:
        claim = waiting[0]
        return (
            f"Still here because plan {claim.plan_id} ({claim.rule or claim.kind}, {claim.action}) "
            f"has waited for approval since {claim.created_at:%Y-%m-%d}: {claim.approval_reason}."
        )
    if found.claims:
        claim = found.claims[0]
        halted = f"; {found.halt}" if found.halt else ""
        return (
            f"Still here, but plan {claim.plan_id} ({claim.rule or claim.kind}) is about to "
            f"{claim.action} it (state {claim.state}){halted}."
        )
    for rule, action in due:
        if action.would_be_done:
            return _about_to_go(found, rule, action)
    if due:
        rule, action = due[0]
        if action.code == "not_warned":
            return (
                f"Still here because {rule.label} deletes nothing without a delivered warning: "
                f"{action.reason} (due since {action.due_on})."
            )
        blocked = f" by {action.blocking_rule}" if action.blocking_rule else ""
        return (
            f"Still here because it is {action.reason}{blocked}{_taken_out(found, action)}; "
            f"{rule.label} {VERBS[action.action]} it otherwise (due since {action.due_on})."
        )
    return _not_due(found)


def _taken_out(found: Explanation, action: ActionVerdict) -> str:
    """Say which plan a person took it out of, and why, while that is what keeps it."""
    kept = next((deed for deed in found.deeds if deed.state == "skipped"), None)
    if kept is None or action.code != "reprieved":
        return ""
    return f" (plan {kept.plan_id}: {kept.reason})"


def _about_to_go(found: Explanation, rule: RuleExplanation, action: ActionVerdict) -> str:
    failed = next((deed for deed in found.deeds if deed.state == "failed"), None)
    if failed is not None and failed is found.deeds[0]:
        return (
            f"Still here because plan {failed.plan_id} could not {failed.action} it: "
            f"{failed.reason}; {rule.label} tries again in its next run."
        )
    when = f"on {found.today}" if found.is_ahead else "in its next run"
    halted = f", once the halt ends ({found.halt})" if found.halt else ""
    review = " (its plan asks for review first)" if rule.asks_review else ""
    return (
        f"Still here, but {rule.label} {VERBS[action.action]} it {when}{review}{halted}: "
        f"{action.reason}."
    )


def _not_due(found: Explanation) -> str:
    step = found.next_step
    if step is not None and step.on is not None:
        return (
            f"Still here because nothing is due yet: {step.rule} {VERBS[step.action]} it on "
            f"{step.on} ({step.why})."
        )
    if step is not None:
        return f"Still here because {step.why} ({step.rule})."
    for rule, action in _deeds_of(found, Mode.ENFORCE):
        if action.due_on is None and rule.clock is not None:
            return (
                f"Still here because {rule.label} counts from {rule.clock.anchor}, "
                "which is not known."
            )
    for rule in found.rules:
        if rule.mode is Mode.ENFORCE and rule.is_met is None and _destroys(rule):
            missing = [one.field for one in rule.predicates if one.is_met is None]
            return (
                f"Still here because {rule.label} cannot judge it: {', '.join(missing)} is missing "
                "or malformed, and what is unknown is kept."
            )
    for rule, action in _deeds_of(found, Mode.SIMULATE):
        if action.is_due:
            return (
                f"Still here because {rule.label} only simulates; enforced, it "
                f"{VERBS[action.action]} it (due since {action.due_on})."
            )
    if found.protected_until is not None and found.protected_until >= found.today:
        until = (
            "for good" if found.protected_until == date.max else f"until {found.protected_until}"
        )
        return f"Still here because it is retained {until}, and no rule that enforces removes it."
    return "Still here because no rule that enforces archives or deletes it."


def _destroys(rule: RuleExplanation) -> bool:
    return any(action.action in DESTROYS for action in rule.actions)


def _in_the_trash(found: Explanation) -> str:
    if found.holds:
        names = ", ".join(hold.matter for hold in found.holds)
        stays = f"and stays there: it is under legal hold ({names})"
    elif found.purge_after is not None and found.purge_after <= found.today:
        stays = f"and its grace period ended on {found.purge_after}: the next cleanup purges it"
    else:
        stays = f"and can be restored until {found.purge_after}"
    return f"In the trash{_by(found, 'DELETE')} {stays}."


def _gone(found: Explanation) -> str:
    purge = _deed(found, "PURGE")
    text = "Gone: "
    if purge is not None:
        text += f"its bytes were purged on {purge.finished_at:%Y-%m-%d} by plan {purge.plan_id}"
        text += _approved(purge)
        text += "; it was moved to the trash"
    else:
        text += "its bytes were purged; it was moved to the trash"
    return text + _by(found, "DELETE") + "."


def _by(found: Explanation, action: str) -> str:
    deed = _deed(found, action)
    if deed is None:
        return ""
    return (
        f" on {deed.finished_at:%Y-%m-%d} by plan {deed.plan_id} of "
        f"{deed.rule or deed.requested_by}"
        + (f" ({deed.authority}; {deed.reason})" if deed.authority else f" ({deed.reason})")
        + _approved(deed)
    )


def _approved(deed: Deed) -> str:
    return f", approved by {', '.join(deed.approved_by)}" if deed.approved_by else ""


def _deed(found: Explanation, action: str) -> Deed | None:
    return next(
        (deed for deed in found.deeds if deed.action == action and deed.state == "done"), None
    )


def _reaches(until: date | None, day: date) -> bool:
    return until is not None and until >= day


def _day_after(until: date | None) -> date:
    assert until is not None
    return until if until == date.max else date.fromordinal(until.toordinal() + 1)
