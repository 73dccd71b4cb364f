"""Reads and writes matters; event and audit entry of each change come from the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """A legal hold's case; closed ones stay for the record."""

    id: int
    name: str
    reason: str
    authority: str | None
    condition: Any
    """Plain data, as a rule file writes it; None: holds only what is put under it."""
    created_by: str
    created_at: datetime
    changed_by: str | None
    changed_at: datetime | None
    released_by: str | None
    released_at: datetime | None
    """When it was closed."""
    release_reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MatterLine(Matter):
    """A matter in a list, with what it holds."""

    held: int
    held_bytes: int
    unknown: int
    """Of those held: documents of which nobody can say whether the condition is true."""
    released: int
    too_late: int


def open_matter(
    conn: Connection,
    *,
    organization_id: int,
    name: str,
    reason: str,
    authority: str | None,
    condition: Any,
    actor: str,
    now: datetime,
) -> int | None:
    """Open a matter and return its id; None when there is one of that name."""
    found: int | None = fetch_value(
        conn,
        statement("matters/open"),
        {
            "organization_id": organization_id,
            "name": name,
            "reason": reason,
            "authority": authority,
            "condition": None if condition is None else Jsonb(condition),
            "actor": actor,
            "now": now,
        },
    )
    return found


def find(conn: Connection, organization_id: int, name: str) -> Matter | None:
    """Return the matter of that name."""
    parameters = {"organization_id": organization_id, "name": name}
    found = fetch_rows(conn, statement("matters/find"), parameters, Matter)
    return found[0] if found else None


def share(conn: Connection, *, organization_id: int, name: str) -> None:
    """Let nobody close an open matter until the transaction ends; nothing when there is none."""
    parameters = {"organization_id": organization_id, "name": name}
    conn.execute(statement("matters/share"), parameters)


def lock(conn: Connection, matter_id: int) -> None:
    """Be the only one to change a matter until the transaction ends. Comes before documents."""
    conn.execute(statement("matters/lock"), {"matter_id": matter_id})


def change_condition(
    conn: Connection, matter_id: int, *, condition: Any, actor: str, now: datetime
) -> bool:
    """Give an open matter another condition, or None; False when it is closed."""
    parameters = {
        "matter_id": matter_id,
        "condition": None if condition is None else Jsonb(condition),
        "actor": actor,
        "now": now,
    }
    return fetch_value(conn, statement("matters/change_condition"), parameters) is not None


def close(
    conn: Connection, matter_id: int, *, actor: str, reason: str | None, now: datetime
) -> None:
    """Close a matter that holds nobody any more; once more does nothing."""
    parameters = {"matter_id": matter_id, "actor": actor, "reason": reason, "now": now}
    conn.execute(statement("matters/close"), parameters)


def list_all(
    conn: Connection, organization_id: int, *, with_closed: bool, name: str | None = None
) -> list[MatterLine]:
    """Return matters with what they hold: the open ones first, then the newest."""
    parameters = {"organization_id": organization_id, "with_closed": with_closed, "name": name}
    return fetch_rows(conn, statement("matters/list"), parameters, MatterLine)


def count_documents(conn: Connection, matter_id: int) -> list[dict[str, Any]]:
    """Return the documents of a matter, counted by hold, status and basis."""
    return fetch_dicts(conn, statement("matters/count_documents"), {"matter_id": matter_id})


def list_documents(
    conn: Connection, matter_id: int, *, after: str | None, size: int
) -> list[dict[str, Any]]:
    """Return a page of the documents that are or were under a matter, by external id."""
    parameters = {"matter_id": matter_id, "after": after, "size": size}
    return fetch_dicts(conn, statement("matters/list_documents"), parameters)


def preview(conn: Connection, organization_id: int, catches: Fragment) -> list[dict[str, Any]]:
    """Return what a condition would catch, counted by basis and status, with examples."""
    query = composed("matters/preview", catches=catches.text)
    return fetch_dicts(conn, query, {**catches.parameters, "organization_id": organization_id})
