"""The rules of design 5, in plain Python: what must be kept, what must go, and when.

It decides from facts alone, keeps its own plans and shares no code with doclife: read it beside
docs/lifecycle.md. What a deed changes stands in deeds.py. None means "unknown", and unknown falls on the side of keeping (5.1).
"""

from datetime import timedelta

from tests.model.facts import Item, Plan
from tests.model.language import FOREVER, add, answer, cut_off, fields, value

ACTING = ("planned", "approved", "applying")
OPEN = (*ACTING, "needs_approval")


def anchor(world, rule, document):
    """The day a rule counts from: an anchor that moves earlier never shortens by itself (5.4)."""
    if rule.clock.startswith("event:"):
        events = [event for event in document.events if f"event:{event.type}" == rule.clock]
        if not events or events[-1].withdrawn_at:
            return None  # the case is open again: nobody knows when it will end
        return max(event.occurred_on for event in events if not event.withdrawn_at)
    present = value(world, document, rule.clock)
    was_later = [
        change.before
        for change in document.changes
        if change.field == rule.clock and change.at >= rule.made_at and change.before
        and (change.after is None or change.after < change.before)
    ]  # fmt: skip
    return present and max([present, *was_later])


def is_retained(world, document, today):
    """By any rule that is not off; simulating rules retain too (5.2)."""
    for rule in world.rules.values():
        if rule.mode == "off" or not rule.retain:
            continue
        day = anchor(world, rule, document)
        until = add(cut_off(day, rule.retain.get("cutoff")), rule.retain["for"]) if day else FOREVER
        applies = answer(world, document, rule.when, today, is_strict=True)
        if applies is not False and until >= today:
            return True
    return False


def is_cooling_off(world, rule, document, now):
    """Registered, or changed in what the rule looks at, within the organization's days (5.4)."""
    used = fields(rule.when) | {rule.clock}
    moments = [document.registered_at, *(c.at for c in document.changes if c.field in used)]
    for event in document.events:
        if f"event:{event.type}" in used:
            moments += [event.recorded_at, event.withdrawn_at or event.recorded_at]
    return max(moments) + timedelta(days=world.cooling_off_days) > now


def objection(world, document, action, now, as_of):
    """Why this may not be done to the document now, whoever asks; None when it may."""
    today = world.day(now)
    if document.holds:
        return "held"
    is_reprieved = document.reprieve_until is not None and document.reprieve_until >= today
    if action in ("ARCHIVE", "DELETE") and is_reprieved:
        return "reprieve"
    if action in ("DELETE", "PURGE") and is_retained(world, document, world.day(as_of)):
        return "retained"
    return None


def due_on(world, rule, document, action, today):
    """The day an action of a rule fell due; None when it is not due, or nobody can know."""
    if answer(world, document, rule.when, today, is_strict="DELETE" in rule.actions) is not True:
        return None
    if rule.clock is None:
        return today
    day = anchor(world, rule, document)
    if day is None:
        return None
    period = rule.actions[action].get("after") or rule.retain.get("for", "0d")
    last_day_kept = add(cut_off(day, rule.retain.get("cutoff")), period)
    return last_day_kept + timedelta(days=1) if last_day_kept < today else None


def is_stale(world, plan, now):
    """Older than 7 days, or of a rule that is no longer enforced at that version (5.5)."""
    rule = plan.rule
    in_force = rule is None or (world.rules.get(rule.name) is rule and rule.mode == "enforce")
    return not in_force or now - plan.made_at > timedelta(days=7)


def reserved(world, now, kinds):
    """Documents of plans that may yet be applied; the unanswered and the stale are over (5.5)."""
    for plan in world.plans:
        is_unanswered = plan.kind in kinds and plan.state in ("planned", "needs_approval")
        if plan.state in OPEN and (is_unanswered or is_stale(world, plan, now)):
            plan.state = "over"
    alive = [plan for plan in world.plans if plan.state in OPEN]
    return {item.document for plan in alive for item in plan.items if item.state == "planned"}


