"""Destruction, step by step."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from psycopg.types.json import Jsonb

from doclife.domain.plan import ShardRef
from doclife.store.batches import Done
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


def peek(conn: Connection, shard: ShardRef, *, size: int) -> list[int]:
    """Return the next documents of a shard without locking them."""
    parameters = {**_key(shard), "size": size}
    return [row[0] for row in conn.execute(statement("purge/peek"), parameters)]


def begin(
    conn: Connection, shard: ShardRef, *, organization_id: int, now: datetime, actor: str
) -> None:
    """Let the cleared documents of the judged batch be purging."""
    conn.execute(
        statement("purge/begin"),
        {
            "plan_id": shard.plan_id,
            "organization_id": organization_id,
            "now": now,
            "actor": actor,
        },
    )


def lock(conn: Connection, document_ids: Sequence[int]) -> None:
    """Keep documents as they are until the transaction ends."""
    conn.execute(statement("purge/lock"), {"document_ids": list(document_ids)})


def record_destroyed(
    conn: Connection,
    document_ids: Sequence[int],
    *,
    plan_id: int,
    found_gone: Set[int],
    other_links: Mapping[int, int],
    now: datetime,
) -> list[int]:
    """Keep what a certificate will say of documents whose bytes are all gone; return these.

    :param found_gone: stored objects that were gone before they were to be removed.
    :param other_links: how many other hard links lead to the bytes of a stored object.
    """
    parameters = {
        "plan_id": plan_id,
        "document_ids": list(document_ids),
        "found_gone": sorted(found_gone),
        "links": Jsonb({str(object_id): count for object_id, count in other_links.items()}),
        "now": now,
    }
    return [row[0] for row in conn.execute(statement("purge/record_destroyed"), parameters)]


def finish(conn: Connection, document_ids: Sequence[int], *, now: datetime) -> list[Done]:
    """Let documents be purged whose bytes are all gone; return them."""
    parameters = {"document_ids": list(document_ids), "now": now}
    return fetch_rows(conn, statement("purge/finish"), parameters, Done)


def detach_originals(conn: Connection, document_ids: Sequence[int]) -> list[Done]:
    """Let archived documents stand on their copy alone; return them."""
    parameters = {"document_ids": list(document_ids)}
    return fetch_rows(conn, statement("purge/detach_originals"), parameters, Done)


def _key(shard: ShardRef) -> dict[str, object]:
    return {
        "plan_id": shard.plan_id,
        "action_index": shard.action_index,
        "shard": shard.shard,
    }
