"""How many rows each table has, how much room it takes, and how old its oldest row is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

PRUNED: dict[str, tuple[str, LiteralString]] = {
    "job_history": ("90 days", "finished_at < %(aged)s"),
    "delivery_attempts": ("90 days", "attempted_at < %(aged)s"),
    "delivery_events": ("90 days", "received_at < %(aged)s"),
    "import_runs": ("90 days", "started_at < %(aged)s"),
    "idempotency_keys": ("a day", "created_at < %(cleaned)s - interval '2 days'"),
    "job_keys": ("30 days after the job", "expires_at < %(cleaned)s - interval '1 day'"),
    "notifications": (
        "90 days; unread ones a year",
        "created_at < %(aged)s AND read_at IS NOT NULL",
    ),
    "plan_items": (
        "what was done; else 90 days, or 400",
        "state IN ('planned', 'skipped') AND plan_id IN (SELECT id FROM plans WHERE"
        " created_at < %(aged)s AND (mode = 'simulate' OR state IN ('superseded', 'lapsed')))",
    ),
}
"""By table: how long its rows are kept, and which of them a cleanup should not have left."""
HISTORY = timedelta(days=91)
"""A cleanup at night leaves what was ninety days old on that day."""

TABLES: LiteralString = """
SELECT
    coalesce(parent.relname, child.relname) AS name,
    sum(pg_total_relation_size(child.oid))::bigint AS total_bytes,
    count(parent.oid) AS partitions
FROM pg_class AS child
LEFT JOIN pg_inherits AS link ON child.oid = link.inhrelid
LEFT JOIN pg_class AS parent ON parent.oid = link.inhparent
WHERE child.relnamespace = 'doclife'::regnamespace AND child.relkind IN ('r', 'p')
GROUP BY coalesce(parent.relname, child.relname)
"""


@dataclass(frozen=True, kw_only=True)
class Table:
    rows: int
    total_bytes: int
    """With its indexes, and what it keeps beside itself."""
    partitions: int


@dataclass(frozen=True, kw_only=True)
class Census:
    """What there is at one moment."""

    night: int
    documents: int
    tables: dict[str, Table]
    stores: dict[str, tuple[int, int]]
    """Files and bytes by store."""

    @property
    def total_bytes(self) -> int:
        return sum(table.total_bytes for table in self.tables.values())


def take_census(eyes: psycopg.Connection[Any], *, night: int, stores: dict[str, Path]) -> Census:
    """Count every row of every table; dead rows were vacuumed first, as in the months before."""
    eyes.execute("VACUUM (ANALYZE)")
    tables = {}
    for name, total_bytes, partitions in eyes.execute(TABLES).fetchall():
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
        row = eyes.execute(count).fetchone()
        assert row is not None
        tables[name] = Table(rows=row[0], total_bytes=total_bytes, partitions=partitions)
    return Census(
        night=night,
        documents=tables["documents"].rows,
        tables=tables,
        stores={name: _weigh(root) for name, root in stores.items()},
    )


def overdue(eyes: psycopg.Connection[Any], *, cleaned: datetime) -> dict[str, int]:
    """Count rows by table that the cleanup of that moment should have pruned."""
    found = {}
    for table, (_kept, condition) in PRUNED.items():
        query = sql.SQL("SELECT count(*) FROM {} WHERE ").format(sql.Identifier(table))
        row = eyes.execute(
            query + sql.SQL(condition), {"cleaned": cleaned, "aged": cleaned - HISTORY}
        ).fetchone()
        if row is not None and row[0]:
            found[table] = row[0]
    return found


def _weigh(root: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in root.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)
