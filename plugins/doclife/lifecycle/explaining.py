"""Explains one document: every rule, who wins, what happens next, and what could still stop it.

The rules are compiled by the one compiler and judged by the one judging: what this says of a
document is what a plan of that moment does with it. Only limits that count many documents
(breaker, ``per_night``) are left out: they are not about one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from doclife.domain.answer import answer, could_stop, next_step
from doclife.domain.compiler import Compiler
from doclife.domain.condition import comparisons
from doclife.domain.explaining_sql import answers, clocks
from doclife.domain.explanation import (
    ActionVerdict,
    Clock,
    Explanation,
    Hold,
    Predicate,
    RuleExplanation,
)
from doclife.domain.fields import NULLNESS
from doclife.domain.rule import Mode
from doclife.lifecycle.catching import catch_in_plan
from doclife.lifecycle.documents import unknown_documents
from doclife.lifecycle.due import warning_actions
from doclife.lifecycle.judging import compilers_for, contexts_of, resolve
from doclife.lifecycle.night import Night, refuse_naive
from doclife.lifecycle.warning import target_of
from doclife.store import catalogue, explanations, organizations, plans, rules, switches
from doclife.store.connection import Connection

WORKING = ("active", "archived")
"""What rules look at; the trash is the purge's."""


def explain_document(
    conn: Connection, *, organization: str, external_id: str, as_of: datetime, now: datetime
) -> Explanation:
    """Return why a document is still here or gone, judged for the day of ``as_of``.

    Nothing is stored. Holds, reprieve and open plans are those of the present, also when
    ``as_of`` lies ahead; the cooling-off is judged as if that moment had come.

    :param as_of: aware.
    :raises ConfigurationError: the organization has no such document.
    """
    refuse_naive(now=now, as_of=as_of)
    tenant = organizations.find(conn, organization)
    night = Night(
        organization=tenant,
        now=now,
        as_of=as_of,
        dag_id="explain",
        run_id="explain",
        requested_by="explain",
    )
    # Rolled back: a matter may catch the document while it is judged, as it would in a plan.
    with conn.transaction(force_rollback=True):
        facts = catalogue.describe(conn, tenant.id, external_id)
        if facts is None:
            raise unknown_documents(organization, [external_id])
        document_id: int = facts["document_id"]
        compilers = compilers_for(
            rules.list_current(conn, tenant.id, with_off=True),
            organization=tenant,
            metadata_types=organizations.metadata_types(conn, tenant.id),
            as_of=night.today,
        )
        explained = _explain_rules(conn, night, compilers, facts)
        protections = [one.protected_until for one in explained if one.protected_until is not None]
        found = Explanation(
            answer="",
            external_id=external_id,
            title=facts["title"],
            status=facts["status"],
            as_of=as_of,
            today=night.today,
            is_ahead=as_of > now,
            rules=explained,
            protected_until=max(protections, default=None),
            holds=[
                Hold(matter=hold["matter"], reason=hold["reason"], since=hold["added_at"])
                for hold in catalogue.list_holds(conn, document_id)
                if hold["released_at"] is None and hold["too_late_since"] is None
            ],
            reprieve_until=facts["reprieve_until"],
            cooling_off_until=_cooling_off(conn, night, compilers, document_id),
            claims=explanations.list_claims(conn, document_id),
            deeds=explanations.list_deeds(conn, document_id),
            warnings=explanations.list_warnings(conn, document_id),
            halt=switches.read(conn).reason,
            purge_after=facts["purge_after"] if facts["status"] == "deleted" else None,
            next_step=None,
            could_stop_it=(),
        )
    return _concluded(found)


def _explain_rules(
    conn: Connection, night: Night, compilers: Sequence[Compiler], facts: dict[str, Any]
) -> list[RuleExplanation]:
    if not compilers:
        return []
    document_id = facts["document_id"]
    met = explanations.list_answers(conn, answers(compilers, document_id=document_id))
    dates = explanations.list_clocks(conn, clocks(compilers, document_id=document_id))
    verdicts = _judge(conn, night, compilers, dates, document_id)
    protected = [
        dates[one.rule_version.version_id]["protected_until"]
        for one in compilers
        if one.rule.mode is not Mode.OFF
    ]
    kept_until = max((until for until in protected if until is not None), default=None)
    explained = []
    for compiler in compilers:
        version_id = compiler.rule_version.version_id
        row = dates[version_id]
        explained.append(
            _explain_rule(
                compiler,
                row=row,
                predicates=_predicates(compiler, met[version_id]),
                verdicts=verdicts,
                next_warning_on=_next_warning(
                    compiler,
                    row,
                    kept_until=kept_until,
                    reprieve_until=facts["reprieve_until"],
                    today=night.today,
                )
                if facts["status"] in WORKING and facts["hold_count"] == 0
                else None,
                today=night.today,
            )
        )
    return sorted(explained, key=lambda one: (one.priority, one.name))


