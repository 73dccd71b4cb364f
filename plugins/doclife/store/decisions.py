"""What people decided about plans and about single documents of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """One answer about a plan as a whole."""

    stage: int
    decision: str
    extend_until: date | None
    decided_by: str
    decided_at: datetime
    comment: str | None
    is_valid: bool
    invalid_reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedDocuments:
    """What a plan would still destroy, locked until the transaction ends."""

    open_ids: list[int]
    begun_ids: list[int]
    """Their destruction has begun and is brought to its end."""


def list_of_plan(conn: Connection, plan_id: int) -> list[Decision]:
    """Return what was decided about a plan as a whole, oldest first."""
    return fetch_rows(conn, statement("decisions/list_decisions"), {"plan_id": plan_id}, Decision)


def find_obstacle(conn: Connection, *, plan_id: int, stage: int, approver: str) -> str | None:
    """Return why somebody may not approve a plan in a stage; None when they may."""
    parameters = {"plan_id": plan_id, "stage": stage, "approver": approver}
    obstacle: str | None = fetch_value(conn, statement("decisions/find_obstacle"), parameters)
    return obstacle


def insert(
    conn: Connection,
    *,
    plan_id: int,
    stage: int,
    decision: str,
    decided_by: str,
    now: datetime,
    comment: str | None,
    extend_until: date | None = None,
    invalid_reason: str | None = None,
) -> None:
    """Record a decision about a plan as a whole.

    :param invalid_reason: why it does not count; None when it does.
    """
    conn.execute(
        statement("decisions/insert"),
        {
            "plan_id": plan_id,
            "stage": stage,
            "decision": decision,
            "extend_until": extend_until,
            "decided_by": decided_by,
            "now": now,
            "comment": comment,
            "invalid_reason": invalid_reason,
        },
    )


def insert_for_documents(
    conn: Connection,
    *,
    plan_id: int,
    stage: int,
    document_ids: Sequence[int],
    decision: str,
    decided_by: str,
    now: datetime,
    comment: str | None,
    extend_until: date | None,
) -> None:
    """Record a decision about single documents of a plan."""
    conn.execute(
        statement("decisions/insert_for_documents"),
        {
            "plan_id": plan_id,
            "stage": stage,
            "document_ids": list(document_ids),
            "decision": decision,
            "extend_until": extend_until,
            "decided_by": decided_by,
            "now": now,
            "comment": comment,
        },
    )


def lock_documents(
    conn: Connection, plan_id: int, *, document_ids: Sequence[int] | None = None
) -> LockedDocuments:
    """Lock what a plan would still destroy; what was done during the wait for locks is left out."""
    wanted = None if document_ids is None else list(document_ids)
    locked = conn.execute(
        statement("decisions/lock_documents"), {"plan_id": plan_id, "document_ids": wanted}
    )
    still_open = conn.execute(
        statement("decisions/list_open"),
        {"plan_id": plan_id, "document_ids": [row[0] for row in locked]},
    )
    found = still_open.fetchall()
    return LockedDocuments(
        open_ids=[document_id for document_id, has_begun in found if not has_begun],
        begun_ids=[document_id for document_id, has_begun in found if has_begun],
    )


def keep(
    conn: Connection,
    *,
    plan_id: int | None,
    document_ids: Sequence[int],
    organization_id: int,
    until: date,
    now: datetime,
    actor: str,
    rule: str | None,
    reason: str,
) -> None:
    """Leave locked documents alone until a day, with an audit entry each.

    :param plan_id: the plan that was decided about; None where no plan was.
    """
    conn.execute(
        statement("decisions/keep"),
        {
            "plan_id": plan_id,
            "document_ids": list(document_ids),
            "organization_id": organization_id,
            "until": until,
            "now": now,
            "actor": actor,
            "rule": rule,
            "reason": reason,
        },
    )


def close_items(
    conn: Connection,
    *,
    plan_id: int,
    document_ids: Sequence[int] | None,
    code: str,
    reason: str,
    now: datetime,
) -> int:
    """Close what a plan would still have done; return with how many documents."""
    parameters = {
        "plan_id": plan_id,
        "document_ids": None if document_ids is None else list(document_ids),
        "code": code,
        "reason": reason,
        "now": now,
    }
    return int(fetch_value(conn, statement("decisions/close_items"), parameters))


def set_state(conn: Connection, *, plan_id: int, state: str, now: datetime) -> bool:
    """Move a plan that waits for a person on; False when it waits for nobody any more."""
    parameters = {"plan_id": plan_id, "state": state, "now": now}
    return fetch_value(conn, statement("decisions/set_state"), parameters) is not None
