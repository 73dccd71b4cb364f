"""Rebuilds the read model of what will fall due."""

from datetime import datetime

from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.sql import composed, statement


def clear(conn: Connection, organization_id: int) -> None:
    """Forget what was forecast for an organization."""
    conn.execute(statement("forecast/clear"), {"organization_id": organization_id})


def insert(
    conn: Connection,
    *,
    organization_id: int,
    rule_version_id: int,
    hits: Fragment,
    now: datetime,
) -> int:
    """Write down when a rule's actions fall due; return how many rows that were."""
    cursor = conn.execute(
        composed("forecast/insert", hits=hits.text),
        {
            **hits.parameters,
            "organization_id": organization_id,
            "rule_version_id": rule_version_id,
            "now": now,
        },
    )
    return cursor.rowcount
