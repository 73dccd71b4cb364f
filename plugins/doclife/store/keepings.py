"""Reads what "keep it" links are about, and notes that they were used."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkedDocument:
    """A document as the link of a warning finds it."""

    slug: str
    rule_name: str
    version: int | None
    """Of the rule in use; None when it is out of use."""
    mode: str | None
    definition: dict[str, Any] | None
    external_id: str
    title: str | None
    document_type: str | None
    status: str
    is_held: bool
    purge_after: date | None
    kept_until: date | None
    """Set when it was kept by link before, for this due date."""


def describe(
    conn: Connection, *, rule_id: int, document_id: int, due_on: date
) -> LinkedDocument | None:
    """Return what a link is about; None when rule or document are not there."""
    parameters = {"rule_id": rule_id, "document_id": document_id, "due_on": due_on}
    found = fetch_rows(conn, statement("keepings/describe"), parameters, LinkedDocument)
    return found[0] if found else None


def lock_document(conn: Connection, document_id: int) -> None:
    """Be the only one to change a document until the transaction ends."""
    conn.execute(statement("keepings/lock_document"), {"document_id": document_id})


def insert(
    conn: Connection,
    *,
    rule_id: int,
    document_id: int,
    due_on: date,
    kept_until: date,
    recipient: str,
    now: datetime,
) -> bool:
    """Note that a document was kept; False when it was before, for this due date."""
    parameters = {
        "rule_id": rule_id,
        "document_id": document_id,
        "due_on": due_on,
        "kept_until": kept_until,
        "recipient": recipient,
        "now": now,
    }
    return fetch_value(conn, statement("keepings/insert"), parameters) is not None
