"""Destruction, step by step."""

from collections.abc import Sequence
from datetime import date, datetime

from doclife.domain.plan import ShardRef
from doclife.store.connection import Connection
from doclife.store.rows import fetch_value
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


def finish(
    conn: Connection,
    shard: ShardRef,
    *,
    organization_id: int,
    document_ids: Sequence[int],
    now: datetime,
    today: date,
    actor: str,
) -> int:
    """Let documents be purged whose bytes are all gone; return how many."""
    return int(
        fetch_value(
            conn,
            statement("purge/finish"),
            {
                **_key(shard),
                "organization_id": organization_id,
                "document_ids": list(document_ids),
                "now": now,
                "today": today,
                "actor": actor,
            },
        )
    )


def record_removed_originals(
    conn: Connection,
    shard: ShardRef,
    *,
    organization_id: int,
    document_ids: Sequence[int],
    now: datetime,
    today: date,
    actor: str,
) -> int:
    """Let archived documents stand on their copy alone; return how many."""
    return int(
        fetch_value(
            conn,
            statement("purge/record_removed_originals"),
            {
                **_key(shard),
                "organization_id": organization_id,
                "document_ids": list(document_ids),
                "now": now,
                "today": today,
                "actor": actor,
            },
        )
    )


def _key(shard: ShardRef) -> dict[str, object]:
    return {
        "plan_id": shard.plan_id,
        "action_index": shard.action_index,
        "shard": shard.shard,
    }
