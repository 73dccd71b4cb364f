"""Reviews: a person is asked about a plan, and the answer decides.

A plan that needs a person is asked about in stages, one question after the other. An answer is
kept as it came, then decided upon: an approval counts only when it is somebody else's (four eyes)
and the plan may still be applied. The database holds that too, whoever writes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from doclife.delivery.plain_text import one_line
from doclife.domain.duration import Period
from doclife.domain.plan import PlanState
from doclife.domain.review import OUTCOMES, Answer, Keeping, Outcome
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.closing import MAX_AGE_DAYS
from doclife.lifecycle.deciding import COMMENT_LENGTH, keep_locked, lock
from doclife.store import audit, batches, decisions, organizations, plans, reviews
from doclife.store.connection import Connection
from doclife.store.reviews import Question, Review

REVIEW_DAG, REVIEW_TASK = "review_plan", "ask"
"""Where in Airflow people are asked."""
NAMED_AFTER_A_QUESTION = re.compile(r"plan-\d")
TIME_OUT = "schedule"
"""Who answers when nobody does in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came of a question, and why where the answer did not count."""

    plan_id: int
    outcome: Outcome
    reason: str | None = None


def find_question(
    conn: Connection, *, plan_id: int, stage: int | None, attempt: int | None
) -> Question | None:
    """Return the question that is to be put about a plan now.

    :param stage: only if it is in this stage; None for whichever it is.
    :param attempt: likewise.
    """
    if reviews.describe(conn, plan_id) is None:
        raise ConfigurationError(f"there is no plan {plan_id}. See: doclife plans list")
    wanted = reviews.list_wanted(conn, plan_id=plan_id)
    if not wanted:
        return None
    [question] = wanted
    if stage not in (None, question.stage) or attempt not in (None, question.attempt):
        return None
    return question


def ask(
    conn: Connection, question: Question, *, dag_id: str, run_id: str, now: datetime
) -> datetime | None:
    """Note that a run asks a question, and return until when the answer counts.

    None when there is nothing to ask any more, because the plan is too old by now, or because
    another run asks this already.

    :raises RefusedError: the run has the name of one that asks something else: whoever answers by
        that name would answer another question than they think.
    """
    if run_id != question.run_id and NAMED_AFTER_A_QUESTION.match(run_id):
        raise RefusedError(
            f"run {run_id} is not the one that asks about plan {question.plan_id}: that is "
            f"{question.run_id}. Start it under that name, or without a name."
        )
    with conn.transaction():
        plan = _describe(conn, question.plan_id)
        answer_due_at = due_at(plan, now=now)
        if answer_due_at <= now:
            plans.lapse(
                conn, organization_id=plan["organization_id"], now=now, max_age_days=MAX_AGE_DAYS
            )
            return None
        asking = reviews.ask(
            conn, question, dag_id=dag_id, run_id=run_id, now=now, answer_due_at=answer_due_at
        )
        return answer_due_at if asking == run_id else None


def due_at(plan: Mapping[str, Any], *, now: datetime) -> datetime:
    """Return when nobody's answer counts any more: the rule's time-out, or when a plan is too old.

    :param plan: as ``reviews.describe`` returns it.
    """
    too_old_at: datetime = plan["created_at"] + timedelta(days=MAX_AGE_DAYS)
    timeout = (plan["review"] or {}).get("timeout")
    if timeout is None:
        return too_old_at
    today = now.date()
    return min(too_old_at, now + (Period.parse(timeout).add_to(today) - today))


def receive_answer(
    conn: Connection,
    *,
    dag_id: str,
    run_id: str,
    answer: str,
    form: Mapping[str, object],
    answered_by: str | None,
    answered_at: datetime,
) -> None:
    """Keep what was answered to the question that a run has put, as it came.

    :param answered_by: the actor; None when the time ran out.
    """
    question = reviews.find_by_run(conn, dag_id=dag_id, run_id=run_id)
    if question is None:
        raise RefusedError(f"run {run_id} of {dag_id} has asked nothing that could be answered.")
    reviews.receive_answer(
        conn,
        question,
        run_id=run_id,
        answer=Answer(answer),
        form=form,
        answered_by=answered_by,
        answered_at=answered_at,
    )


def decide_run(conn: Connection, *, dag_id: str, run_id: str, now: datetime) -> Verdict | None:
    """Decide upon the answer to the question that a run has put; None when it has put none."""
    question = reviews.find_by_run(conn, dag_id=dag_id, run_id=run_id)
    return None if question is None else decide(conn, question, now=now)


def decide(conn: Connection, question: Question, *, now: datetime) -> Verdict:
    """Decide upon the answer to a question, in one transaction; called again, it says the same.

    :raises RefusedError: nobody has answered yet.
    """
    with conn.transaction():
        plan = _describe(conn, question.plan_id)
        # Whoever plans meanwhile counts what this plan reserves, or supersedes it.
        organizations.lock_planning(conn, plan["organization_id"])
        review = reviews.lock(conn, question)
        if review is None:
            return Verdict(plan_id=question.plan_id, outcome=Outcome.CLOSED)
        if review.outcome is not None:
            return Verdict(plan_id=question.plan_id, outcome=Outcome(review.outcome))
        plan = _describe(conn, question.plan_id)
        if plan["state"] != PlanState.NEEDS_APPROVAL:
            verdict = _too_late(conn, plan, review, now=now)
        elif review.answer is None:
            raise RefusedError(
                f"Nobody has answered about plan {question.plan_id} yet, so nothing is decided. "
                "Clear the task that asks, with downstream."
            )
        elif review.answer == Answer.APPROVE:
            verdict = _approve(conn, plan, review, now=now)
        else:
            verdict = _keep(conn, plan, review, now=now)
        reviews.end(conn, question, outcome=verdict.outcome, now=now)
        return verdict


def close_moot(conn: Connection, question: Question, *, now: datetime) -> None:
    """Note that a question about a plan that waits for nobody any more needs no answer."""
    reviews.end(conn, question, outcome=Outcome.CLOSED, now=now)


def _approve(
    conn: Connection, plan: Mapping[str, Any], review: Review, *, now: datetime
) -> Verdict:
    plan_id, approver = review.plan_id, review.answered_by or TIME_OUT
    _state, refusal = batches.check_applicable(
        conn, plan_id=plan_id, now=now, max_age_days=MAX_AGE_DAYS
    )
    if refusal and refusal.code in ("stale", "superseded"):
        _record(conn, plan, review, now=now, invalid_reason=refusal.reason)
        plans.lapse(
            conn, organization_id=plan["organization_id"], now=now, max_age_days=MAX_AGE_DAYS
        )
        plans.close_orphans(conn, organization_id=plan["organization_id"], now=now)
        return Verdict(plan_id=plan_id, outcome=Outcome.CLOSED, reason=refusal.reason)
    obstacle = decisions.find_obstacle(conn, plan_id=plan_id, stage=review.stage, approver=approver)
    if obstacle:
        return _does_not_count(conn, plan, review, now=now, reason=obstacle)
    _record(conn, plan, review, now=now)
    if not reviews.list_wanted(conn, plan_id=plan_id):
        decisions.set_state(conn, plan_id=plan_id, state=PlanState.APPROVED, now=now)
    return Verdict(plan_id=plan_id, outcome=Outcome.APPROVED)


def _keep(conn: Connection, plan: Mapping[str, Any], review: Review, *, now: datetime) -> Verdict:
    tenant = organizations.find(conn, plan["organization"])
    until, fault = _day(review.form.get("extend_until"))
    answer = Answer(str(review.answer))
    keeping = Keeping(
        answer=answer,
        until=until if answer is Answer.EXTEND else None,
        matter=_text(review.form.get("matter")) if answer is Answer.HOLD else None,
        comment=_comment(review),
    )
    fault = fault if answer is Answer.EXTEND and fault else keeping.fault(today=tenant.date_of(now))
    if fault:
        return _does_not_count(conn, plan, review, now=now, reason=fault)
    locked = lock(conn, plan, keeping=keeping)
    try:
        with conn.transaction():
            keep_locked(
                conn,
                plan,
                locked=locked,
                keeping=keeping,
                actor=review.answered_by or TIME_OUT,
                now=now,
                rest=True,
            )
    except RefusedError as refusal:  # the matter was closed
        return _does_not_count(conn, plan, review, now=now, reason=str(refusal))
    _record(conn, plan, review, now=now, extend_until=keeping.until)
    decisions.set_state(conn, plan_id=review.plan_id, state=PlanState.REJECTED, now=now)
    return Verdict(plan_id=review.plan_id, outcome=OUTCOMES[answer])


def _too_late(
    conn: Connection, plan: Mapping[str, Any], review: Review, *, now: datetime
) -> Verdict:
    reason = f"the plan is {plan['state']} and waits for nobody any more"
    if review.answered_by is not None:
        _record(conn, plan, review, now=now, invalid_reason=reason)
    return Verdict(plan_id=review.plan_id, outcome=Outcome.CLOSED, reason=reason)


def _does_not_count(
    conn: Connection, plan: Mapping[str, Any], review: Review, *, now: datetime, reason: str
) -> Verdict:
    _record(conn, plan, review, now=now, invalid_reason=reason)
    return Verdict(plan_id=review.plan_id, outcome=Outcome.INVALID, reason=reason)


def _record(
    conn: Connection,
    plan: Mapping[str, Any],
    review: Review,
    *,
    now: datetime,
    extend_until: date | None = None,
    invalid_reason: str | None = None,
) -> None:
    """Store the answer as a decision, and in the audit trail."""
    actor = review.answered_by or TIME_OUT
    answer = Answer(str(review.answer))
    if answer is Answer.EXTEND and extend_until is None:
        # Only a date that could be read can be stored with it.
        extend_until = _day(review.form.get("extend_until"))[0]
    comment = _comment(review)
    decisions.insert(
        conn,
        plan_id=review.plan_id,
        stage=review.stage,
        decision=Answer.REJECT if answer is Answer.EXTEND and extend_until is None else answer,
        extend_until=extend_until,
        decided_by=actor,
        now=now,
        comment=comment,
        invalid_reason=invalid_reason,
    )
    audit.record(
        conn,
        organization_id=plan["organization_id"],
        at=now,
        actor=actor,
        rule=plan["rule"],
        action="plan.answer_refused" if invalid_reason else f"plan.{OUTCOMES[answer]}",
        plan_id=review.plan_id,
        reason=invalid_reason or comment or f"stage {review.stage}",
        details={"answer": answer, "stage": review.stage, "run_id": review.run_id},
    )


def _comment(review: Review) -> str | None:
    if review.answered_by is None:
        return f"nobody answered until {review.answer_due_at:%Y-%m-%d %H:%M} UTC"
    return _text(review.form.get("comment"))


def _text(value: object) -> str | None:
    return one_line(value, length=COMMENT_LENGTH) or None if isinstance(value, str) else None


def _day(value: object) -> tuple[date | None, str | None]:
    """Return the date of the form, and what is wrong with it."""
    if not isinstance(value, str) or not value.strip():
        return None, None
    try:
        return date.fromisoformat(value.strip()[:10]), None
    except ValueError:
        return None, f"{value[:20]!r} is no date; write for example 2027-01-31"


def _describe(conn: Connection, plan_id: int) -> dict[str, Any]:
    plan = reviews.describe(conn, plan_id)
    if plan is None:
        raise ConfigurationError(f"there is no plan {plan_id}. See: doclife plans list")
    return plan
