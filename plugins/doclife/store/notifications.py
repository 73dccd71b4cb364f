"""Reads what the dashboard shows people, and notes what they have read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """One line for a person in the dashboard."""

    id: int
    recipient: str
    """The name under which it was addressed: a user, an address or a role."""
    type: str
    title: str
    body: str
    external_id: str | None
    """The document it is about."""
    document_id: int | None
    plan_id: int | None
    created_at: datetime
    read_at: datetime | None


def list_page(
    conn: Connection,
    *,
    organization_id: int,
    recipients: Sequence[str],
    types: Sequence[str] | None,
    is_unread: bool,
    with_quiet: bool,
    before: int | None,
    size: int,
) -> list[Notification]:
    """Return a page, newest first."""
    parameters = {
        "organization_id": organization_id,
        "recipients": list(recipients),
        "types": None if types is None else list(types),
        "is_unread": is_unread,
        "with_quiet": with_quiet,
        "before": before,
        "size": size,
    }
    return fetch_rows(conn, statement("notifications/list"), parameters, Notification)


def count_unread(
    conn: Connection, *, organization_id: int, recipients: Sequence[str], most: int
) -> dict[str, int]:
    """Return how many are unread by type; at most ``most`` in all."""
    parameters = {
        "organization_id": organization_id,
        "recipients": list(recipients),
        "most": most,
    }
    return dict(conn.execute(statement("notifications/count_unread"), parameters).fetchall())


def mark_read(
    conn: Connection,
    *,
    organization_id: int,
    recipients: Sequence[str],
    ids: Sequence[int] | None,
    until: int | None,
    now: datetime,
) -> list[int]:
    """Note that a person has read these, or all up to ``until``; return those that were unread."""
    parameters = {
        "organization_id": organization_id,
        "recipients": list(recipients),
        "ids": None if ids is None else list(ids),
        "until": until,
        "now": now,
    }
    return [row[0] for row in conn.execute(statement("notifications/mark_read"), parameters)]


def prune(conn: Connection, *, read_before: datetime, unread_before: datetime, size: int) -> int:
    """Forget at most so many that came before these moments; return how many went."""
    parameters = {"read_before": read_before, "unread_before": unread_before, "size": size}
    return int(fetch_value(conn, statement("cleaning/prune_notifications"), parameters))


def insert_alert(
    conn: Connection,
    *,
    organization_id: int,
    recipient: str,
    title: str,
    body: str,
    now: datetime,
    is_repeated: bool = True,
) -> None:
    """Store a notification for the operators.

    :param is_repeated: False leaves it out while the same one is there and unread.
    """
    parameters = {
        "organization_id": organization_id,
        "recipient": recipient,
        "title": title,
        "body": body,
        "now": now,
        "is_repeated": is_repeated,
    }
    conn.execute(statement("notifications/insert_alert"), parameters)
