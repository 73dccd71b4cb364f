"""Plans: decides what is to be done, stores it, and does nothing (design 5).

Every path that changes documents comes through here: the night's rules, a rule by hand, a
selection, the purge. All of an organization's collected wishes are judged together, against the
retention of every rule that is not off, and winners and losers are stored with their reason.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import LiteralString
from zoneinfo import ZoneInfo

from croniter import croniter
from psycopg.types.json import Jsonb

from doclife.domain.actions import ActionType, checked_settings
from doclife.domain.breaker import trips
from doclife.domain.compiler import Compiler, RuleVersion, protections
from doclife.domain.fields import MetadataType
from doclife.domain.organization import Organization
from doclife.domain.plan import PURGE, REMOVE_ORIGINAL, PlanKind, PlanSummary
from doclife.domain.rule import Mode, TriggerType
from doclife.errors import ConfigurationError, RefusedError
from doclife.store import audit, batches, organizations, plans, rules
from doclife.store.connection import Connection
from doclife.store.sql import statement

MAX_AGE_DAYS = 7
"""A plan older than this is refused: too much may have changed since somebody looked at it."""

SHARD_DOCUMENTS: Mapping[str, int] = {ActionType.ARCHIVE: 1000, PURGE: 1000, REMOVE_ORIGINAL: 1000}
"""Documents per shard where each costs reading or writing bytes; a bag holds at most as many."""
SHARD_DOCUMENTS_OTHERWISE = 20_000
SHARD_BYTES: Mapping[str, int] = {ActionType.ARCHIVE: 256_000_000}
NO_BYTE_LIMIT = 2**62

SELECTION_PRIORITY = 0
"""What a person chose comes before what a rule wants: explicit over implicit."""


@dataclass(frozen=True, kw_only=True)
class Night:
    """One planning run for one organization: who asks, when, and for which moment."""

    organization: Organization
    now: datetime
    """The present; staleness and grace count from here."""
    as_of: datetime
    """The decision moment: what is due by then. Not later than the present unless simulating."""
    dag_id: str
    run_id: str
    requested_by: str

    @property
    def today(self) -> date:
        """The decision date in the organization's time zone."""
        return self.organization.date_of(self.as_of)


def plan_due_rules(
    conn: Connection,
    *,
    now: datetime,
    as_of: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
    organization: str | None = None,
    mode: Mode | None = None,
) -> list[PlanSummary]:
    """Plan every rule that is due at ``as_of``, in every organization or in one.

    One plan per rule, in one transaction per organization. A second call by the same run finds
    the plans of the first and stores nothing.

    :param as_of: aware; the rules of ON_SCHEDULE with a cron are due when it has fired since
        they last ran, all others every night.
    :param mode: simulate to only look; None for each rule's own mode. Asking never enforces a
        rule that only simulates.
    """
    _refuse_naive(now=now, as_of=as_of)
    found = (
        [organizations.find(conn, organization)] if organization else organizations.list_all(conn)
    )
    summaries = []
    for tenant in found:
        night = Night(
            organization=tenant,
            now=now,
            as_of=as_of,
            dag_id=dag_id,
            run_id=run_id,
            requested_by=requested_by,
        )
        with conn.transaction():
            organizations.lock_planning(conn, tenant.id)
            organizations.lock_rules(conn, tenant.id, shared=True)
            due = [
                version
                for version in rules.list_current(conn, tenant.id)
                if version.rule.actions and _is_due(conn, version, night)
            ]
            modes = {
                version.version_id: Mode.SIMULATE if mode is Mode.SIMULATE else version.rule.mode
                for version in due
            }
            summaries += _plan_rules(conn, night, due, modes)
    return summaries