def plan_night(world, now, as_of):
    """One outcome per document: archive before delete, then review, priority, date, name (5.2)."""
    taken = reserved(world, now, ("rule",))
    acting = sorted(
        (r for r in world.rules.values() if r.mode == "enforce"), key=lambda r: (r.priority, r.name)
    )
    plans = {rule.name: Plan(kind="rule", rule=rule, made_at=now, items=[]) for rule in acting}
    for document in world.documents.values():
        wishes = []
        for rule in acting if document not in taken else []:
            for action in rule.actions.keys() & {"ARCHIVE", "DELETE"}:
                fits = document.status == "active" or (document.status, action) == ("archived", "DELETE")
                day = due_on(world, rule, document, action, world.day(as_of))
                if not fits or day is None or objection(world, document, action, now, as_of):
                    continue
                if action == "ARCHIVE" or not is_cooling_off(world, rule, document, now):
                    wishes.append((action, not rule.needs_review, rule.priority, day, rule.name))
        if wishes:
            action, *_, name = min(wishes)
            plans[name].items.append(_item(document, action))
    return ask_where_needed(world, plans, now)


def ask_where_needed(world, plans, now):
    """A tripped breaker acts on nothing and asks; so does a rule that wants a review (5.4)."""
    world.plans += plans.values()
    for plan in plans.values():
        if plan.items and ((plan.rule and plan.rule.needs_review) or breaker_trips(world, plan, now)):
            plan.state = "needs_approval"
    return plans


def breaker_trips(world, plan, now):
    """Counts a rolling 24 hours of the rule and of the organization, over every path (5.4)."""
    kinds = {"rule"} if plan.kind == "rule" else {"purge", "originals"}
    used = []
    for other in world.plans:
        for item in other.items if other.kind in kinds and other is not plan else []:
            is_recent = item.done_at is not None and item.done_at > now - timedelta(days=1)
            if is_recent or (item.state == "planned" and other.state in ACTING):
                used.append(other.rule and other.rule.name)
    population = sum(document.status != "purged" for document in world.documents.values())
    sums = [(len(plan.items) + len(used), world.limits)]
    if plan.rule:
        sums.append((len(plan.items) + used.count(plan.rule.name), plan.rule.limits))
    return any(
        count > limits["max_documents"] or count > limits["max_fraction"] * population
        for count, limits in sums
    )


def plan_weekly(world, now):
    """Past grace: what is in the trash is purged, originals beside their archived copy go."""
    today, taken = world.day(now), reserved(world, now, ("purge", "originals"))
    plans = {kind: Plan(kind=kind, made_at=now, items=[]) for kind in ("purge", "originals")}
    for document in world.documents.values():
        kind, until = "purge", document.purge_after if document.status == "deleted" else None
        if document.status == "archived" and document.original:
            kind, until = "originals", document.original_until
        action = "PURGE" if kind == "purge" else "REMOVE_ORIGINAL"
        if document.status == "purging" or (until is not None and until <= today):
            if document not in taken and not objection(world, document, action, now, as_of=now):
                plans[kind].items.append(_item(document, action))
    return ask_where_needed(world, plans, now)


def _item(document, action):
    return Item(
        document=document, action=action, status=document.status, version=len(document.changes)
    )


def verdict(world, plan, item, now):
    """Judged again at the deed, against the present (5.2, 5.5); None means: it must be done."""
    document = item.document
    if world.is_halted or is_stale(world, plan, now) or plan.state not in ACTING:
        return "plan"
    if document.removal_has_begun:
        return None  # nothing that comes later stops it (5.7)
    if (document.status, len(document.changes)) != (item.status, item.version):
        return "changed"
    copies = {world.files[name] for name in (document.original, document.bag) if name}
    if item.action != "DELETE" and copies != {"intact"}:
        return "bytes"  # whatever moves or removes bytes looks at them first (5.8)
    return objection(world, document, item.action, now, as_of=now)
