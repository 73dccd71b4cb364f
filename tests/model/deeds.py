"""What a deed changes in the facts: trash, grace, archived copies, reprieve, and bytes."""

from datetime import timedelta

from tests.model.language import add


def begin(item):
    """Destruction has begun, and the process died."""
    item.document.removal_has_begun = True
    if item.action == "PURGE":
        item.document.status = "purging"


def do(world, plan, item, now):
    """Carry out one item."""
    document, today = item.document, world.day(now)
    grace = plan.rule.grace if plan.rule else "30d"
    item.state, item.done_at, document.removal_has_begun = "done", now, False
    if item.action in ("ARCHIVE", "DELETE"):
        document.last_plan = plan
    if item.action == "DELETE":
        document.before_trash, document.status = document.status, "deleted"
        document.purge_after = add(today, grace)
    elif item.action == "ARCHIVE":
        settings = plan.rule.actions["ARCHIVE"].get("with", {}) if plan.rule else {}
        keeps_original = settings.get("original") == "keep"
        document.status, document.archived_at = "archived", now
        document.original_until = None if keeps_original else add(today, grace)
        document.bag = f"bag/{document.name}"
        world.files[document.bag] = "intact"
    elif item.action == "REMOVE_ORIGINAL":
        _let_go(world, document, "original")
    else:
        document.status, document.before_trash = "purged", None
        _let_go(world, document, "original", "bag")


def restore(world, document, now):
    """Out of the trash to where it was; out of the archive onto its original."""
    if document.status == "deleted":
        document.status, document.before_trash = document.before_trash, None
        document.purge_after = None
    elif world.files[document.original or document.bag] == "intact":
        if document.original is None:
            document.original = document.first_original
            world.files[document.original] = "intact"
        document.status, document.archived_at, document.bag = "active", None, None
        document.original_until, document.removal_has_begun = None, False
    else:
        return False  # there are no good bytes to go back to
    if world.reprieve_days:
        document.reprieve_until = world.day(now) + timedelta(days=world.reprieve_days)
    return True


def keep(world, item, until):
    """Somebody takes a document out of a plan; it is left alone until after that day."""
    document, item.state = item.document, "skipped"
    document.reprieve_until = max(until, document.reprieve_until or until)
    day_after = until + timedelta(days=1)
    if document.status == "deleted":
        document.purge_after = max(document.purge_after, day_after)
    if document.original_until:
        document.original_until = max(document.original_until, day_after)


def undo(world, plan, now):
    """Take back what this plan was the last to do; the rest of it is not done any more."""
    for item in plan.items:
        is_last = item.document.last_plan is plan
        in_grace = item.document.status == {"DELETE": "deleted", "ARCHIVE": "archived"}[item.action]
        if item.state == "done" and is_last and in_grace and restore(world, item.document, now):
            item.state = "undone"
    plan.state = "undone"


def _let_go(world, document, *copies):
    """Bytes go with the last document that points at them."""
    names = [name for name in (getattr(document, copy) for copy in copies) if name]
    for copy in copies:
        setattr(document, copy, None)
    used = {name for d in world.documents.values() for name in (d.original, d.bag)}
    world.files.update({name: "gone" for name in names if name not in used})
