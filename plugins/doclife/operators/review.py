"""Asks a person about a plan in Airflow's Required Actions, and records what was decided."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, TriggerRule

from doclife.errors import ConfigurationError, RefusedError
from doclife.operators.connecting import documents_database
from doclife.operators.faults import lasting_faults_fail_at_once
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.linking import message_links
from doclife.operators.plan_link import PlanLink
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.execution_time.hitl import HITLUser

    from doclife.store.connection import Connection
    from doclife.store.reviews import Question

REVIEWERS = "doclife_reviewers"
"""Airflow Variable: a JSON object with users by stage."""
APPROVE, REJECT, EXTEND, HOLD = OPTIONS = ("Approve", "Reject", "Extend", "Hold")
FORM = {
    # Not of type string alone: Airflow disables every button while such a field is empty.
    "comment": Param(
        None,
        type=["null", "string"],
        title="Comment",
        description="Why. Kept with the decision and in the audit trail.",
    ),
    "extend_until": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Extend until",
        description="With Extend: the last day that the documents are kept.",
    ),
    "matter": Param(
        None,
        type=["null", "string"],
        title="Matter",
        description="With Hold: name of the legal hold, a new one or one that is open.",
    ),
}


class AskReviewOperator(HITLOperator):
    """Put one question about a plan to whoever may answer in Airflow, and wait for the answer.

    The task waits in state ``awaiting_input``, where it holds no worker and no slot. What is shown
    is read from the plan when the task begins; it names documents by their ids only. The answer is
    kept in the catalogue as it came, and goes nowhere else: not into XCom, which people can edit.
    Without an answer in time it is Reject. Where the Airflow Variable ``doclife_reviewers`` names
    users for the plan's stage, only they may answer. When there is nothing to ask, because the
    plan waits for nobody any more, the task ends at once.

    :param plan_id: number of the plan (templated).
    :param stage: only if the plan is in this stage; empty for whichever it is (templated).
    :param attempt: only if so many answers did not count before; empty likewise (templated).
    :param postgres_conn_id: Airflow Connection to the catalogue (templated).
    """

    template_fields = ("plan_id", "stage", "attempt", "postgres_conn_id")
    operator_extra_links = (PlanLink(),)

    def __init__(
        self,
        *,
        plan_id: str,
        stage: str = "",
        attempt: str = "",
        postgres_conn_id: str = "documents",
        **kwargs: Any,
    ) -> None:
        # What Airflow has merged in from the DAG is not for whoever answers; it merges it in again.
        kwargs.pop("params", None)
        super().__init__(
            subject="Approve a plan?",
            options=list(OPTIONS),
            defaults=REJECT,
            params=FORM,
            **kwargs,
        )
        self.plan_id = plan_id
        self.stage = stage
        self.attempt = attempt
        self.postgres_conn_id = postgres_conn_id

    def execute(self, context: "Context") -> Any:
        """Ask, unless there is nothing to ask; then wait."""
        from doclife.lifecycle import review_text, reviewing

        run = TaskRun.of(context)
        with (
            lasting_faults_fail_at_once(),
            documents_database(self.postgres_conn_id, application_name=run.name) as conn,
        ):
            question = self._question(conn)
            now = present()
            due_at = None
            if question is not None:
                due_at = reviewing.ask(
                    conn, question, dag_id=run.dag_id, run_id=run.run_id, now=now
                )
            if question is None or due_at is None:
                self.log.info("There is nothing to ask about plan %s any more", self.plan_id)
                return "nothing to ask"
            text = review_text.compose(conn, question, answer_due_at=due_at, links=message_links())
        self.subject, self.body = text.subject, text.body
        self.response_timeout = due_at - now
        self.assigned_users = _reviewers(text.stage)
        return super().execute(context)

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> Any:
        """Keep the answer."""
        from doclife.lifecycle.reviewing import receive_answer

        if "error" in event:
            self.process_trigger_event_error(event)
        chosen = event["chosen_options"]
        if len(chosen) != 1 or chosen[0] not in OPTIONS:
            raise ConfigurationError(f"{chosen!r} is no answer; the options are {OPTIONS}")
        run = TaskRun.of(context)
        with (
            lasting_faults_fail_at_once(),
            documents_database(self.postgres_conn_id, application_name=run.name) as conn,
        ):
            receive_answer(
                conn,
                dag_id=run.dag_id,
                run_id=run.run_id,
                answer=chosen[0].lower(),
                form=_form(event.get("params_input")),
                answered_by=_person(event.get("responded_by_user")),
                answered_at=_moment(event.get("responded_at")),
            )
        return "answered"

    def _question(self, conn: "Connection") -> "Question | None":
        from doclife.lifecycle.reviewing import find_question

        return find_question(
            conn,
            plan_id=_number(self.plan_id, name="plan_id") or 0,
            stage=_number(self.stage, name="stage"),
            attempt=_number(self.attempt, name="attempt"),
        )


class RecordReviewOperator(LifecycleOperator):
    """Record what was answered as a decision about the plan, and start what follows from it.

    It runs whatever became of the question. The answer of somebody who may not give it is recorded
    as invalid, with the reason, and somebody is asked again by another run; after an approval the
    next stage is asked, or the plan is applied by a run of ``run_rule``. Cleared and run again, it
    records nothing twice.

    :param asked: what the task that asks has returned. It only says whether that task came to an
        end; the answer is read from the catalogue.
    """

    template_fields = (*LifecycleOperator.template_fields, "asked")
    operator_extra_links = (PlanLink(),)

    def __init__(
        self, *, asked: str | None, trigger_rule: TriggerRule = TriggerRule.ALL_DONE, **kwargs: Any
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.asked = asked

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, Any]:
        """Decide, and return the plan's number with what came of it."""
        from doclife.lifecycle.reviewing import decide_run
        from doclife.operators.review_runs import start_reviews

        verdict = decide_run(conn, dag_id=run.dag_id, run_id=run.run_id, now=present())
        if verdict is None and not self.asked:
            raise RefusedError("Nobody was asked, because the task that asks failed: see there.")
        if verdict is None:
            self.log.info("This run has asked nobody: there was nothing to ask")
            return {"outcome": "closed"}
        self.log.info(
            "Plan %s: %s%s",
            verdict.plan_id,
            verdict.outcome,
            f" ({verdict.reason})" if verdict.reason else "",
        )
        start_reviews(conn, plan_id=verdict.plan_id)
        return {"plan_id": verdict.plan_id, "outcome": str(verdict.outcome)}


