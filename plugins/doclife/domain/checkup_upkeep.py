"""Whether the database keeps itself small: partitions, vacuum, and what holds vacuum back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from doclife.domain.checkup import Finding, fault, ok, warning
from doclife.domain.checkup_running import in_words

LEAST = timedelta(days=3)
"""The weekly cleanup makes two weeks; with less than this the next one will not come in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """How far ahead a history table has partitions, and what lies in none of a day."""

    name: str
    last_day: date | None
    """The last one that has a partition; None without any, as before the first cleanup."""
    strays_from: date | None
    """Of the rows in the default partition, which came on days that had none of their own."""
    strays_until: date | None


def judge_partitions(
    tables: Sequence[History], *, today: date, history_days: int
) -> Iterator[Finding]:
    """Judge whether finished jobs and attempts have a partition of their day to lie in.

    Rows in a default partition are no trouble once the days to come have partitions: of their own
    days PostgreSQL makes none any more.

    :param history_days: how long weekly_cleanup keeps them.
    """
    well = True
    left = []
    for table in tables:
        is_short = table.last_day is None or table.last_day < today + LEAST
        if is_short and table.last_day is not None:
            well = False
            yield warning(
                "partitions",
                f"{table.name} has partitions until {table.last_day}, and today is {today}",
                fix="weekly_cleanup makes two weeks ahead: look why it did not run, and trigger it",
            )
        if table.strays_from is None:
            continue
        days = f"{table.strays_from} to {table.strays_until}"
        if is_short:
            well = False
            yield warning(
                "partitions",
                f"{table.name}_default has rows, of {days}: they came on days without a partition, "
                f"and go row by row, {history_days} days later",
                fix="trigger weekly_cleanup, and look why it did not run: it makes partitions of "
                "days that have no row yet. Make none by hand for the others: CREATE and ATTACH "
                f"fail while {table.name}_default has rows of that day, and none is needed",
            )
        else:
            left.append(f"{table.name}_default keeps rows of {days}")
    if well:
        rest = (
            f"; {', '.join(left)}, which had none: weekly_cleanup takes them row by row, "
            f"{history_days} days later, and nothing is to be done"
            if left
            else ", and the default ones are empty"
        )
        yield ok("partitions", f"made ahead{rest}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TableUpkeep:
    """How a table is vacuumed."""

    name: str
    is_switched_off: bool
    """Somebody has set autovacuum_enabled = false for it."""
    live_rows: int
    dead_rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseUpkeep:
    """How old the oldest row is that vacuum has not frozen."""

    transaction_age: int
    """In transactions; at two billion the server takes no writes."""


MOST_DEAD_ROWS = 100_000
AGE_WARNING, AGE_FAULT = 1_000_000_000, 1_600_000_000
"""PostgreSQL begins to freeze by force at 200 million and stops writing at 2.1 billion."""


def judge_vacuum(tables: Sequence[TableUpkeep], database: DatabaseUpkeep) -> Iterator[Finding]:
    """Judge whether what was deleted and changed is cleared away."""
    well = True
    for table in tables:
        if table.is_switched_off:
            well = False
            yield warning(
                "vacuum",
                f"autovacuum is switched off for {table.name}: it grows, and becomes slow",
                fix=f"as owner: ALTER TABLE doclife.{table.name} RESET (autovacuum_enabled)",
            )
        elif table.dead_rows > max(MOST_DEAD_ROWS, table.live_rows):
            well = False
            yield warning(
                "vacuum",
                f"{table.name} has {table.dead_rows:,} dead rows beside {table.live_rows:,}",
                fix=f"as owner: VACUUM doclife.{table.name}; when it does not help, something "
                "holds it back: see the findings of that name",
            )
    if database.transaction_age >= AGE_WARNING:
        well = False
        judged = fault if database.transaction_age >= AGE_FAULT else warning
        yield judged(
            "vacuum",
            f"the oldest row is {database.transaction_age:,} transactions old; at 2.1 billion "
            "the server stops writing",
            fix="as superuser: VACUUM (FREEZE) in this database, after ending what holds it back",
        )
    if well:
        yield ok("vacuum", "no table is left out, and none has many dead rows")


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldBack:
    """Something for whose sake vacuum keeps what is dead, or the server keeps WAL."""

    kind: str
    """``session``, ``prepared transaction`` or ``replication slot``."""
    name: str
    """Number of the server process, or the name it was given."""
    detail: str
    since: datetime | None
    """None where the server does not say."""
    kept_bytes: int | None
    """WAL that is kept for it; None where none is."""


HOLD_WARNING, HOLD_FAULT = timedelta(hours=1), timedelta(hours=24)
KEPT_WARNING, KEPT_FAULT = 1_000_000_000, 20_000_000_000
_FIX = {
    "session": "end it: SELECT pg_terminate_backend({name})",
    "prepared transaction": "ROLLBACK PREPARED '{name}', or COMMIT PREPARED, by who prepared it",
    "replication slot": "bring its reader back, or SELECT pg_drop_replication_slot('{name}')",
}


def judge_hold_backs(found: Sequence[HoldBack], *, now: datetime) -> Iterator[Finding]:
    """Judge whether something old keeps vacuum from clearing away."""
    well = True
    for one in found:
        age = timedelta() if one.since is None else now - one.since
        kept = one.kept_bytes or 0
        if age < HOLD_WARNING and kept < KEPT_WARNING:
            continue
        well = False
        judged = fault if age >= HOLD_FAULT or kept >= KEPT_FAULT else warning
        parts = [f"{one.kind} {one.name} ({one.detail})"]
        if age >= HOLD_WARNING:
            parts.append(f"open for {in_words(age)}: nothing that died since is cleared away")
        if kept >= KEPT_WARNING:
            parts.append(f"{kept / 1e9:.1f} GB of WAL are kept for it, until the disk is full")
        yield judged("held back", ", ".join(parts), fix=_FIX[one.kind].format(name=one.name))
    if well:
        yield ok("held back", "no old transaction and no forgotten replication slot")
