"""Reads what is past due and why it is still here."""

from collections.abc import Mapping
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


def count(conn: Connection, *, organization_id: int, today: date) -> list[OverdueCount]:
    """Return how much is past due, the largest group first."""
    parameters = {"organization_id": organization_id, "today": today}
    return fetch_rows(conn, statement("overdue/count"), parameters, OverdueCount)


def list_page(conn: Connection, parameters: Mapping[str, object]) -> list[OverdueDocument]:
    """Return a page of it; the parameters are those of overdue/list.sql."""
    return fetch_rows(conn, statement("overdue/list"), parameters, OverdueDocument)
