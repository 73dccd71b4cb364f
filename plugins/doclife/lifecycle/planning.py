"""Plans: decides what is to be done, stores it, and does nothing.

Every path that changes documents comes through here: the night's rules, a rule by hand, a
selection, the purge. All of an organization's collected wishes are judged together, against the
retention of every rule that is not off, and winners and losers are stored with their reason.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from doclife.domain.actions import ActionType, checked_settings
from doclife.domain.compiler import RuleVersion
from doclife.domain.plan import PURGE, REMOVE_ORIGINAL, PlanKind, PlanSummary
from doclife.domain.rule import Mode, TriggerType
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.closing import take_over_purges
from doclife.lifecycle.due import QUEUE, is_due
from doclife.lifecycle.night import Night, refuse_naive
from doclife.lifecycle.plan_storing import store_collected_plan, store_rule_plans
from doclife.lifecycle.stores import require_stores
from doclife.store import collecting, organizations, rules
from doclife.store.connection import Connection


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
        they last ran (``process_queue`` runs them at their times), all others every night.
    :param mode: simulate to only look; None for each rule's own mode. Asking never enforces a
        rule that only simulates.
    """
    refuse_naive(now=now, as_of=as_of)
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
                if version.rule.actions and is_due(conn, version, night, planners=(dag_id, QUEUE))
            ]
            modes = {
                version.version_id: Mode.SIMULATE if mode is Mode.SIMULATE else version.rule.mode
                for version in due
            }
            summaries += store_rule_plans(conn, night, due, modes)
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
    refuse_naive(now=now, as_of=as_of)
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
        return store_rule_plans(conn, night, [version], {rule_version_id: wanted})[0]


def plan_events(
    conn: Connection,
    *,
    organization: str,
    documents: Mapping[str, Sequence[int]],
    now: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
) -> list[tuple[RuleVersion, int]]:
    """Plan the rules with ON_EVENT whose event happened, for the documents that it happened to.

    One plan per rule, however many events; return each version with its plan. What is not due yet
    (a retention period counts from the event) is found by the night when its day comes.

    :param documents: by type of event.
    """
    refuse_naive(now=now)
    tenant = organizations.find(conn, organization)
    night = Night(
        organization=tenant,
        now=now,
        as_of=now,
        dag_id=dag_id,
        run_id=run_id,
        requested_by=requested_by,
    )
    with conn.transaction():
        organizations.lock_planning(conn, tenant.id)
        organizations.lock_rules(conn, tenant.id, shared=True)
        reacting = [
            version
            for version in rules.list_current(conn, tenant.id)
            if version.rule.actions
            and version.rule.trigger.type is TriggerType.ON_EVENT
            and version.rule.trigger.event in documents
        ]
        if not reacting:
            return []
        summaries = store_rule_plans(
            conn,
            night,
            reacting,
            {version.version_id: version.rule.mode for version in reacting},
            document_ids={
                version.version_id: sorted({*documents[str(version.rule.trigger.event)]})
                for version in reacting
            },
        )
    by_name = {f"{version.rule.name}@{version.version}": version for version in reacting}
    return [(by_name[str(summary.rule)], summary.plan_id) for summary in summaries]


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
    :raises ConfigurationError: an option that the action does not have, or a store that is not
        registered.
    """
    refuse_naive(now=now, as_of=as_of)
    chosen = sorted(set(document_ids))
    settings = checked_settings(action, options or {})
    if action == ActionType.ARCHIVE:
        require_stores(conn, {"the selection": str(settings["store"])})
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
        return store_collected_plan(
            conn,
            night,
            kind=PlanKind.SELECTION,
            selection_key=selection_key or f"{action.lower()}:{digest[:32]}",
            options=settings,
            action=action,
            mode=mode,
            collect=partial(
                collecting.collect_selection,
                conn,
                organization_id=tenant.id,
                document_ids=chosen,
                action=str(action),
                today=night.today,
                reason=reason,
            ),
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

    Grace is judged at ``now``, never at an earlier decision moment.
    """
    refuse_naive(now=now)
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
        for kind, action, collect in (
            (PlanKind.PURGE, PURGE, collecting.collect_purgeable),
            (PlanKind.ORIGINALS, REMOVE_ORIGINAL, collecting.collect_removable_originals),
        ):
            # A transaction each: the working tables empty themselves at its end.
            with conn.transaction():
                organizations.lock_planning(conn, tenant.id)
                organizations.lock_rules(conn, tenant.id, shared=True)
                if mode is Mode.ENFORCE:
                    take_over_purges(conn, night, kind)
                summaries.append(
                    store_collected_plan(
                        conn,
                        night,
                        kind=kind,
                        selection_key=str(kind),
                        action=action,
                        mode=mode,
                        collect=partial(
                            collect, conn, organization_id=tenant.id, today=night.today
                        ),
                    )
                )
    return summaries