def _judge(
    conn: Connection,
    night: Night,
    compilers: Sequence[Compiler],
    dates: dict[int, dict[str, Any]],
    document_id: int,
) -> dict[tuple[int, int], dict[str, Any]]:
    """Collect and judge what rules want of the document today, by version and action.

    The version stands for the plan that it would get. A rule none of whose actions is due
    collects nothing, so it is not asked.
    """
    in_use = [one for one in compilers if one.rule.mode is not Mode.OFF]
    contexts: list[plans.ActionContext] = []
    for compiler in in_use:
        version = compiler.rule_version
        row = dates[version.version_id]
        if not row["is_met"] or not any(_has_come(due, night.today) for due in row["due_on"]):
            continue
        if not contexts:
            plans.begin_collecting(conn)
        contexts += contexts_of(
            version.version_id, compiler, is_enforced=version.rule.mode is Mode.ENFORCE
        )
        plans.collect_hits(
            conn,
            plan_id=version.version_id,
            rule_version_id=version.version_id,
            hits=compiler.hits(organization_id=night.organization.id, document_ids=[document_id]),
            skip_actions=warning_actions(version),
        )
    if not contexts:
        return {}
    catch_in_plan(conn, night.organization, now=night.now, actor=night.requested_by)
    resolve(conn, night, contexts, in_use)
    return {
        (verdict["rule_version_id"], verdict["action_index"]): verdict
        for verdict in explanations.list_verdicts(conn)
    }


def _explain_rule(
    compiler: Compiler,
    *,
    row: dict[str, Any],
    predicates: Sequence[Predicate],
    verdicts: dict[tuple[int, int], dict[str, Any]],
    next_warning_on: date | None,
    today: date,
) -> RuleExplanation:
    rule = compiler.rule
    version = compiler.rule_version
    warns = warning_actions(version)
    actions = []
    for index, action in enumerate(rule.actions):
        verdict = verdicts.get((version.version_id, index), {})
        actions.append(
            ActionVerdict(
                action_index=index,
                action=str(action.do),
                due_on=row["due_on"][index],
                is_due=row["is_met"] is True and _has_come(row["due_on"][index], today),
                speaks_before=index in warns,
                code=verdict.get("reason_code"),
                reason=verdict.get("reason"),
                blocking_rule=verdict.get("blocking_rule"),
            )
        )
    return RuleExplanation(
        name=rule.name,
        version=version.version,
        version_id=version.version_id,
        mode=rule.mode,
        authority=rule.authority,
        priority=rule.priority,
        is_met=row["is_met"],
        predicates=predicates,
        clock=None
        if compiler.anchor_name is None
        else Clock(
            anchor=compiler.anchor_name,
            as_read=row["anchor_read"],
            counted_from=row["anchor_on"],
            cutoff="none" if rule.retain is None else str(rule.retain.cutoff),
            cutoff_on=row["cutoff_on"],
        ),
        period=None if rule.retain is None else str(rule.retain.for_),
        retain_until=row["retain_until"],
        protected_until=row["protected_until"],
        actions=actions,
        grace=str(rule.grace),
        asks_review=rule.review is not None,
        per_night=rule.limits.per_night,
        requires_warning=rule.requires_warning,
        next_warning_on=next_warning_on,
    )


def _predicates(compiler: Compiler, rows: Sequence[dict[str, Any]]) -> list[Predicate]:
    if compiler.rule.when is None:
        return []
    return [
        Predicate(
            position=row["position"],
            path=_path(located.path),
            field=located.comparison.field,
            operator=located.comparison.operator.value,
            required=None
            if located.comparison.operator in NULLNESS
            else _required(located.comparison.value),
            actual=row["actual"],
            is_met=row["is_met"],
            is_negated=located.is_negated,
        )
        for row, located in zip(rows, comparisons(compiler.rule.when), strict=True)
    ]


def _path(path: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _required(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value)


def _has_come(due_on: date | None, today: date) -> bool:
    return due_on is not None and due_on <= today


def _next_warning(
    compiler: Compiler,
    row: dict[str, Any],
    *,
    kept_until: date | None,
    reprieve_until: date | None,
    today: date,
) -> date | None:
    """The next day on which the expiry check tells somebody; as in notices/collect_warnings."""
    rule = compiler.rule
    if rule.mode is not Mode.ENFORCE or not rule.warn or not rule.actions or not row["is_met"]:
        return None
    target = target_of(rule)
    goes_on = row["due_on"][target]
    if rule.actions[target].do == "DELETE":
        goes_on = _later(goes_on, kept_until)
    goes_on = _later(goes_on, reprieve_until)
    if goes_on is None or goes_on == date.max:
        return None
    days = [window.subtract_from(goes_on) for window in rule.warns_before]
    return min((day for day in days if day > today), default=None)


def _later(day: date | None, until: date | None) -> date | None:
    """The day, or the one after ``until`` when that is later."""
    if day is None or until is None or until < day:
        return day
    return until if until == date.max else date.fromordinal(until.toordinal() + 1)


def _cooling_off(
    conn: Connection, night: Night, compilers: Sequence[Compiler], document_id: int
) -> datetime | None:
    """Until when no rule deletes the document, when that lies ahead."""
    counting = [
        one
        for one in compilers
        if one.rule.mode is not Mode.OFF and (one.rule.deletes or one.rule.retain is not None)
    ]
    if not any(one.rule.deletes for one in counting):
        return None
    until = explanations.find_cooling_off(
        conn,
        document_id=document_id,
        fields=sorted({field for one in counting for field in one.fields_read}),
        events=sorted({event for one in counting for event in one.events_used}),
        cooling_off_days=night.organization.cooling_off_days,
    )
    return until if until is not None and until > max(night.now, night.as_of) else None


def _concluded(found: Explanation) -> Explanation:
    """Add what follows from everything else."""
    stepped = replace(found, next_step=next_step(found))
    return replace(stepped, answer=answer(stepped), could_stop_it=could_stop(stepped))
