"""``/plans/{id}/again`` of the JSON API: what a batch failed on, planned once more."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Why
from doclife.dashboard.api.once import OnceRoute, in_steps, repeat_id
from doclife.dashboard.batches.asked import new_run
from doclife.dashboard.batches.doing import set_going
from doclife.dashboard.gate import needs
from doclife.dashboard.plans.showing import find
from doclife.dashboard.visit import Here
from doclife.domain.plan import PlanState
from doclife.lifecycle.batching import PLANNER
from doclife.lifecycle.planning_again import plan_failed_again

router = APIRouter(route_class=OnceRoute, tags=["plans"])


class PlannedAgain(BaseModel):
    """The new plan."""

    plan_id: int
    plan_state: PlanState
    document_count: int = Field(description="To how many it would be done; others are left alone.")
    approval_reason: str | None
    message: str = Field(description="Who applies the plan, or why nobody.")


@router.post("/plans/{plan_id}/again", dependencies=[needs(Deed.RUN), in_steps()])
def plan_again(here: Here, request: Request, plan_id: int, body: Why) -> PlannedAgain:
    """Plan the documents that a plan of chosen ones failed on once more, and let it be applied.

    They are judged anew. 409 for other plans: a rule tries again by itself.
    """
    find(here, plan_id)
    plan = plan_failed_again(
        here.conn,
        plan_id=plan_id,
        now=here.now,
        dag_id=PLANNER,
        run_id=f"again-{repeat_id(request) or new_run()}",
        requested_by=here.actor,
        reason=body.reason,
    )
    return PlannedAgain(
        plan_id=plan.plan_id,
        plan_state=plan.state,
        document_count=plan.document_count,
        approval_reason=plan.approval_reason,
        message=set_going(here, plan),
    )
