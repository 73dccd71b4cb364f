"""Collects what rules and people wish for, judges it, and stores the plans.

The caller has checked who may ask for what, and holds the locks of the organization.
"""

from collections.abc import Callable, Mapping, Sequence

from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.plan import PlanKind, PlanSummary
from doclife.domain.rule import Mode
from doclife.lifecycle.closing import close_dead_plans
from doclife.lifecycle.due import warning_actions
from doclife.lifecycle.judging import (
    ask_where_needed,
    compilers_for,
    contexts_of,
    judge,
    selection_context,
)
from doclife.lifecycle.night import Night, find_own_plan, insert_plan, record_plan
from doclife.store import organizations, plans, stored_plans
from doclife.store.connection import Connection


def store_rule_plans(
    conn: Connection,
    night: Night,
    versions: Sequence[RuleVersion],
    modes: dict[int, Mode],
    *,
    document_ids: Mapping[int, Sequence[int]] | None = None,
) -> list[PlanSummary]:
    """Store one plan per rule version, judged together.

    :param document_ids: by rule version, only these documents; then what other plans of the rule
        wait for is not taken over.
    """
    tenant = night.organization
    metadata_types = organizations.metadata_types(conn, tenant.id)
    plans.begin_collecting(conn)
    close_dead_plans(conn, night)
    stored: dict[int, int] = {}
    new: list[tuple[int, RuleVersion]] = []
    contexts: list[plans.ActionContext] = []
    unjudged: list[tuple[int, Compiler, Sequence[int] | None]] = []
    for compiler in compilers_for(
        versions, organization=tenant, metadata_types=metadata_types, as_of=night.today
    ):
        version = compiler.rule_version
        mode = modes[version.version_id]
        own = find_own_plan(conn, night, rule_version_id=version.version_id)
        if own is not None:
            stored[version.version_id] = own
            continue
        only = None if document_ids is None else document_ids[version.version_id]
        if mode is Mode.ENFORCE and only is None:
            plans.supersede(
                conn,
                rule_id=version.rule_id,
                dag_id=night.dag_id,
                run_id=night.run_id,
                now=night.now,
            )
        plan_id = insert_plan(
            conn, night, kind=PlanKind.RULE, mode=mode, rule_version_id=version.version_id
        )
        stored[version.version_id] = plan_id
        new.append((plan_id, version))
        contexts += contexts_of(plan_id, compiler, is_enforced=mode is Mode.ENFORCE)
        plans.collect_hits(
            conn,
            plan_id=plan_id,
            rule_version_id=version.version_id,
            hits=compiler.hits(organization_id=tenant.id, document_ids=only),
            skip_actions=warning_actions(version),
        )
        if version.rule.deletes:
            unjudged.append((plan_id, compiler, only))
    _count_unknown(conn, unjudged, organization_id=tenant.id)
    judge(conn, night, contexts, metadata_types)
    for plan_id, version in sorted(new, key=lambda one: (one[1].rule.priority, one[1].rule.name)):
        if modes[version.version_id] is Mode.ENFORCE:
            ask_where_needed(conn, night, plan_id=plan_id, version=version)
        record_plan(conn, night, plan_id)
    return [stored_plans.summary(conn, plan_id) for plan_id in stored.values()]


def _count_unknown(
    conn: Connection,
    unjudged: Sequence[tuple[int, Compiler, Sequence[int] | None]],
    *,
    organization_id: int,
) -> None:
    """Write into each plan how many documents its rule could not judge."""
    everywhere = [(plan_id, compiler) for plan_id, compiler, only in unjudged if only is None]
    counts = plans.count_unknown(
        conn,
        [compiler.cannot_say() for _, compiler in everywhere],
        organization_id=organization_id,
    )
    counted = [(plan_id, count) for (plan_id, _), count in zip(everywhere, counts, strict=True)]
    for plan_id, compiler, only in unjudged:
        if only is not None:
            [count] = plans.count_unknown(
                conn, [compiler.cannot_say()], organization_id=organization_id, document_ids=only
            )
            counted.append((plan_id, count))
    for plan_id, count in counted:
        plans.set_unknown_count(conn, plan_id=plan_id, unknown_count=count)


def store_collected_plan(
    conn: Connection,
    night: Night,
    *,
    kind: PlanKind,
    selection_key: str,
    action: str,
    mode: Mode,
    collect: Callable[[int], None],
    options: Mapping[str, object] | None = None,
    second_action: str | None = None,
    asks_always: str | None = None,
) -> PlanSummary:
    """Store one plan of one action whose documents ``collect`` finds, given the plan's id.

    :param second_action: what it does to others of them; None for nothing.
    :param asks_always: why somebody must approve it in any case; None where only limits ask.
    """
    tenant = night.organization
    own = find_own_plan(conn, night, selection_key=selection_key)
    if own is not None:
        return stored_plans.summary(conn, own)
    plans.begin_collecting(conn)
    close_dead_plans(conn, night)
    plan_id = insert_plan(
        conn, night, kind=kind, mode=mode, selection_key=selection_key, options=options
    )
    collect(plan_id)
    contexts = [
        selection_context(plan_id, each, is_enforced=mode is Mode.ENFORCE, action_index=index)
        for index, each in enumerate(filter(None, (action, second_action)))
    ]
    judge(conn, night, contexts, organizations.metadata_types(conn, tenant.id))
    if mode is Mode.ENFORCE:
        ask_where_needed(conn, night, plan_id=plan_id, version=None, asks_always=asks_always)
    record_plan(conn, night, plan_id)
    return stored_plans.summary(conn, plan_id)
