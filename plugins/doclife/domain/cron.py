"""When a cron expression comes due on a wall clock that is put forward and back.

Like cron itself: what is to run at a certain hour runs once on each day, also on the night when
that hour does not exist (then as much later as the clock was put forward) or comes twice (then the
first time). What runs every hour, or every few minutes, goes by elapsed time: it neither pauses nor
repeats.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

_WIDEST_SHIFT = timedelta(hours=26)
"""More than any clock was ever put forward or back (a day, in Samoa)."""


def next_time(cron: str, *, zone: ZoneInfo, after: datetime) -> datetime:
    """Return the first moment after ``after`` at which the expression is due, in UTC.

    :param cron: five fields, checked before (``domain.rule``).
    :param after: aware.
    """
    hourly = cron.split()[1].startswith("*")
    # Moments of the wall clock are in its own order; the clock of the world may order them anew.
    local = after.astimezone(zone).replace(tzinfo=None)
    best: datetime | None = None
    for wall in _walls(cron, local - _WIDEST_SHIFT):
        for moment in _moments(wall, zone, hourly=hourly):
            if moment > after and (best is None or moment < best):
                best = moment
        if best is not None and wall > best.astimezone(zone).replace(tzinfo=None) + _WIDEST_SHIFT:
            return best
    raise AssertionError("a cron expression that was checked always comes due again")


def times_between(
    cron: str, *, zone: ZoneInfo, after: datetime, until: datetime, most: int
) -> list[datetime]:
    """Return the moments after ``after`` up to and with ``until``: the last ``most`` of them."""
    found: list[datetime] = []
    moment = next_time(cron, zone=zone, after=after)
    while moment <= until:
        found.append(moment)
        del found[:-most]
        moment = next_time(cron, zone=zone, after=moment)
    return found


def _walls(cron: str, start: datetime) -> Iterator[datetime]:
    steps = croniter(cron, start)
    while True:
        yield steps.get_next(datetime)


def _moments(wall: datetime, zone: ZoneInfo, *, hourly: bool) -> list[datetime]:
    """Return the moments at which a wall clock of the zone shows this time."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return [first]
    exists = first.astimezone(zone).replace(tzinfo=None) == wall
    if exists:
        return [first, second] if hourly else [first]
    return [] if hourly else [first]
