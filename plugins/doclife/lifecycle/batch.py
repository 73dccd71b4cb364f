"""One batch of a plan being applied: locked, judged by the present, with what cannot go closed."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from doclife.delivery.links import Links
from doclife.domain.duration import Period
from doclife.domain.organization import Organization
from doclife.domain.plan import DESTRUCTIVE, PlanKind, PlanState, ShardRef
from doclife.domain.protections import protections
from doclife.domain.rule import Rule
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.catching import catch_in_batch, lock_conditions
from doclife.lifecycle.closing import MAX_AGE_DAYS
from doclife.lifecycle.judging import compilers_for, required_warnings
from doclife.lifecycle.log_fields import log_fields
from doclife.storage.stores import Stores
from doclife.store import batches, organizations, rules, stored_plans
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

NO_GRACE = Period.parse("0d")
DEFAULT_GRACE = Period.parse("30d")
"""How long the trash keeps what a person or a job deleted; a rule says its own."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What stays the same while a shard is worked on."""

    shard: ShardRef
    organization: Organization
    kind: PlanKind
    rule: Rule | None
    rule_name: str | None
    """``name@version`` for the audit trail; None when no rule decided."""
    options: Mapping[str, object]
    """Settings of a selection's action; a rule's are in its definition."""
    actor: str
    stores: Stores
    links: Links

    @property
    def grace(self) -> Period:
        """How long the trash, or an original beside its archived copy, is kept."""
        if self.kind is PlanKind.ERASURE:
            return NO_GRACE
        return self.rule.grace if self.rule else DEFAULT_GRACE


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Documents that are locked until the transaction ends and may go ahead."""

    document_ids: Sequence[int]
    skipped: int
    today: date
    """The present day in the organization's zone."""


def begin(conn: Connection, *, shard: ShardRef, actor: str, stores: Stores, links: Links) -> Work:
    """Read what a shard is about."""
    plan = stored_plans.find(conn, shard.plan_id)
    if plan is None:
        raise ConfigurationError(f"there is no plan {shard.plan_id}")
    return Work(
        shard=shard,
        organization=organizations.find(conn, plan["organization"]),
        kind=PlanKind(plan["kind"]),
        rule=Rule.from_document(plan["definition"]) if plan["definition"] else None,
        rule_name=plan["rule"],
        options=plan["options"],
        actor=actor,
        stores=stores,
        links=links,
    )


def open_batch(
    conn: Connection,
    work: Work,
    *,
    now: datetime,
    size: int,
    document_ids: Sequence[int] | None = None,
    gone_ids: Sequence[int] = (),
) -> Batch | None:
    """Lock the next documents of the shard and judge them; None when there is no more to do.

    Call it inside a transaction, and let that transaction do the work. Documents that something
    speaks against by now (a hold, a change, a rule that retains them, a reviewer) are closed with
    the reason. A plan that became too old, or whose rule is no longer in force, is ended here.

    :param document_ids: only these; None for the next ones that are still planned.
    :param gone_ids: documents whose originals were seen to be gone: the removal that took them
        died before it could say so, and only a hold lets the catalogue go on naming them.
    :raises RefusedError: everything is halted, or the plan is not being applied.
    """
    shard, tenant = work.shard, work.organization
    # Before the look at the plan: whoever edits the rule meanwhile is waited for, and then seen.
    organizations.lock_rules(conn, tenant.id, shared=True)
    with conn.transaction() as looking:
        state, refusal = batches.check_applicable(
            conn, plan_id=shard.plan_id, now=now, max_age_days=MAX_AGE_DAYS
        )
        if refusal:
            # Gives the shared lock back: two shards that end their plan would wait for each other.
            raise psycopg.Rollback(looking)
    if state != PlanState.APPLYING:
        if state in (PlanState.APPLIED, PlanState.UNDONE):
            return None
        raise RefusedError(f"plan {shard.plan_id} is {state}; start it before applying a shard.")
    if refusal and refusal.code in ("halted", "future"):
        raise RefusedError(
            f"plan {shard.plan_id} stops here: {refusal.reason}. What is done stays done; "
            "resume, then apply the plan again."
        )
    if refusal:
        batches.end_plan(
            conn, plan_id=shard.plan_id, code=refusal.code, reason=refusal.reason, now=now
        )
        return None
    destroys = shard.action in DESTRUCTIVE
    standing = lock_conditions(conn, tenant) if destroys else []
    locked = batches.lock_batch(conn, shard, size=size, document_ids=document_ids)
    if not locked:
        return None
    catch_in_batch(conn, tenant, standing, document_ids=locked, now=now, actor=work.actor)
    today = tenant.date_of(now)
    every_rule = compilers_for(
        rules.list_current(conn, tenant.id),
        organization=tenant,
        metadata_types=organizations.metadata_types(conn, tenant.id),
        as_of=today,
    )
    cleared = batches.judge(
        conn,
        shard,
        document_ids=locked,
        protections=protections(every_rule, candidates="candidates"),
        today=today,
        present=now,
        warn_before=required_warnings(work.rule) if work.rule else None,
        gone_ids=gone_ids,
    )
    skipped = batches.skip(conn, shard, now=now)
    with log_fields(document_ids=cleared):
        logger.info("%s documents go ahead, %s are skipped", len(cleared), skipped)
    return Batch(document_ids=cleared, skipped=skipped, today=today)


def fail(
    conn: Connection, work: Work, failures: Sequence[Mapping[str, object]], *, now: datetime
) -> int:
    """Close documents that could not be done; return how many. A line of the log names each.

    :param failures: ``document_id``, ``code`` and ``reason`` each. The reason, which may quote a
        path, goes into the item and not into the log.
    """
    if not failures:
        return 0
    for one in failures:
        log_failure(int(str(one["document_id"])), code=str(one["code"]))
    return batches.fail(conn, work.shard, failures, now=now)


def log_failure(document_id: int, *, code: str) -> None:
    """Say in the log that a document could not be done, by its number and a word for why."""
    with log_fields(document_id=document_id, code=code):
        logger.warning("Document %s cannot be done: %s", document_id, code)
