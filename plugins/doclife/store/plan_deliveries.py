"""Reads how far the messages of plans have come; for tasks, and for what waits in the triggerer."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from doclife.store.connection import USE_SCHEMA, Connection
from doclife.store.queue_watch import AsyncConnection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement

_QUERY = statement("queue/delivery_of_plans")


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """How far the messages of some plans have come."""

    waiting: int
    """To be sent, or to be tried again."""
    given_up: int
    """Failed or cancelled."""
    reasons: list[str]
    """Of the first that were given up."""


def find(conn: Connection, *, plan_ids: Sequence[int], kinds: Sequence[str]) -> Delivery:
    """Return how far the messages of some plans have come; ``kinds`` are those of their jobs."""
    return fetch_rows(conn, _QUERY, {"plan_ids": list(plan_ids), "kinds": list(kinds)}, Delivery)[0]


async def watch(
    conn: AsyncConnection, *, plan_ids: Sequence[int], kinds: Sequence[str]
) -> Delivery:
    """Return the same over a connection of the triggerer, also through a pooler."""
    async with conn.transaction():
        await conn.execute(USE_SCHEMA)
        async with conn.cursor(row_factory=class_row(Delivery)) as cursor:
            await cursor.execute(_QUERY, {"plan_ids": list(plan_ids), "kinds": list(kinds)})
            found = await cursor.fetchone()
    assert found is not None
    return found