def plan_rule(
    conn: Connection,
    *,
    rule_version_id: int,
    now: datetime,
    as_of: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
    mode: Mode | None = None,
) -> PlanSummary:
    """Plan one version of a rule by hand; a second call by the same run finds the same plan.

    :param mode: simulate or enforce; None for the rule's own. A rule that only simulates is
        never enforced by asking.
    :raises RefusedError: the version is not the current one, or may not be enforced.
    """
    _refuse_naive(now=now, as_of=as_of)
    with conn.transaction():
        found = rules.find_version(conn, rule_version_id)
        if found is None:
            raise ConfigurationError(f"there is no rule version {rule_version_id}")
        version, slug = found
        tenant = organizations.find(conn, slug)
        wanted = mode or version.rule.mode
        if wanted is Mode.OFF:
            raise RefusedError(
                f"rule {version.rule.name} is off. Simulate it, or change its mode first."
            )
        organizations.lock_planning(conn, tenant.id)
        organizations.lock_rules(conn, tenant.id, shared=True)
        current = {known.version_id for known in rules.list_current(conn, tenant.id, with_off=True)}
        if wanted is Mode.ENFORCE:
            if rule_version_id not in current:
                raise RefusedError(
                    f"version {version.version} of rule {version.rule.name} is not the current "
                    "one; only the current version can be enforced."
                )
            if version.rule.mode is not Mode.ENFORCE:
                raise RefusedError(
                    f"rule {version.rule.name} is in mode {version.rule.mode}; to act with it, "
                    "change its mode to enforce (a new version) first."
                )
        night = Night(
            organization=tenant,
            now=now,
            as_of=as_of,
            dag_id=dag_id,
            run_id=run_id,
            requested_by=requested_by,
        )
        return _plan_rules(conn, night, [version], {rule_version_id: wanted})[0]


def plan_selection(
    conn: Connection,
    *,
    organization: str,
    action: ActionType,
    document_ids: Sequence[int],
    now: datetime,
    as_of: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
    reason: str,
    mode: Mode = Mode.ENFORCE,
    options: Mapping[str, object] | None = None,
    selection_key: str | None = None,
) -> PlanSummary:
    """Plan one action for chosen documents, with the same belts as a rule.

    The same run asking again for the same documents finds its plan. Documents of other
    organizations, and those already in the trash or purged, are passed over.

    :param reason: why, for the item and the audit trail.
    :param options: settings of the action, as under ``with:`` in a rule; the defaults if None.
    :param selection_key: what tells this selection from others of the same run; None for the
        documents themselves. A task gives its own id, so that clearing it finds its plan even
        when its templates would render to other documents by then.
    :raises ConfigurationError: an option that the action does not have.
    """
    _refuse_naive(now=now, as_of=as_of)
    chosen = sorted(set(document_ids))
    settings = checked_settings(action, options or {})
    digest = hashlib.sha256(json.dumps([action, chosen]).encode()).hexdigest()
    tenant = organizations.find(conn, organization)
    night = Night(
        organization=tenant,
        now=now,
        as_of=as_of,
        dag_id=dag_id,
        run_id=run_id,
        requested_by=requested_by,
    )
    with conn.transaction():
        organizations.lock_planning(conn, tenant.id)
        organizations.lock_rules(conn, tenant.id, shared=True)
        return _plan_collected(
            conn,
            night,
            kind=PlanKind.SELECTION,
            selection_key=selection_key or f"{action.lower()}:{digest[:32]}",
            options=settings,
            action=action,
            mode=mode,
            query=statement("plans/collect_selection"),
            parameters={
                "organization_id": tenant.id,
                "document_ids": chosen,
                "action": str(action),
                "today": night.today,
                "reason": reason,
            },
        )


