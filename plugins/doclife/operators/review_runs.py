"""Lets people be asked about plans, and approved plans be applied: by runs of other DAGs."""

import logging
from typing import TYPE_CHECKING

from doclife.operators.dag_runs import FINISHED, begin_anew, start_run, state_of
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection

ASKING, APPLYING = "review_plan", "run_rule"

logger = logging.getLogger(__name__)


class StartReviewsOperator(LifecycleOperator):
    """Let a run of ``review_plan`` ask about every plan that waits for a person.

    It looks at all plans, whoever made them: those of this run, of the command line, of other
    DAGs. So nothing is forgotten: a plan that is asked about already is left alone, one whose run
    was lost is asked about again, a question about a plan that waits for nobody any more (a newer
    one has replaced it) ends by itself, and an approved plan that nobody applies is applied.
    Returns how many of each.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Start what has to be started, and return the counts."""
        ended = end_moot_reviews(conn)
        return {**start_reviews(conn), "ended": ended}


def start_reviews(conn: "Connection", *, plan_id: int | None = None) -> dict[str, int]:
    """Start the runs that ask about plans and those that apply approved ones; once is enough.

    :param plan_id: only for this plan; None for all.
    """
    from doclife.store import reviews

    asked, started = 0, 0
    for question in reviews.list_wanted(conn, plan_id=plan_id):
        asked += start_run(ASKING, question.run_id, conf=question.key, again=True)
    for approved in reviews.list_approved(conn, plan_id=plan_id):
        started += start_run(
            APPLYING, f"plan-{approved}-apply", conf={"plan_id": approved}, again=True
        )
    return {"asked": asked, "started": started}


def end_moot_reviews(conn: "Connection") -> int:
    """Let the runs that ask about plans which wait for nobody any more end; return how many."""
    from airflow.sdk.exceptions import AirflowRuntimeError

    from doclife.lifecycle.reviewing import close_moot
    from doclife.store import reviews

    ended = 0
    for question, dag_id, run_id in reviews.list_moot(conn):
        try:
            is_waiting = state_of(dag_id, run_id) not in FINISHED
        except AirflowRuntimeError:  # somebody has deleted the run
            is_waiting = False
        if is_waiting:
            # Begun anew it sees that there is nothing to ask, and is green at once.
            begin_anew(dag_id, run_id, conf=question.key)
        else:
            close_moot(conn, question, now=present())
        logger.info("Plan %s waits for nobody any more: %s ends", question.plan_id, run_id)
        ended += 1
    return ended
