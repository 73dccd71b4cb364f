"""Erasure requests and the plans that do what they ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureRequest:
    """What a person asked for, and how far it is."""

    request_id: int
    person: str | None
    """None once it is closed."""
    fields: Sequence[str]
    due_on: date
    state: str
    """``open`` or ``closed``."""
    plan_id: int | None
    plan_state: str | None
    purge_plan_id: int | None
    requested_by: str
    requested_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    erased_count: int | None
    kept_count: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """What a plan does with documents, or why it does not."""

    action: str
    state: str
    reason_code: str | None
    reason: str
    documents: int
    first_document: int


def insert(
    conn: Connection,
    *,
    organization_id: int,
    person: str,
    fields: Sequence[str],
    due_on: date,
    actor: str,
    now: datetime,
) -> int:
    """Store a request and return its number."""
    parameters = {
        "organization_id": organization_id,
        "person": person,
        "fields": list(fields),
        "due_on": due_on,
        "actor": actor,
        "now": now,
    }
    return int(fetch_value(conn, statement("erasure/insert"), parameters))


def find_earlier(conn: Connection, *, organization_id: int, person: str) -> int | None:
    """Return the open request of a person, if there is one."""
    parameters = {"organization_id": organization_id, "person": person}
    found: int | None = fetch_value(conn, statement("erasure/find_earlier"), parameters)
    return found


def find_documents(
    conn: Connection, *, organization_id: int, person: str, fields: Sequence[str]
) -> list[int]:
    """Return the documents of a person that are not destroyed."""
    parameters = {"organization_id": organization_id, "person": person, "fields": list(fields)}
    return [row[0] for row in conn.execute(statement("erasure/find_documents"), parameters)]


def list_requests(
    conn: Connection,
    *,
    organization_id: int,
    request_id: int | None = None,
    is_open: bool | None = None,
    before: int | None = None,
    size: int,
) -> list[ErasureRequest]:
    """Return a page of requests, the newest first."""
    parameters = {
        "organization_id": organization_id,
        "request_id": request_id,
        "is_open": is_open,
        "before": before,
        "size": size,
    }
    return fetch_rows(conn, statement("erasure/list"), parameters, ErasureRequest)


def list_open(
    conn: Connection,
    *,
    organization_id: int,
    due_by: date | None = None,
    after: tuple[date | None, int] | None = None,
    size: int,
) -> list[ErasureRequest]:
    """Return a page of open requests, the soonest deadline first.

    :param after: deadline and number of the last request of the page before.
    """
    after_due_on, after_id = after or (None, None)
    parameters = {
        "organization_id": organization_id,
        "due_by": due_by,
        "after_due_on": after_due_on,
        "after_id": after_id,
        "size": size,
    }
    return fetch_rows(conn, statement("erasure/list_open"), parameters, ErasureRequest)


def set_plan(
    conn: Connection,
    request_id: int,
    *,
    plan_id: int | None = None,
    purge_plan_id: int | None = None,
) -> None:
    """Note the plans of a request; None keeps what is there."""
    parameters = {"request_id": request_id, "plan_id": plan_id, "purge_plan_id": purge_plan_id}
    conn.execute(statement("erasure/set_plan"), parameters)


def close(
    conn: Connection, request_id: int, *, kept_count: int, actor: str, now: datetime
) -> int | None:
    """Close a request and return how many documents were destroyed; None if it was closed."""
    parameters = {"request_id": request_id, "kept_count": kept_count, "actor": actor, "now": now}
    erased: int | None = fetch_value(conn, statement("erasure/close"), parameters)
    return erased


def count_obstacles(conn: Connection, plan_id: int) -> list[Obstacle]:
    """Return what becomes of the documents of a plan, by reason."""
    parameters = {"plan_id": plan_id}
    return fetch_rows(conn, statement("erasure/count_obstacles"), parameters, Obstacle)


def find_open_plan(conn: Connection, *, organization_id: int, selection_key: str) -> int | None:
    """Return the plan of a selection that has something to do and is not ended."""
    parameters = {"organization_id": organization_id, "selection_key": selection_key}
    found: int | None = fetch_value(conn, statement("erasure/find_open_plan"), parameters)
    return found


def count_unpurged(conn: Connection, *, organization_id: int, selection_key: str) -> int:
    """Return how many documents the applied plans of a request are still to destroy."""
    parameters = {"organization_id": organization_id, "selection_key": selection_key}
    return int(fetch_value(conn, statement("erasure/count_unpurged"), parameters))


def list_to_purge(conn: Connection) -> list[dict[str, Any]]:
    """Return ``plan_id`` and ``organization`` of erasures that left documents to be purged."""
    return fetch_dicts(conn, statement("erasure/list_to_purge"), {})
