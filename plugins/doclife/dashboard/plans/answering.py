"""Approves and rejects plans: by answering Airflow's own question, as the person who asks.

doclife never writes an approval by itself; the run that has asked reads the answer and the database
checks it.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

from doclife.dashboard import airflow_api
from doclife.dashboard.airflow_api import AirflowRefused
from doclife.dashboard.visit import Visit
from doclife.domain.review import Answer
from doclife.errors import RefusedError, TryAgainLater
from doclife.lifecycle.reviewing import REVIEW_DAG, REVIEW_TASK, find_question
from doclife.store.reviews import Question

SETTLES = timedelta(seconds=3)
"""How long a question has to stand: Airflow has to see first that who put it has ended."""
ANSWERS = (Answer.APPROVE, Answer.REJECT)


def answer(here: Visit, *, plan_id: int, answer: Answer, comment: str | None) -> None:
    """Answer the question that stands about a plan.

    :raises RefusedError: the plan waits for nobody, or somebody was quicker.
    :raises TryAgainLater: it is only being asked now; in a few seconds it can be answered.
    """
    question = find_question(here.conn, plan_id=plan_id, stage=None, attempt=None)
    if question is None:
        raise RefusedError(f"plan {plan_id} waits for nobody.")
    path = question_path(question)
    _require_standing(here, question, path)
    try:
        airflow_api.call(
            here,
            "PATCH",
            f"/api/v2/{path}/hitlDetails",
            {
                "chosen_options": [answer.value.capitalize()],
                "params_input": {"comment": comment or None, "extend_until": None, "matter": None},
            },
        )
    except AirflowRefused as refusal:
        if refusal.status == 409:
            raise RefusedError(f"somebody has answered about plan {plan_id} already.") from refusal
        raise


def question_path(question: Question) -> str:
    """Return where in Airflow's API the task is that asks."""
    return f"dags/{REVIEW_DAG}/dagRuns/{question.run_id}/taskInstances/{REVIEW_TASK}/-1"


def airflow_page(question: Question) -> str:
    """Return Airflow's own page where the question can be answered, with all of its choices."""
    run_id = quote(question.run_id, safe="")
    return f"dags/{REVIEW_DAG}/runs/{run_id}/tasks/{REVIEW_TASK}/required_actions"


def _require_standing(here: Visit, question: Question, path: str) -> None:
    try:
        detail = airflow_api.call(here, "GET", f"/api/v2/{path}/hitlDetails")
    except AirflowRefused as refusal:
        if refusal.status != 404:
            raise
        let_it_be_asked(here, question)
    else:
        if here.now - datetime.fromisoformat(detail["created_at"]) >= SETTLES:
            return
    raise TryAgainLater(
        f"plan {question.plan_id} is only being asked about now: answer again in a few seconds."
    )


def let_it_be_asked(here: Visit, question: Question) -> None:
    """Start the run that asks, unless the night or somebody else did."""
    try:
        airflow_api.call(
            here,
            "POST",
            f"/api/v2/dags/{REVIEW_DAG}/dagRuns",
            {"dag_run_id": question.run_id, "logical_date": None, "conf": question.key},
        )
    except AirflowRefused as refusal:
        if refusal.status != 409:
            raise
