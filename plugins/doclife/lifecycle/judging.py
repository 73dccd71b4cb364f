"""Judges everything that was collected for a night, and asks a person where one must look."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from doclife.domain.actions import ActionType
from doclife.domain.breaker import trips
from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.fields import MetadataType
from doclife.domain.organization import Organization
from doclife.domain.plan import PURGE, REMOVE_ORIGINAL
from doclife.domain.protections import protections
from doclife.domain.rule import Rule
from doclife.lifecycle.catching import catch_in_plan
from doclife.lifecycle.night import Night
from doclife.store import plan_limits, plans, rules
from doclife.store.connection import Connection

SHARD_DOCUMENTS: Mapping[str, int] = {ActionType.ARCHIVE: 1000, PURGE: 1000, REMOVE_ORIGINAL: 1000}
"""Documents per shard where each costs reading or writing bytes; a bag holds at most as many."""
SHARD_DOCUMENTS_OTHERWISE = 20_000
SHARD_BYTES: Mapping[str, int] = {ActionType.ARCHIVE: 256_000_000}
NO_BYTE_LIMIT = 2**62

SELECTION_PRIORITY = 0
"""What a person chose comes before what a rule wants: explicit over implicit."""


def shard_limits(action: str) -> tuple[int, int]:
    """Return how many documents and how many bytes a shard of an action holds at the most."""
    return (
        SHARD_DOCUMENTS.get(action, SHARD_DOCUMENTS_OTHERWISE),
        SHARD_BYTES.get(action, NO_BYTE_LIMIT),
    )


def selection_context(
    plan_id: int, action: str, *, is_enforced: bool, action_index: int = 0
) -> plans.ActionContext:
    """Return the context of one action of a plan that no rule made."""
    documents, size = shard_limits(action)
    return plans.ActionContext(
        plan_id=plan_id,
        action_index=action_index,
        rule_id=None,
        rule="",
        priority=SELECTION_PRIORITY,
        asks_review=False,
        is_enforced=is_enforced,
        fields=(),
        events=(),
        shard_documents=documents,
        shard_bytes=size,
    )


def contexts_of(
    plan_id: int, compiler: Compiler, *, is_enforced: bool
) -> list[plans.ActionContext]:
    """Return what judging needs to know about each action of a rule's plan."""
    version = compiler.rule_version
    return [
        plans.ActionContext(
            plan_id=plan_id,
            action_index=index,
            rule_id=version.rule_id,
            rule=version.rule.name,
            priority=version.rule.priority,
            asks_review=version.rule.review is not None,
            is_enforced=is_enforced,
            fields=tuple(sorted(compiler.fields_used(index))),
            events=tuple(sorted(compiler.events_used)),
            shard_documents=shard_limits(action.do)[0],
            shard_bytes=shard_limits(action.do)[1],
            per_night=version.rule.limits.per_night,
            warn_before=required_warnings(version.rule) if is_enforced else None,
        )
        for index, action in enumerate(version.rule.actions)
    ]


def required_warnings(rule: Rule) -> list[str] | None:
    """Return the periods of the warnings that the rule's DELETE waits for; None when it does not.

    A simulation never waits for them: it warns nobody, and would show nothing at all.
    """
    if not rule.requires_warning:
        return None
    return [period.to_interval() for period in rule.warns_before]


def compilers_for(
    versions: Sequence[RuleVersion],
    *,
    organization: Organization,
    metadata_types: dict[str, MetadataType],
    as_of: date,
) -> list[Compiler]:
    """Return a compiler for each rule version, ready to stand in one statement."""
    return [
        Compiler(
            rule_version=version,
            metadata_types=metadata_types,
            time_zone=organization.time_zone,
            as_of=as_of,
            prefix=f"r{version.version_id}",
        )
        for version in versions
    ]


def judge(
    conn: Connection,
    night: Night,
    contexts: Sequence[plans.ActionContext],
    metadata_types: dict[str, MetadataType],
) -> None:
    """Resolve what was collected against all retention, and store items and shards."""
    if not contexts:
        return
    tenant = night.organization
    # Holds are judged by the present, whatever moment the plan decides for.
    catch_in_plan(conn, tenant, now=night.now, actor=night.requested_by)
    every_rule = compilers_for(
        rules.list_current(conn, tenant.id),
        organization=tenant,
        metadata_types=metadata_types,
        as_of=night.today,
    )
    resolve(conn, night, contexts, every_rule)
    plan_ids = sorted({context.plan_id for context in contexts})
    plans.store_items(conn, plan_ids, organization_id=tenant.id, now=night.now)


def resolve(
    conn: Connection,
    night: Night,
    contexts: Sequence[plans.ActionContext],
    every_rule: Sequence[Compiler],
) -> None:
    """Judge what was collected into this transaction's ``judgements``; nothing is stored.

    :param every_rule: all that are not off: each may retain what another wants to destroy.
    """
    plans.collect_protections(conn, protections(every_rule, candidates="candidates"))
    # A typo in what a retaining rule reads could end its protection: it cools off as well.
    retaining = [compiler for compiler in every_rule if compiler.rule.retain is not None]
    fields = {field for compiler in retaining for field in compiler.fields_read}
    events = {event for compiler in retaining for event in compiler.events_used}
    plans.judge(
        conn,
        [
            replace(
                context,
                fields=sorted({*context.fields, *fields}),
                events=sorted({*context.events, *events}),
                # Nobody knows today which warnings a day that lies ahead will find delivered.
                warn_before=None if night.as_of > night.now else context.warn_before,
            )
            for context in contexts
        ],
        today=night.today,
        now=night.now,
        as_of=night.as_of,
        cooling_off_days=night.organization.cooling_off_days,
    )


def ask_where_needed(
    conn: Connection,
    night: Night,
    *,
    plan_id: int,
    version: RuleVersion | None,
    asks_always: str | None = None,
) -> None:
    """Let the plan wait for a person when its rule asks for review or a limit would be exceeded.

    :param asks_always: why somebody must look at it in any case; None for no such reason.
    """
    count = plan_limits.count_destructive(conn, plan_id)
    if count == 0:
        return
    rule = version.rule if version else None
    plan_limits.lock_limits(conn)
    tripped = trips(
        count,
        plan_limits.limits(
            conn,
            plan_id=plan_id,
            now=night.now,
            rule_limit=(rule.limits.max_documents, rule.limits.max_fraction) if rule else None,
        ),
        expected=plan_limits.expected(conn, rule_version_id=version.version_id, today=night.today)
        if version
        else None,
    )
    stages = len(rule.review.stages) if rule and rule.review else 0
    reasons = [str(trip) for trip in tripped]
    if asks_always:
        reasons.insert(0, asks_always)
    if stages:
        noun = "stage" if stages == 1 else "stages"
        reasons.insert(0, f"the rule asks for review in {stages} {noun}")
    if reasons:
        plans.ask_for_approval(
            conn,
            plan_id=plan_id,
            reason="; ".join(reasons),
            trips=tripped,
            required_stages=max(stages, 1),
        )
