"""Says when something is or was, in words and exactly."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_UNITS = (
    ("year", 365 * 86400),
    ("month", 30 * 86400),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
)


def relative(moment: datetime, *, now: datetime) -> str:
    """Return how far away a moment is: ``in 18 hours``, ``2 days ago``, ``just now``."""
    seconds = (moment - now).total_seconds()
    for name, length in _UNITS:
        count = int(abs(seconds) // length)
        if count:
            words = f"{count} {name}{'' if count == 1 else 's'}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "now" if seconds > 0 else "just now"


def relative_day(day: date, *, today: date) -> str:
    """Return how far away a day is: ``today``, ``tomorrow``, ``in 3 weeks``, ``2 years ago``."""
    days = (day - today).days
    if days in (-1, 0, 1):
        return {-1: "yesterday", 0: "today", 1: "tomorrow"}[days]
    for name, length in (("year", 365), ("month", 30), ("week", 7), ("day", 1)):
        count = abs(days) // length
        if count >= (2 if name == "week" else 1):
            words = f"{count} {name}{'' if count == 1 else 's'}"
            return f"in {words}" if days > 0 else f"{words} ago"
    raise AssertionError(days)


def exact(moment: datetime, *, zone: str) -> str:
    """Return a moment as a clock in the organization's zone shows it: ``2026-11-23 03:00 CET``."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def machine(moment: datetime) -> str:
    """Return a moment for the ``datetime`` attribute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float) -> str:
    """Return a length of time: ``4 s``, ``1 min 12 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 10 and seconds != whole else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
