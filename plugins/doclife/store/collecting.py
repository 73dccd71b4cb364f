"""Collects the documents of a plan that no rule asks for: chosen ones, trash, originals."""

from collections.abc import Sequence
from datetime import date

from doclife.store.connection import Connection
from doclife.store.sql import statement


def collect_selection(
    conn: Connection,
    plan_id: int,
    *,
    organization_id: int,
    document_ids: Sequence[int],
    action: str,
    today: date,
    reason: str,
) -> None:
    """Collect the documents that a person, a job or an event chose."""
    conn.execute(
        statement("plans/collect_selection"),
        {
            "plan_id": plan_id,
            "organization_id": organization_id,
            "document_ids": list(document_ids),
            "action": action,
            "today": today,
            "reason": reason,
        },
    )


def collect_purgeable(conn: Connection, plan_id: int, *, organization_id: int, today: date) -> None:
    """Collect the trash that is past its grace period."""
    parameters = {"plan_id": plan_id, "organization_id": organization_id, "today": today}
    conn.execute(statement("plans/collect_purgeable"), parameters)


def collect_removable_originals(
    conn: Connection, plan_id: int, *, organization_id: int, today: date
) -> None:
    """Collect archived documents whose original has been kept long enough beside the copy."""
    parameters = {"plan_id": plan_id, "organization_id": organization_id, "today": today}
    conn.execute(statement("plans/collect_removable_originals"), parameters)


def collect_erasure(
    conn: Connection,
    plan_id: int,
    *,
    organization_id: int,
    document_ids: Sequence[int],
    today: date,
    reason: str,
) -> None:
    """Collect the documents that an erasure chose: by way of the trash, or out of it."""
    conn.execute(
        statement("plans/collect_erasure"),
        {
            "plan_id": plan_id,
            "organization_id": organization_id,
            "document_ids": list(document_ids),
            "today": today,
            "reason": reason,
        },
    )


def collect_erased(conn: Connection, plan_id: int, *, erasure_plan_id: int, today: date) -> None:
    """Collect what an erasure has put into the trash."""
    parameters = {"plan_id": plan_id, "erasure_plan_id": erasure_plan_id, "today": today}
    conn.execute(statement("plans/collect_erased"), parameters)
