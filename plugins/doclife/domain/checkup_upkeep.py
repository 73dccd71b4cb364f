"""Whether the database keeps itself small: partitions, vacuum, and what holds vacuum back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from doclife.domain.checkup import Finding, fault, ok, warning
from doclife.domain.checkup_running import in_words

LEAST_DAYS_AHEAD = 3
"""The weekly cleanup makes two weeks; with less than this the next one will not come in time."""


def judge_partitions(
    last_days: Mapping[str, date | None], *, overflowing: Sequence[str], today: date
) -> Iterator[Finding]:
    """Judge whether finished jobs and attempts have a partition of their day to lie in.

    :param last_days: of each history table the last day that has a partition; None without any, as
        before the first cleanup.
    :param overflowing: default partitions that hold rows: of days that had none.
    """
    well = True
    for parent, day in last_days.items():
        if day is not None and day < today + timedelta(days=LEAST_DAYS_AHEAD):
            well = False
            yield warning(
                "partitions",
                f"{parent} has partitions until {day}, and today is {today}",
                fix="weekly_cleanup makes two weeks ahead: look why it did not run, and trigger it",
            )
    for name in overflowing:
        well = False
        yield warning(
            "partitions",
            f"{name} has rows: they came on days without a partition, and go row by row",
            fix="weekly_cleanup makes partitions ahead: look why it did not run, and trigger it",
        )
    if well:
        yield ok("partitions", "made ahead, and the default ones are empty")


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