def plan_purges(
    conn: Connection,
    *,
    now: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
    mode: Mode = Mode.ENFORCE,
) -> list[PlanSummary]:
    """Plan, per organization, the purge of what is past grace and the removal of originals.

    Grace is judged at ``now``, never at an earlier decision moment (design 5.5).
    """
    _refuse_naive(now=now)
    summaries = []
    for tenant in organizations.list_all(conn):
        night = Night(
            organization=tenant,
            now=now,
            as_of=now,
            dag_id=dag_id,
            run_id=run_id,
            requested_by=requested_by,
        )
        parameters = {"organization_id": tenant.id, "today": night.today}
        for kind, action, query in (
            (PlanKind.PURGE, PURGE, statement("plans/collect_purgeable")),
            (
                PlanKind.ORIGINALS,
                REMOVE_ORIGINAL,
                statement("plans/collect_removable_originals"),
            ),
        ):
            # A transaction each: the working tables empty themselves at its end.
            with conn.transaction():
                organizations.lock_planning(conn, tenant.id)
                organizations.lock_rules(conn, tenant.id, shared=True)
                if mode is Mode.ENFORCE:
                    _take_over_purges(conn, night, kind)
                summaries.append(
                    _plan_collected(
                        conn,
                        night,
                        kind=kind,
                        selection_key=str(kind),
                        action=action,
                        mode=mode,
                        query=query,
                        parameters=parameters,
                    )
                )
    return summaries


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


def _plan_rules(
    conn: Connection, night: Night, versions: Sequence[RuleVersion], modes: dict[int, Mode]
) -> list[PlanSummary]:
    """Store one plan per rule version, judged together. The caller holds the locks."""
    tenant = night.organization
    metadata_types = organizations.metadata_types(conn, tenant.id)
    plans.begin_collecting(conn)
    _close_dead_plans(conn, night)
    stored: dict[int, int] = {}
    new: list[tuple[int, RuleVersion]] = []
    contexts: list[plans.ActionContext] = []
    for compiler in compilers_for(
        versions, organization=tenant, metadata_types=metadata_types, as_of=night.today
    ):
        version = compiler.rule_version
        mode = modes[version.version_id]
        own = _find_own(conn, night, rule_version_id=version.version_id)
        if own is not None:
            stored[version.version_id] = own
            continue
        if mode is Mode.ENFORCE:
            plans.supersede(
                conn,
                rule_id=version.rule_id,
                dag_id=night.dag_id,
                run_id=night.run_id,
                now=night.now,
            )
        plan_id = _insert(
            conn, night, kind=PlanKind.RULE, mode=mode, rule_version_id=version.version_id
        )
        stored[version.version_id] = plan_id
        new.append((plan_id, version))
        contexts += _contexts(plan_id, compiler, is_enforced=mode is Mode.ENFORCE)
        plans.collect_hits(
            conn,
            plan_id=plan_id,
            rule_version_id=version.version_id,
            hits=compiler.hits(organization_id=tenant.id),
            skip_actions=warning_actions(version),
        )
        if version.rule.deletes:
            unknown = compiler.hits(organization_id=tenant.id, include_unknown=True)
            plans.set_unknown_count(
                conn, plan_id=plan_id, unknown_count=plans.count_unknown(conn, unknown)
            )
    _judge(conn, night, contexts, metadata_types)
    for plan_id, version in sorted(new, key=lambda one: (one[1].rule.priority, one[1].rule.name)):
        if modes[version.version_id] is Mode.ENFORCE:
            _ask_where_needed(conn, night, plan_id=plan_id, version=version)
        _record_plan(conn, night, plan_id)
    return [plans.summary(conn, plan_id) for plan_id in stored.values()]


