"""What doclife promises, in plain Python: what must be kept, what must go, and when.

From facts alone, sharing no code with doclife. What a deed changes stands in deeds.py, what a
condition means in language.py. None is "unknown", and unknown falls on the side of keeping.
"""

from datetime import timedelta

from tests.model.facts import Item, Plan, Rule
from tests.model.language import FOREVER, add, answer, cut_off, fields, value

ANSWERED = ("approved", "applying")
ACTING = ("planned", *ANSWERED)
PURGES = ("purge", "originals")
OPEN = (*ACTING, "needs_approval")


def anchor(world, rule, document):
    """The day a rule counts from: an anchor that moves earlier never shortens by itself."""
    if rule.clock.startswith("event:"):
        events = [event for event in document.events if f"event:{event.type}" == rule.clock]
        if not events or events[-1].withdrawn_at:
            return None  # the case is open again: nobody knows when it will end
        return max(event.occurred_on for event in events if not event.withdrawn_at)
    present = value(world, document, rule.clock)
    seen = [c for c in document.changes if c.field == rule.clock and c.at >= rule.made_at]
    was_later = [c.before for c in seen if c.before and (c.after is None or c.after < c.before)]
    return present and max([present, *was_later])


def is_retained(world, document, today):
    """By any rule that is not off; simulating rules retain too."""
    for rule in (rule for rule in world.rules.values() if rule.mode != "off" and rule.retain):
        day = anchor(world, rule, document)
        until = add(cut_off(day, rule.retain.get("cutoff")), rule.retain["for"]) if day else FOREVER
        applies = answer(world, document, rule.when, today, is_strict=True)
        if applies is not False and until >= today:
            return True
    return False


def is_held(world, document, today):
    """By a matter it is under, or by one whose condition does not rule it out."""
    standing = [matter.when for matter in world.matters.values() if document not in matter.released]
    answers = {answer(world, document, when, today, is_strict=True) for when in standing}
    is_caught = document.status not in ("purging", "purged") and answers - {False}
    return bool(document.holds or is_caught)


def is_cooling_off(world, rule, document, now):
    """Registered, or changed in what the rule or one that retains looks at, within days."""
    lookers = [r for r in world.rules.values() if r is rule or (r.retain and r.mode != "off")]
    used = {field for one in lookers for field in (*fields(one.when), one.clock)}
    moments = [document.registered_at, *(c.at for c in document.changes if c.field in used)]
    for event in (event for event in document.events if f"event:{event.type}" in used):
        moments += [event.recorded_at, event.withdrawn_at or event.recorded_at]
    return max(moments) + timedelta(days=world.cooling_off_days) > now


def objection(world, document, action, now, as_of):
    """Why this may not be done to the document now, whoever asks; None when it may."""
    today = world.day(now)
    if is_held(world, document, today):
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
    """Older than 7 days, or of a rule that is no longer enforced at that version."""
    rule = plan.rule
    in_force = rule is None or (world.rules.get(rule.name) is rule and rule.mode == "enforce")
    return not in_force or now - plan.made_at > timedelta(days=7)


def reserved(world, now, is_replaced):
    """Documents of plans that may yet be applied; the replaced and the stale are over."""
    for plan in world.plans:
        if plan.state in OPEN and (is_replaced(plan) or is_stale(world, plan, now)):
            plan.state = "over"
    alive = [item for plan in world.plans if plan.state in OPEN for item in plan.items]
    return {item.document for item in alive if item.state == "planned"}


def fits(document, action):
    """Only active documents are archived; archived ones are deleted like active ones."""
    return document.status == "active" or (document.status, action) == ("archived", "DELETE")


def plan_rules(world, rules, now, as_of):
    """One outcome per document: archive before delete, then review, priority, date, name."""
    acting = sorted((rule for rule in rules if rule.mode == "enforce"), key=Rule.place)
    taken = reserved(world, now, lambda p: p.rule in acting and p.state not in ANSWERED)
    chosen = {rule.name: [] for rule in acting}
    for document in world.documents.values():
        wishes = []
        for rule in acting if document not in taken else []:
            for action in rule.actions.keys() & {"ARCHIVE", "DELETE"}:
                day = due_on(world, rule, document, action, world.day(as_of))
                cools = action == "DELETE" and is_cooling_off(world, rule, document, now)
                is_barred = cools or objection(world, document, action, now, as_of)
                if day is not None and fits(document, action) and not is_barred:
                    wishes.append((action, not rule.needs_review, rule.priority, day, rule.name))
        if wishes:
            action, *_, day, name = min(wishes)
            chosen[name].append((day, Item.of(document, action)))
    plans = []
    for rule in acting:  # what is longest overdue goes first; the rest follows another night
        by_day = sorted(chosen[rule.name], key=lambda one: one[0])[: rule.limits.get("per_night")]
        plans.append(Plan(kind="rule", rule=rule, made_at=now, items=[one[1] for one in by_day]))
    return ask_where_needed(world, plans, now)


def plan_selection(world, documents, action, now):
    """What a person chose by hand passes all belts too."""
    plan = Plan(kind="selection", made_at=now, items=[])
    taken = reserved(world, now, lambda plan: False)
    for document in documents:
        cools = action == "DELETE" and is_cooling_off(world, None, document, now)
        is_barred = cools or objection(world, document, action, now, as_of=now)
        if fits(document, action) and document not in taken and not is_barred:
            plan.items.append(Item.of(document, action))
    return ask_where_needed(world, [plan], now)


def ask_where_needed(world, plans, now):
    """A tripped breaker acts on nothing and asks; so does a rule that wants a review."""
    world.plans += plans
    for plan in plans:
        is_reviewed = plan.rule is not None and plan.rule.needs_review
        if plan.items and (is_reviewed or breaker_trips(world, plan, now)):
            plan.state = "needs_approval"
    return plans


def breaker_trips(world, plan, now):
    """Counts a rolling 24 hours of the rule and of the organization, over every path."""
    used, is_purge = [], plan.kind in PURGES  # what is purged was counted when it was deleted
    for other in (p for p in world.plans if (p.kind in PURGES) is is_purge and p is not plan):
        for item in other.items:
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
    """Past grace: trash is purged, also what died halfway; originals beside their copies go."""
    taken = reserved(world, now, lambda p: p.kind in PURGES and p.state != "approved")
    plans = {kind: Plan(kind=kind, made_at=now, items=[]) for kind in PURGES}
    for document in world.documents.values():
        kind, until = "purge", document.purge_after if document.status == "deleted" else None
        if document.status == "archived" and document.original:
            kind, until = "originals", document.original_until
        action = "PURGE" if kind == "purge" else "REMOVE_ORIGINAL"
        is_due = document.status == "purging" or (until is not None and until <= world.day(now))
        is_barred = document in taken or objection(world, document, action, now, as_of=now)
        if is_due and not is_barred:
            plans[kind].items.append(Item.of(document, action))
    return [ask_where_needed(world, [plan], now)[0] for plan in plans.values()]


def verdict(world, plan, item, now):
    """Judged again at the deed, against the present; None means: it must be done."""
    document = item.document
    if world.is_halted or is_stale(world, plan, now) or plan.state not in ACTING:
        return "plan"
    if document.removal_has_begun and not is_held(world, document, world.day(now)):
        return None  # nothing else that comes later stops it
    if (document.status, document.version) != (item.status, item.version):
        return "changed"
    copies = {world.files[name] for name in (document.original, document.bag) if name}
    if item.action != "DELETE" and copies != {"intact"}:
        return "bytes"  # whatever moves or removes bytes looks at them first
    return objection(world, document, item.action, now, as_of=now)
