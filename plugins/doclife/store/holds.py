"""Reads and writes matters and the documents they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """A legal hold's case; released ones stay for the record."""

    id: int
    released_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A document that was put under a matter."""

    document_id: int
    too_late_since: datetime | None
    """When destruction had begun before the hold came; None when it came in time."""


def open_matter(
    conn: Connection,
    *,
    organization_id: int,
    name: str,
    reason: str,
    authority: str | None,
    actor: str,
    now: datetime,
) -> int | None:
    """Open a matter or find the open one; None when a released one has the name."""
    found: int | None = fetch_value(
        conn,
        statement("holds/open_matter"),
        {
            "organization_id": organization_id,
            "name": name,
            "reason": reason,
            "authority": authority,
            "actor": actor,
            "now": now,
        },
    )
    return found


def find_matter(conn: Connection, organization_id: int, name: str) -> Matter | None:
    """Return the matter of that name."""
    parameters = {"organization_id": organization_id, "name": name}
    found = fetch_rows(conn, statement("holds/find_matter"), parameters, Matter)
    return found[0] if found else None


def hold(
    conn: Connection,
    *,
    matter_id: int,
    organization_id: int,
    document_ids: Sequence[int],
    actor: str,
    now: datetime,
) -> list[Held]:
    """Put documents under a matter; those already under it are left out of the answer."""
    return fetch_rows(
        conn,
        statement("holds/hold"),
        {
            "matter_id": matter_id,
            "organization_id": organization_id,
            "document_ids": list(document_ids),
            "actor": actor,
            "now": now,
        },
        Held,
    )


def release(
    conn: Connection,
    *,
    matter_id: int,
    document_ids: Sequence[int] | None,
    actor: str,
    now: datetime,
) -> list[int]:
    """Release documents, or all of them, from a matter."""
    parameters = {
        "matter_id": matter_id,
        "document_ids": None if document_ids is None else list(document_ids),
        "actor": actor,
        "now": now,
    }
    return [row[0] for row in conn.execute(statement("holds/release"), parameters)]


def close_matter(conn: Connection, matter_id: int, *, actor: str, now: datetime) -> None:
    """Close a matter."""
    parameters = {"matter_id": matter_id, "actor": actor, "now": now}
    conn.execute(statement("holds/close_matter"), parameters)


def record(
    conn: Connection,
    *,
    organization_id: int,
    document_ids: Sequence[int],
    action: str,
    today: date,
    now: datetime,
    actor: str,
    reason: str,
) -> None:
    """Record for documents that they were held or released."""
    conn.execute(
        statement("holds/record"),
        {
            "organization_id": organization_id,
            "document_ids": list(document_ids),
            "action": action,
            "today": today,
            "now": now,
            "actor": actor,
            "reason": reason,
        },
    )
