"""Takes events that somebody wants to hear of, and keeps what was done about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenEvent:
    """An event that waited for a reaction."""

    event_id: int
    type: str
    document_id: int | None
    """None: it is about a matter, a plan or an endpoint, and moves no rule."""


def find_organization(conn: Connection) -> str | None:
    """Return whose events wait the longest, or None when none wait."""
    slug: str | None = fetch_value(conn, statement("events/find_organization"), {})
    return slug


def take(conn: Connection, *, organization_id: int, size: int) -> list[TakenEvent]:
    """Take waiting events, for this transaction alone; they wait again if it fails."""
    parameters = {"organization_id": organization_id, "size": size}
    return fetch_rows(conn, statement("events/take"), parameters, TakenEvent)


def enqueue_calls(conn: Connection, event_ids: Sequence[int]) -> int:
    """Store a webhook call for each subscription that wants one of the events."""
    parameters = {"event_ids": list(event_ids)}
    return int(fetch_value(conn, statement("events/enqueue_calls"), parameters))


def record_reactions(
    conn: Connection,
    *,
    event_ids: Sequence[int],
    rule_version_id: int,
    plan_id: int,
    now: datetime,
) -> None:
    """Remember which rule version has reacted to which events."""
    conn.execute(
        statement("events/record_reactions"),
        {
            "event_ids": list(event_ids),
            "rule_version_id": rule_version_id,
            "plan_id": plan_id,
            "now": now,
        },
    )


def emit(
    conn: Connection,
    *,
    event_type: str,
    external_id: str,
    payload: Mapping[str, Any],
    organization: str,
    occurred_on: date | None,
) -> int:
    """Say that something has happened to a document; return the event's number."""
    parameters = {
        "type": event_type,
        "external_id": external_id,
        "payload": Jsonb(dict(payload)),
        "organization": organization,
        "occurred_on": occurred_on,
    }
    return int(fetch_value(conn, statement("events/emit"), parameters))


def withdraw(
    conn: Connection, *, event_id: int, reason: str, organization: str, actor: str
) -> bool:
    """Take an application's event back, with an audit entry; False when that was done before."""
    parameters = {
        "event_id": event_id,
        "reason": reason,
        "organization": organization,
        "actor": actor,
    }
    return bool(fetch_value(conn, statement("events/withdraw"), parameters))