def _plan_collected(
    conn: Connection,
    night: Night,
    *,
    kind: PlanKind,
    selection_key: str,
    action: str,
    mode: Mode,
    query: LiteralString,
    parameters: dict[str, object],
    options: Mapping[str, object] | None = None,
) -> PlanSummary:
    """Store one plan of one action whose documents ``query`` collects."""
    tenant = night.organization
    own = _find_own(conn, night, selection_key=selection_key)
    if own is not None:
        return plans.summary(conn, own)
    plans.begin_collecting(conn)
    _close_dead_plans(conn, night)
    plan_id = _insert(
        conn, night, kind=kind, mode=mode, selection_key=selection_key, options=options
    )
    conn.execute(query, {**parameters, "plan_id": plan_id})
    context = plans.ActionContext(
        plan_id=plan_id,
        action_index=0,
        rule_id=None,
        rule="",
        priority=SELECTION_PRIORITY,
        asks_review=False,
        is_enforced=mode is Mode.ENFORCE,
        fields=(),
        events=(),
        shard_documents=SHARD_DOCUMENTS.get(action, SHARD_DOCUMENTS_OTHERWISE),
        shard_bytes=SHARD_BYTES.get(action, NO_BYTE_LIMIT),
    )
    _judge(conn, night, [context], organizations.metadata_types(conn, tenant.id))
    if mode is Mode.ENFORCE:
        _ask_where_needed(conn, night, plan_id=plan_id, version=None)
    _record_plan(conn, night, plan_id)
    return plans.summary(conn, plan_id)


def _judge(
    conn: Connection,
    night: Night,
    contexts: Sequence[plans.ActionContext],
    metadata_types: dict[str, MetadataType],
) -> None:
    """Resolve what was collected against all retention, and store items and shards."""
    if not contexts:
        return
    tenant = night.organization
    every_rule = compilers_for(
        rules.list_current(conn, tenant.id),
        organization=tenant,
        metadata_types=metadata_types,
        as_of=night.today,
    )
    plans.collect_protections(conn, protections(every_rule, candidates="candidates"))
    # A typo in what a retaining rule reads could end its protection: it cools off as well.
    retaining = [compiler for compiler in every_rule if compiler.rule.retain is not None]
    fields = {field for compiler in retaining for field in compiler.fields_read}
    events = {event for compiler in retaining for event in compiler.events_used}
    plans.store_items(
        conn,
        [
            replace(
                context,
                fields=sorted({*context.fields, *fields}),
                events=sorted({*context.events, *events}),
            )
            for context in contexts
        ],
        organization_id=tenant.id,
        today=night.today,
        now=night.now,
        as_of=night.as_of,
        cooling_off_days=tenant.cooling_off_days,
    )


def _ask_where_needed(
    conn: Connection, night: Night, *, plan_id: int, version: RuleVersion | None
) -> None:
    """Let the plan wait for a person when its rule asks for review or a limit would be exceeded."""
    count = plans.count_destructive(conn, plan_id)
    if count == 0:
        return
    rule = version.rule if version else None
    tripped = trips(
        count,
        plans.limits(
            conn,
            plan_id=plan_id,
            now=night.now,
            rule_limit=(rule.limits.max_documents, rule.limits.max_fraction) if rule else None,
        ),
        expected=plans.expected(conn, rule_version_id=version.version_id, today=night.today)
        if version
        else None,
    )
    stages = len(rule.review.stages) if rule and rule.review else 0
    reasons = [str(trip) for trip in tripped]
    if stages:
        reasons.insert(0, f"the rule asks for review in {stages} stage(s)")
    if reasons:
        plans.ask_for_approval(
            conn,
            plan_id=plan_id,
            reason="; ".join(reasons),
            trips=tripped,
            required_stages=max(stages, 1),
        )


def _record_plan(conn: Connection, night: Night, plan_id: int) -> None:
    """Write the plan into the audit trail, in the transaction that stores it."""
    summary = plans.summary(conn, plan_id)
    audit.record(
        conn,
        organization_id=night.organization.id,
        at=night.now,
        actor=night.requested_by,
        rule=summary.rule,
        action="plan.stored",
        plan_id=plan_id,
        reason=summary.approval_reason or f"{summary.document_count} documents",
        details={
            "dag_id": night.dag_id,
            "run_id": night.run_id,
            "mode": summary.mode,
            "state": summary.state,
            "documents": summary.document_count,
            "blocked": summary.blocked_count,
        },
    )


