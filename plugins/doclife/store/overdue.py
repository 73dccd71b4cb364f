"""Reads what is past due and why it is still here."""

from dataclasses import dataclass
from datetime import date

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class OverdueCount:
    """How much is past due for one reason, rule and action."""

    code: str
    rule: str | None
    """None: what is in the trash past its grace period."""
    action: str
    documents: int
    size_bytes: int
    due_since: date
    """The due date of the longest overdue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OverdueDocument:
    """One action that is past due for one document."""

    document_id: int
    external_id: str
    title: str | None
    owner: str | None
    action: str
    due_on: date
    size_bytes: int
    code: str
    reason: str | None
    plan_id: int | None
    """The plan that was made of it last."""
    rule: str | None
    blocking_rule: str | None
    version_id: int
    action_index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a page of the list begins: after this action of this document."""

    due_on: date
    document_id: int
    version_id: int
    """0 for a purge."""
    action_index: int


def count(
    conn: Connection, *, organization_id: int, today: date, most: int | None
) -> list[OverdueCount]:
    """Return how much is past due, the largest group first.

    :param most: only so many are looked at, the longest overdue; None for all, however long it
        takes.
    """
    parameters = {"organization_id": organization_id, "today": today, "most": most}
    return fetch_rows(conn, statement("overdue/count"), parameters, OverdueCount)


def list_page(
    conn: Connection,
    *,
    organization_id: int,
    today: date,
    code: str | None,
    version_id: int | None,
    after: Place | None,
    most: int,
    size: int,
) -> list[OverdueDocument]:
    """Return those that are asked for among the next ``most``, the longest overdue first."""
    parameters = _parameters(organization_id, today, version_id, after, most)
    parameters |= {"code": code, "size": size}
    return fetch_rows(conn, statement("overdue/list"), parameters, OverdueDocument)


def find_place(
    conn: Connection,
    *,
    organization_id: int,
    today: date,
    version_id: int | None,
    after: Place | None,
    most: int,
) -> Place | None:
    """Return the last of the next ``most``; None when there are fewer."""
    parameters = _parameters(organization_id, today, version_id, after, most)
    rows = fetch_rows(conn, statement("overdue/find_place"), parameters, Place)
    return rows[0] if rows else None


def _parameters(
    organization_id: int, today: date, version_id: int | None, after: Place | None, most: int
) -> dict[str, object]:
    return {
        "organization_id": organization_id,
        "today": today,
        "version_id": version_id,
        "after_due_on": after and after.due_on,
        "after_document": after and after.document_id,
        "after_version": after and after.version_id,
        "after_action": after and after.action_index,
        "most": most,
    }
