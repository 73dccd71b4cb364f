"""Closes plans that can never be applied any more, and gives their documents back."""

from doclife.domain.plan import PlanKind
from doclife.lifecycle.night import Night
from doclife.store import batches, plans, stored_plans
from doclife.store.connection import Connection

MAX_AGE_DAYS = 7
"""A plan older than this is refused: too much may have changed since somebody looked at it."""


def close_dead_plans(conn: Connection, night: Night) -> None:
    """Give back what plans claim that can never be applied any more."""
    tenant = night.organization
    plans.lapse(conn, organization_id=tenant.id, now=night.now, max_age_days=MAX_AGE_DAYS)
    plans.close_orphans(conn, organization_id=tenant.id, now=night.now)
    for plan_id in plans.list_abandoned(
        conn, organization_id=tenant.id, now=night.now, max_age_days=MAX_AGE_DAYS
    ):
        batches.end_plan(
            conn,
            plan_id=plan_id,
            code="stale",
            reason="it was begun and never ended",
            now=night.now,
        )


def take_over_purges(conn: Connection, night: Night, kind: PlanKind) -> None:
    """Close the earlier purges that nobody answered, or that died: the new plan has it all."""
    run = {"dag_id": night.dag_id, "run_id": night.run_id}
    tenant = night.organization
    plans.supersede_purges(conn, organization_id=tenant.id, kind=kind, now=night.now, **run)
    for plan_id in plans.list_unfinished(conn, organization_id=tenant.id, kind=kind, **run):
        if all(
            batches.is_shard_free(conn, shard) for shard in stored_plans.list_shards(conn, plan_id)
        ):
            batches.end_plan(
                conn,
                plan_id=plan_id,
                code="superseded",
                reason="it ended halfway; a newer plan takes it up",
                now=night.now,
            )
