"""Watches the queue over an asynchronous connection, also through pgbouncer.

Everything is set for one transaction at a time: a pooler in transaction mode may give the next one
to another session. There LISTEN hears nothing, and asking every few seconds does.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from doclife.store.connection import USE_SCHEMA
from doclife.store.sql import statement

AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class NextWork:
    """What there is to do, by the database's clock."""

    due_seconds: float | None
    """Until the next free job's turn; negative when it is overdue, None without one."""
    schedule_seconds: float | None
    """Likewise for scheduled jobs."""
    has_events: bool
    living: int
    """Workers whose lease has not run out."""
    lease_seconds: float | None
    """Until the first of their leases runs out, unless its worker gives a sign of life."""
    expired: int


async def connect(conninfo: str) -> AsyncConnection:
    """Open a connection that prepares no statements, which a pooler would lose."""
    return await psycopg.AsyncConnection.connect(
        conninfo, autocommit=True, prepare_threshold=None, connect_timeout=10
    )


async def listen(conn: AsyncConnection) -> None:
    """Hear what wakes the queue, where the server or pooler lets us."""
    try:
        await conn.execute(statement("queue/listen"))
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.SyntaxError):
        return


async def next_work(conn: AsyncConnection) -> NextWork:
    """Return what there is to do, and who is there to do it."""
    async with conn.transaction():
        await conn.execute(USE_SCHEMA)
        async with conn.cursor(row_factory=class_row(NextWork)) as cursor:
            await cursor.execute(statement("queue/next_work"))
            found = await cursor.fetchone()
    assert found is not None
    return found


async def wait(conn: AsyncConnection, *, seconds: float) -> bool:
    """Wait until somebody says that there is work, or so long; return whether somebody did."""
    async for _ in conn.notifies(timeout=seconds, stop_after=1):
        return True
    return False
