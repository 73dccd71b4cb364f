"""The tab on a DAG's own page in Airflow: what its runs have planned."""

from fastapi import APIRouter, Response

from doclife.dashboard.rules.listing import plan_state
from doclife.dashboard.visit import Here
from doclife.store import stored_plans

router = APIRouter()

LATEST = 25
ELSEWHERE: dict[str, tuple[str, str, str]] = {
    "check_expired_documents": (
        "It stamps documents whose date has passed and queues the warnings; it plans nothing.",
        "overdue",
        "What is past due",
    ),
    "process_queue": (
        "It delivers what waits in the queue: mail, messages, calls.",
        "jobs",
        "Batch jobs",
    ),
    "send_daily_summaries": (
        "It tells each person once a day what concerns them.",
        "notifications",
        "Notifications",
    ),
}
"""DAGs that store no plans of their own, or few: what they do, and the page that shows it."""


@router.get("/dags/{dag_id}")
def show(here: Here, dag_id: str, run_id: str | None = None) -> Response:
    """Show the newest plans of a DAG, or of one run of it; a run's only plan is shown itself."""
    plans = stored_plans.list_plans(
        here.conn, organization=here.tenant.slug, dag_id=dag_id, run_id=run_id, size=LATEST
    )
    if run_id is not None and len(plans) == 1:
        return here.redirect(f"plans/{plans[0]['plan_id']}")
    return here.page(
        "dag.html.j2",
        dag_id=dag_id,
        run_id=run_id,
        plans=plans,
        elsewhere=ELSEWHERE.get(dag_id),
        plan_state=plan_state,
    )