def _reviewers(stage: str | None) -> "list[HITLUser] | None":
    """Return who may answer in a stage; None lets everybody whom Airflow lets answer at all.

    :raises ConfigurationError: the Airflow Variable that says so is not what it should be.
    """
    from airflow.sdk import Variable

    text = Variable.get(REVIEWERS, default=None)
    if text is None or stage is None:
        return None
    try:
        users = json.loads(text).get(stage)
        if users is None:
            return None
        if not isinstance(users, list) or not users:
            raise ValueError(users)  # an empty list is everybody to Airflow
        return [_reviewer(user) for user in users]
    except (ValueError, AttributeError):
        raise ConfigurationError(
            f"the Airflow Variable {REVIEWERS} cannot be read: write for example "
            '{"records": ["anna", "boss"], "legal": [{"id": "7", "name": "counsel"}]}'
        ) from None


def _reviewer(user: object) -> "HITLUser":
    """Return a user as Airflow knows them: by id, which only the simple manager's names are.

    :raises ValueError: it is neither a name nor an object with id and name.
    """
    match user:
        case str() if user.strip():
            return {"id": user, "name": user}
        case {"id": str() | int() as number, "name": str() as name}:
            return {"id": str(number), "name": name}
    raise ValueError(user)


def _number(text: str, *, name: str) -> int | None:
    """Return the number that a template rendered to, or None for nothing."""
    if text in ("", None):
        return None
    if not str(text).isdecimal():
        raise ConfigurationError(f"{name}={text!r} is no number")
    return int(text)


def _form(given: Any) -> dict[str, object]:
    return {key: given[key] for key in FORM if key in given} if isinstance(given, Mapping) else {}


def _person(user: Any) -> str | None:
    """Return the actor for whoever answered; None when the time ran out."""
    if not user:
        return None
    name = user["name"] if isinstance(user, Mapping) else user.name
    return f"user:{name}"


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value) if isinstance(value, str) else present()
