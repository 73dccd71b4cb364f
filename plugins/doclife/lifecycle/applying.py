"""Applies stored plans: the only way anything happens to a document."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

import psycopg

from doclife.delivery.links import NO_LINKS, Links
from doclife.domain.actions import ActionType
from doclife.domain.plan import PURGE, REMOVE_ORIGINAL, PlanState, ShardOutcome, ShardRef
from doclife.errors import ConfigurationError, RefusedError, TryAgainLater
from doclife.lifecycle.archiving import archive_batch
from doclife.lifecycle.batch import Work, begin
from doclife.lifecycle.closing import MAX_AGE_DAYS
from doclife.lifecycle.deleting import delete_batch
from doclife.lifecycle.log_fields import log_fields
from doclife.lifecycle.notifying import notify_batch, webhook_batch
from doclife.lifecycle.purging import purge_batch, remove_originals_batch
from doclife.storage.stores import Stores
from doclife.store import batches, stored_plans
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

BatchStep = Callable[..., ShardOutcome | None]
STEPS: Mapping[str, BatchStep] = {
    ActionType.ARCHIVE: archive_batch,
    ActionType.DELETE: delete_batch,
    ActionType.NOTIFY: notify_batch,
    ActionType.WEBHOOK: webhook_batch,
    PURGE: purge_batch,
    REMOVE_ORIGINAL: remove_originals_batch,
}


def start(conn: Connection, *, plan_id: int, now: datetime) -> list[ShardRef]:
    """Begin, or go on, to apply a plan, and return the shards that still have work.

    A plan that is already applied returns none.

    :raises RefusedError: it is a simulation, waits for a person, was rejected, is too old, its rule
        is not in force any more, or everything is halted; the message says which.
    """
    with conn.transaction():
        plan = stored_plans.find(conn, plan_id)
        if plan is None:
            raise ConfigurationError(f"there is no plan {plan_id}")
        if plan["state"] in (PlanState.APPLIED, PlanState.UNDONE):
            return []
        if plan["mode"] != "enforce":
            raise RefusedError(
                f"plan {plan_id} is a simulation and is never applied. "
                "Set the rule's mode to enforce; tonight's plan will act."
            )
        if plan["state"] == PlanState.NEEDS_APPROVAL:
            raise RefusedError(
                f"plan {plan_id} waits for approval: {plan['approval_reason']}. "
                f"Who is asked, and how to answer: doclife plans show {plan_id}"
            )
        _state, refusal = batches.check_applicable(
            conn, plan_id=plan_id, now=now, max_age_days=MAX_AGE_DAYS
        )
        if refusal:
            raise RefusedError(f"plan {plan_id} is not applied: {refusal.reason}.")
        if plan["state"] != PlanState.APPLYING:
            try:
                started = batches.start_plan(conn, plan_id=plan_id, now=now)
            except psycopg.errors.CheckViolation as error:
                raise RefusedError(str(error.diag.message_primary)) from error
            if not started:
                raise RefusedError(f"plan {plan_id} is {plan['state']} and cannot be applied.")
    return stored_plans.list_shards(conn, plan_id)


def apply_shard(
    conn: Connection,
    *,
    shard: ShardRef,
    now: Callable[[], datetime],
    actor: str,
    stores: Stores,
    links: Links = NO_LINKS,
) -> ShardOutcome:
    """Do what is left of one shard, batch by batch, each in a transaction of its own.

    Killed at any moment and called again, it goes on where it stopped; called once more after
    the end, it does nothing.

    :param now: the present, asked for anew before each batch.
    :param actor: who set this off, as in the audit trail.
    :param links: where messages lead.
    :raises TryAgainLater: another process is at work on this shard.
    :raises RefusedError: everything was halted meanwhile.
    """
    step = STEPS.get(shard.action)
    if step is None:
        raise ConfigurationError(f"unknown action {shard.action!r} in plan {shard.plan_id}")
    if not batches.claim_shard(conn, shard):
        raise TryAgainLater(
            f"shard {shard.shard} of plan {shard.plan_id} is being applied by another process."
        )
    try:
        work = begin(conn, shard=shard, actor=actor, stores=stores, links=links)
        with log_fields(
            plan_id=shard.plan_id, rule=work.rule_name, action=shard.action, shard=shard.shard
        ):
            batches.start_shard(conn, shard, now=now())
            return _work_through(conn, work, step, now)
    finally:
        if not conn.closed:
            batches.give_back_shard(conn, shard)


def finish(conn: Connection, *, plan_id: int, now: datetime) -> PlanState:
    """Call the plan applied when nothing of it is left to do; return the state it is in."""
    batches.finish_plan(conn, plan_id=plan_id, now=now)
    return stored_plans.summary(conn, plan_id).state


def apply_plan(
    conn: Connection,
    *,
    plan_id: int,
    now: Callable[[], datetime],
    actor: str,
    stores: Stores,
    links: Links = NO_LINKS,
    progress: Callable[[ShardOutcome], None] | None = None,
) -> ShardOutcome:
    """Apply a whole plan in this process, one shard after the other.

    :param links: where messages lead.
    :param progress: told the outcome of each shard as it ends; None for nobody.
    """
    total = ShardOutcome()
    for shard in start(conn, plan_id=plan_id, now=now()):
        outcome = apply_shard(conn, shard=shard, now=now, actor=actor, stores=stores, links=links)
        if progress:
            progress(outcome)
        total += outcome
    finish(conn, plan_id=plan_id, now=now())
    return total


def _work_through(
    conn: Connection, work: Work, step: BatchStep, now: Callable[[], datetime]
) -> ShardOutcome:
    total = ShardOutcome()
    while (outcome := step(conn, work, now=now())) is not None:
        total += outcome
        logger.info(
            "Plan %s %s shard %s: %s done, %s skipped, %s failed so far",
            work.shard.plan_id,
            work.shard.action,
            work.shard.shard,
            total.done,
            total.skipped,
            total.failed,
        )
    return total
