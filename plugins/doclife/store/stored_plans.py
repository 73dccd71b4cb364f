"""Reads stored plans: their state, what they come to, their shards and items."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from doclife.domain.plan import PlanKind, PlanState, PlanSummary, ShardRef
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import statement


def find(conn: Connection, plan_id: int) -> dict[str, Any] | None:
    """Return everything about one plan but its items, or None."""
    rows = fetch_dicts(conn, statement("plans/find"), {"plan_id": plan_id})
    return rows[0] if rows else None


def summary(conn: Connection, plan_id: int) -> PlanSummary:
    """Return what a stored plan comes to; the plan must exist."""
    row = find(conn, plan_id)
    if row is None:
        raise LookupError(f"there is no plan {plan_id}")
    return PlanSummary(
        plan_id=plan_id,
        organization=row["organization"],
        rule=row["rule"],
        kind=PlanKind(row["kind"]),
        mode=row["mode"],
        state=PlanState(row["state"]),
        approval_reason=row["approval_reason"],
        document_count=row["document_count"],
        total_bytes=row["total_bytes"],
        unknown_count=row["unknown_count"],
        blocked_count=row["blocked_count"],
    )


def list_shards(conn: Connection, plan_id: int) -> list[ShardRef]:
    """Return every shard of a plan that still has planned items."""
    return fetch_rows(conn, statement("plans/list_shards"), {"plan_id": plan_id}, ShardRef)


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemCount:
    """How many items of one action ended alike."""

    action: str
    state: str
    reason_code: str | None
    documents: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanItem:
    """One document of a plan, with what is or was to be done to it and why."""

    document_id: int
    external_id: str
    title: str | None
    action: str
    state: str
    reason_code: str | None
    reason: str
    anchor_on: date | None
    retain_until: date | None
    due_on: date | None
    size_bytes: int
    blocking_rule: str | None


def count_items(conn: Connection, plan_id: int) -> list[ItemCount]:
    """Return what became of a plan's items, by action, state and reason."""
    return fetch_rows(conn, statement("plans/count_items"), {"plan_id": plan_id}, ItemCount)


def list_items(
    conn: Connection, plan_id: int, *, after: int = 0, state: str | None = None, size: int = 100
) -> list[PlanItem]:
    """Return a page of a plan's items; ``after`` is the last document id of the page before."""
    parameters = {"plan_id": plan_id, "after": after, "state": state, "size": size}
    return fetch_rows(conn, statement("plans/list_items"), parameters, PlanItem)


DuePlace = tuple[date | None, int]
"""Where a page by due date ends: the due date and the document of its last item."""


def list_items_by_due(
    conn: Connection, plan_id: int, *, after: DuePlace | None = None, size: int = 100
) -> list[PlanItem]:
    """Return a page of a plan's items, those that have been due longest first."""
    after_due_on, after_document = after or (None, None)
    parameters = {
        "plan_id": plan_id,
        "after_due_on": after_due_on,
        "after_document": after_document,
        "size": size,
    }
    return fetch_rows(conn, statement("plans/list_items_by_due"), parameters, PlanItem)


def list_failed(conn: Connection, plan_id: int, *, size: int) -> list[int]:
    """Return the first documents that a plan failed on, ascending."""
    parameters = {"plan_id": plan_id, "size": size}
    return [row[0] for row in conn.execute(statement("plans/list_failed"), parameters)]


def prune_items(
    conn: Connection, *, idle_before: datetime, skipped_before: datetime, size: int
) -> int | None:
    """Forget some of what the oldest plan that has such items did not do; None: there is none.

    :param idle_before: plans made before this that never acted: simulated, superseded, lapsed.
    :param skipped_before: what other plans left out that were made before this, and have ended.
    :param size: how many rows at most; returns how many went.
    """
    parameters = {"idle_before": idle_before, "skipped_before": skipped_before, "size": size}
    gone: int | None = fetch_value(conn, statement("cleaning/prune_plan_items"), parameters)
    return gone


def list_plans(
    conn: Connection,
    *,
    organization: str | None = None,
    state: str | None = None,
    mode: str | None = None,
    search: str | None = None,
    is_failed: bool = False,
    dag_id: str | None = None,
    run_id: str | None = None,
    before: int | None = None,
    size: int = 50,
) -> list[dict[str, Any]]:
    """Return the newest plans first, with their progress; ``before`` pages on.

    :param search: a part of the rule's name, or of who asked for the plan.
    :param is_failed: only those in which something failed.
    """
    parameters = {
        "organization": organization,
        "state": state,
        "mode": mode,
        "search": search,
        "is_failed": is_failed,
        "dag_id": dag_id,
        "run_id": run_id,
        "before": before,
        "size": size,
    }
    return fetch_dicts(conn, statement("plans/list"), parameters)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayOfPlans:
    """What the plans made on one day came to, whatever they did."""

    day: date
    """In the organization's zone."""
    plans: int
    done_count: int
    skipped_count: int
    failed_count: int


def count_by_day(
    conn: Connection, *, organization_id: int, since: date, time_zone: str
) -> list[DayOfPlans]:
    """Return one row for each day since ``since`` on which plans were made that may act."""
    parameters = {"organization_id": organization_id, "since": since, "time_zone": time_zone}
    return fetch_rows(conn, statement("plans/count_by_day"), parameters, DayOfPlans)


def list_of_rule(
    conn: Connection,
    organization_id: int,
    name: str,
    *,
    before: int | None = None,
    size: int = 20,
) -> list[dict[str, Any]]:
    """Return the newest plans of a rule, of whichever version; ``before`` pages on."""
    parameters = {
        "organization_id": organization_id,
        "name": name,
        "before": before,
        "size": size,
    }
    return fetch_dicts(conn, statement("plans/list_of_rule"), parameters)


def find_by_run(
    conn: Connection, organization_id: int, *, dag_id: str, run_id: str, size: int = 100
) -> list[int]:
    """Return the plans that a run has stored in an organization, the oldest first."""
    parameters = {
        "organization_id": organization_id,
        "dag_id": dag_id,
        "run_id": run_id,
        "size": size,
    }
    return [row[0] for row in conn.execute(statement("plans/find_by_run"), parameters)]
