"""Reads the audit trail, and writes it for changes that are not about a document.

Changes to documents are recorded by the same statement that makes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One change: who, what, when, why."""

    entry_id: int
    at: datetime
    actor: str
    """``user:<name>``, ``cli:<os user>``, ``schedule``, ``event`` or ``application:<login>``."""
    rule: str | None
    action: str
    document_id: int | None
    plan_id: int | None
    reason: str
    details: dict[str, Any]


def list_page(
    conn: Connection,
    *,
    organization_id: int,
    document_id: int | None,
    plan_id: int | None,
    actor: str | None,
    before: int | None,
    size: int,
) -> list[AuditEntry]:
    """Return a page of changes, the newest first."""
    parameters = {
        "organization_id": organization_id,
        "document_id": document_id,
        "actor": actor,
        "before": before,
        "size": size,
    }
    if plan_id is None:
        return fetch_rows(conn, statement("audit/list"), parameters, AuditEntry)
    parameters["plan_id"] = plan_id
    return fetch_rows(conn, statement("audit/list_of_plan"), parameters, AuditEntry)


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
