"""Writes the audit trail for changes that are not about a document.

Changes to documents are recorded by the same statement that makes them.
"""

from collections.abc import Mapping
from datetime import datetime

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.sql import statement


def record(
    conn: Connection,
    *,
    organization_id: int,
    at: datetime,
    actor: str,
    action: str,
    reason: str,
    rule: str | None = None,
    plan_id: int | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Record one change, in the caller's transaction so that both exist or neither."""
    conn.execute(
        statement("audit/record"),
        {
            "organization_id": organization_id,
            "at": at,
            "actor": actor,
            "rule": rule,
            "action": action,
            "plan_id": plan_id,
            "reason": reason,
            "details": Jsonb(dict(details or {})),
        },
    )
