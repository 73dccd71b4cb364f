"""Makes and drops the daily partitions of the history, and finds bags left half done."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement

HISTORY_TABLES = ("job_history", "delivery_attempts")
PARTITIONS_AHEAD_DAYS = 14
"""Made in advance, so that a cleanup missed once or twice costs nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """One day of a history table."""

    parent: str
    name: str
    day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class UnfinishedBag:
    """A bag that nobody can still be at work on."""

    bag_id: int
    uri: str
    state: str
    is_inherited: bool
    """It was begun before this database took the place of another one."""


def list_partitions(conn: Connection) -> list[Partition]:
    """Return the daily partitions there are."""
    return fetch_rows(conn, statement("cleaning/list_partitions"), {}, Partition)


def make_partition(conn: Connection, *, parent: str, day: date) -> bool:
    """Make the partition of one day; return whether it was made now."""
    parameters = {"parent": parent, "day": day}
    return bool(fetch_value(conn, statement("cleaning/make_partition"), parameters))


def make_partitions_ahead(conn: Connection, *, today: date) -> int:
    """Make the partitions of today and the days to come; return how many were made now."""
    return sum(
        make_partition(conn, parent=parent, day=today + timedelta(days=ahead))
        for parent in HISTORY_TABLES
        for ahead in range(PARTITIONS_AHEAD_DAYS)
    )


def drop_partition(conn: Connection, *, parent: str, day: date) -> bool:
    """Drop the partition of one day; return whether there was one."""
    parameters = {"parent": parent, "day": day}
    return bool(fetch_value(conn, statement("cleaning/drop_partition"), parameters))


def prune_default(conn: Connection, *, parent: str, before: date, size: int) -> int:
    """Drop at most so many rows of before a day that had no partition; return how many went."""
    parameters = {"parent": parent, "before": before, "size": size}
    return int(fetch_value(conn, statement("cleaning/prune_default"), parameters))


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedKeys:
    """What became of some unique keys of jobs."""

    organization_id: int | None
    unique_key: str | None
    """The last key that was looked at; both None: there are no more."""
    forgotten: int


def prune_keys(conn: Connection, *, after: tuple[int, str], now: datetime, size: int) -> PrunedKeys:
    """Forget which of the next so many unique keys of jobs have counted long enough.

    :param after: organization and key that the call before ended with; ``(0, "")`` to begin.
    """
    parameters = {
        "after_organization": after[0],
        "after_key": after[1],
        "now": now,
        "size": size,
    }
    [pruned] = fetch_rows(conn, statement("cleaning/prune_keys"), parameters, PrunedKeys)
    return pruned


def list_unfinished_bags(conn: Connection, *, now: datetime) -> list[UnfinishedBag]:
    """Return the bags left half written or half rewritten for an hour or more."""
    return fetch_rows(conn, statement("bags/list_to_sweep"), {"now": now}, UnfinishedBag)
