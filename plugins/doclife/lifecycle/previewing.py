"""Shows what a rule would do, by planning it and taking the plan back.

A preview that goes another way than the plan is the oldest fault of dry runs (harbor#15332,
curator#290): this one *is* a plan, in mode simulate, in a transaction that is rolled back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.domain.rule import Mode, Rule
from doclife.lifecycle.judging import compilers_for
from doclife.lifecycle.planning import plan_rule
from doclife.store import organizations, plans, rules, stored_plans
from doclife.store.connection import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a rule would do, were it to run at a moment."""

    rule: str
    as_of: datetime
    counts: Sequence[stored_plans.ItemCount]
    items: Sequence[stored_plans.PlanItem]
    """Of the plan, those longest due first; those it would leave alone included."""
    unknown_count: int
    """Documents it could not judge because what it needs is missing or malformed."""
    not_due: plans.NotDue
    """Documents it selects, and of which nothing is due at that moment."""


def preview_rule(
    conn: Connection,
    *,
    organization: str,
    rule: Rule,
    as_of: datetime,
    now: datetime,
    after: stored_plans.DuePlace | None = None,
    size: int = 20,
) -> Preview:
    """Return what ``rule``, stored or still a draft, would do at ``as_of``; nothing is kept.

    :param as_of: aware; may lie in the future.
    :param after: where the page before ended; None for the first page.
    :param size: how many items to return beside the counts.
    """
    with conn.transaction(force_rollback=True):
        tenant = organizations.find(conn, organization)
        version = rules.add_version(
            conn,
            organization_id=tenant.id,
            rule=rule.model_copy(update={"mode": Mode.SIMULATE}),
            source="",
            author="preview",
            commit=None,
            now=now,
        )
        summary = plan_rule(
            conn,
            rule_version_id=version.version_id,
            now=now,
            as_of=as_of,
            dag_id="preview",
            run_id="preview",
            requested_by="preview",
            mode=Mode.SIMULATE,
        )
        compiler = compilers_for(
            [version],
            organization=tenant,
            metadata_types=organizations.metadata_types(conn, tenant.id),
            as_of=tenant.date_of(as_of),
        )[0]
        [unknown_count] = plans.count_unknown(
            conn, [compiler.cannot_say()], organization_id=tenant.id
        )
        return Preview(
            rule=rule.name,
            as_of=as_of,
            counts=stored_plans.count_items(conn, summary.plan_id),
            items=stored_plans.list_items_by_due(conn, summary.plan_id, after=after, size=size),
            unknown_count=unknown_count,
            not_due=plans.count_not_due(
                conn,
                compiler.hits(organization_id=tenant.id, due_by=date.max),
                today=tenant.date_of(as_of),
            ),
        )