def _take_over_purges(conn: Connection, night: Night, kind: PlanKind) -> None:
    """Close the earlier purges that nobody answered, or that died: the new plan has it all."""
    run = {"dag_id": night.dag_id, "run_id": night.run_id}
    tenant = night.organization
    plans.supersede_purges(conn, organization_id=tenant.id, kind=kind, now=night.now, **run)
    for plan_id in plans.list_unfinished(conn, organization_id=tenant.id, kind=kind, **run):
        if all(batches.is_shard_free(conn, shard) for shard in plans.list_shards(conn, plan_id)):
            batches.end_plan(
                conn,
                plan_id=plan_id,
                code="superseded",
                reason="it ended halfway; a newer plan takes it up",
                now=night.now,
            )


def _close_dead_plans(conn: Connection, night: Night) -> None:
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


def _insert(
    conn: Connection,
    night: Night,
    *,
    kind: PlanKind,
    mode: Mode,
    rule_version_id: int | None = None,
    selection_key: str | None = None,
    options: Mapping[str, object] | None = None,
) -> int:
    refusal = plans.refuse_future(conn, now=night.now, as_of=night.as_of, mode=mode)
    if refusal:
        raise RefusedError(
            f"no plan is made: {refusal} (now {night.now}, as_of {night.as_of}). "
            "Use mode simulate to look ahead."
        )
    return plans.insert(
        conn,
        {
            "organization_id": night.organization.id,
            "kind": str(kind),
            "rule_version_id": rule_version_id,
            "dag_id": night.dag_id,
            "run_id": night.run_id,
            "selection_key": selection_key,
            "options": Jsonb(dict(options or {})),
            "requested_by": night.requested_by,
            "mode": str(mode),
            "as_of": night.as_of,
            "now": night.now,
        },
    )


def _find_own(
    conn: Connection,
    night: Night,
    *,
    rule_version_id: int | None = None,
    selection_key: str | None = None,
) -> int | None:
    return plans.find_own(
        conn,
        dag_id=night.dag_id,
        run_id=night.run_id,
        organization_id=night.organization.id,
        rule_version_id=rule_version_id,
        selection_key=selection_key,
    )


def _contexts(plan_id: int, compiler: Compiler, *, is_enforced: bool) -> list[plans.ActionContext]:
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
            shard_documents=SHARD_DOCUMENTS.get(action.do, SHARD_DOCUMENTS_OTHERWISE),
            shard_bytes=SHARD_BYTES.get(action.do, NO_BYTE_LIMIT),
            per_night=version.rule.limits.per_night,
        )
        for index, action in enumerate(version.rule.actions)
    ]


def warning_actions(version: RuleVersion) -> list[int]:
    """Return which NOTIFY actions speak before the due date instead of on it.

    In a rule with ``warn`` they are sent by the daily expiry check, one per window.
    """
    if not version.rule.warn:
        return []
    return [
        index for index, action in enumerate(version.rule.actions) if action.do is ActionType.NOTIFY
    ]


def _is_due(conn: Connection, version: RuleVersion, night: Night) -> bool:
    """Whether the rule runs tonight: always, or when its cron fired since it last ran.

    A night that was missed is made up for, once; a rule never ran counts from its version.
    """
    trigger = version.rule.trigger
    if trigger.type is not TriggerType.ON_SCHEDULE or trigger.cron is None:
        return True
    zone = ZoneInfo(trigger.time_zone or night.organization.time_zone)
    moment = night.as_of.astimezone(zone)
    # A moment that is itself on the schedule counts as fired.
    last: datetime = croniter(trigger.cron, moment + timedelta(seconds=1)).get_prev(datetime)
    ran = plans.find_last_night(
        conn,
        rule_id=version.rule_id,
        dag_id=night.dag_id,
        run_id=night.run_id,
        mode=version.rule.mode,
    )
    return last > (ran or version.created_at)


def _refuse_naive(**moments: datetime) -> None:
    for name, moment in moments.items():
        if moment.tzinfo is None:
            raise ConfigurationError(
                f"{name}={moment.isoformat()} has no time zone, so it names no single moment. "
                "Pass an aware datetime, e.g. dag_run.run_after."
            )
