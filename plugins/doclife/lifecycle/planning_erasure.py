"""Erasure: destruction without grace, and therefore always approved by a second person.

It is planned, judged, approved, applied and purged like everything else. A hold, a retention, a
reprieve and the cooling-off speak against it as against any plan; its items say what did.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from doclife.domain.actions import ActionType
from doclife.domain.organization import Organization
from doclife.domain.plan import PURGE, PlanKind, PlanSummary
from doclife.domain.rule import Mode
from doclife.lifecycle.night import Night, refuse_naive
from doclife.lifecycle.plan_storing import store_collected_plan
from doclife.store import collecting, organizations
from doclife.store.connection import Connection

ALWAYS_ASKS = "an erasure has no grace period, so somebody else approves it"


def plan_erasure(
    conn: Connection,
    *,
    organization: Organization,
    document_ids: Sequence[int],
    authority: str,
    due_on: date | None = None,
    now: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
) -> PlanSummary:
    """Plan the destruction of chosen documents; nothing is done before somebody approves it.

    The same run asking again for the same authority finds its plan.

    :param authority: what it rests on, such as ``erasure request 3``; it names nobody.
    :param due_on: by when somebody must have an answer; whoever approves reads it.
    """
    refuse_naive(now=now)
    night = _night(organization, now=now, dag_id=dag_id, run_id=run_id, requested_by=requested_by)
    with conn.transaction():
        organizations.lock_planning(conn, organization.id)
        organizations.lock_rules(conn, organization.id, shared=True)
        return store_collected_plan(
            conn,
            night,
            kind=PlanKind.ERASURE,
            selection_key=authority,
            action=ActionType.DELETE,
            second_action=PURGE,
            mode=Mode.ENFORCE,
            asks_always=ALWAYS_ASKS if due_on is None else f"{ALWAYS_ASKS}; answer due by {due_on}",
            options={"authority": authority},
            collect=partial(
                collecting.collect_erasure,
                conn,
                organization_id=organization.id,
                document_ids=sorted(set(document_ids)),
                today=night.today,
                reason=authority,
            ),
        )


def plan_purge_of(
    conn: Connection,
    *,
    organization: Organization,
    erasure_plan_id: int,
    now: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
) -> PlanSummary:
    """Plan the purge of what an applied erasure has put into the trash: now, not next Sunday.

    It is a purge like the weekly one, with its limits; one that trips them asks once more.
    """
    night = _night(organization, now=now, dag_id=dag_id, run_id=run_id, requested_by=requested_by)
    with conn.transaction():
        organizations.lock_planning(conn, organization.id)
        organizations.lock_rules(conn, organization.id, shared=True)
        return store_collected_plan(
            conn,
            night,
            kind=PlanKind.PURGE,
            selection_key=f"purge of erasure {erasure_plan_id}",
            action=PURGE,
            mode=Mode.ENFORCE,
            collect=partial(
                collecting.collect_erased,
                conn,
                erasure_plan_id=erasure_plan_id,
                today=organization.date_of(now),
            ),
        )


def _night(
    organization: Organization, *, now: datetime, dag_id: str, run_id: str, requested_by: str
) -> Night:
    return Night(
        organization=organization,
        now=now,
        as_of=now,
        dag_id=dag_id,
        run_id=run_id,
        requested_by=requested_by,
    )
