"""What a period and a condition of the rule language mean, in plain Python, for the oracle.

Shares no code with doclife. None is "unknown": a value that is missing or malformed, and what
follows from it.
"""

import re
from calendar import monthrange
from datetime import date, timedelta

FOREVER = date.max
PERIOD = r"(?:(\d+)y)?(?:(\d+)mo)?(?:(\d+)w)?(?:(\d+)d)?"
OF_DAYS = ("before", "on_or_before", "after", "on_or_after")


def add(day, period):
    """Calendar addition; the 31st of January and a month is the end of February."""
    if period == "permanent" or day == FOREVER:
        return FOREVER
    years, months, weeks, days = (int(n or 0) for n in re.fullmatch(PERIOD, period).groups())
    year, month = divmod(day.year * 12 + day.month - 1 + years * 12 + months, 12)
    if year > 9900:
        return FOREVER
    last_of_month = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last_of_month)) + timedelta(days=weeks * 7 + days)


def cut_off(day, cutoff):
    last_of_month = monthrange(day.year, day.month)[1]
    if cutoff == "end_of_year":
        return date(day.year, 12, 31)
    return day.replace(day=last_of_month) if cutoff == "end_of_month" else day


def as_type(raw, kind):
    """The value of a declared metadata field; None when it is missing or malformed."""
    if kind == "int":
        return int(raw) if re.fullmatch(r"-?\d{1,18}", str(raw)) else None
    if kind == "date":
        try:
            return date.fromisoformat(raw) if re.fullmatch(r"\d{4}-\d\d-\d\d", str(raw)) else None
        except ValueError:
            return None
    return raw if isinstance(raw, str) else None


def value(world, document, field):
    if field == "status":  # the trash does not end what a condition on the status keeps
        return document.before_trash or document.status
    if field in ("registered_on", "archived_on"):
        moment = document.registered_at if field == "registered_on" else document.archived_at
        return moment and world.day(moment)
    raw = document.values.get(field)
    return as_type(raw, world.types[field]) if field in world.types else raw


def answer(world, document, condition, today, is_strict):
    """True, false or None; strictly, also a question for nullness is no evidence."""
    if "all" in condition or "any" in condition:
        kind = "all" if "all" in condition else "any"
        parts = [answer(world, document, part, today, is_strict) for part in condition[kind]]
        decisive = kind == "any"
        return decisive if decisive in parts else None if None in parts else not decisive
    if "not" in condition:
        part = answer(world, document, condition["not"], today, is_strict)
        return None if part is None else not part
    has = value(world, document, condition["field"])
    op, want = condition["op"], condition.get("value")
    if has is None:
        is_missing = document.values.get(condition["field"]) is None  # and not malformed
        asks_for_it = op in ("is_null", "not_null") and is_missing and not is_strict
        return op == "is_null" if asks_for_it else None
    day = date.fromisoformat(want) if op in OF_DAYS else None
    return bool({
        "is_null": lambda: False, "not_null": lambda: True,
        "eq": lambda: has == want, "ne": lambda: has != want,
        "in": lambda: has in want, "not_in": lambda: has not in want,
        "contains": lambda: want.lower() in has.lower(),
        "starts_with": lambda: has.startswith(want),
        "lt": lambda: has < want, "lte": lambda: has <= want,
        "gt": lambda: has > want, "gte": lambda: has >= want,
        "before": lambda: has < day, "on_or_before": lambda: has <= day,
        "after": lambda: has > day, "on_or_after": lambda: has >= day,
        "older_than": lambda: add(has, want) < today, "newer_than": lambda: add(has, want) >= today,
        "within_next": lambda: today < has <= add(today, want),
        "has_any": lambda: set(has) & set(want), "has_all": lambda: set(has) >= set(want),
        "has_none": lambda: not set(has) & set(want),
    }[op]())  # fmt: skip


def fields(condition):
    """Every field a condition looks at."""
    if "field" in condition:
        return {condition["field"]}
    parts = [condition["not"]] if "not" in condition else condition.get("all", condition.get("any"))
    return set().union(*map(fields, parts))
