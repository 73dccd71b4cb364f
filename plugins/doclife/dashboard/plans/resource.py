"""``/plans`` of the JSON API: what is planned and done, to which documents, and why."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Asked
from doclife.dashboard.api.once import OnceRoute, in_steps
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_id
from doclife.dashboard.plans import answering, undoing
from doclife.dashboard.plans.showing import find, items_page
from doclife.dashboard.visit import Here
from doclife.domain.plan import PlanState
from doclife.domain.review import Answer
from doclife.domain.rule import MAX_ACTIONS
from doclife.lifecycle.undo import UndoOutcome
from doclife.store import decisions, reviews, stored_plans
from doclife.store.decisions import Decision
from doclife.store.reviews import Review
from doclife.store.stored_plans import ItemCount, PlanItem

router = APIRouter(route_class=OnceRoute, tags=["plans"])

Limit = Annotated[int, Query(ge=1, le=200)]
DocumentLimit = Annotated[int, Query(ge=MAX_ACTIONS, le=200)]
"""Not fewer: a page never tears the actions of one document apart."""
Cursor = Annotated[str, Query(max_length=500)]


class PlanBody(BaseModel):
    """A plan."""

    model_config = ConfigDict(extra="ignore")

    plan_id: int
    organization: str
    kind: str
    rule: str | None = Field(description="name@version; null for a selection or a purge.")
    mode: str
    state: PlanState
    approval_reason: str | None
    document_count: int
    total_bytes: int
    unknown_count: int
    blocked_count: int
    requested_by: str
    dag_id: str
    run_id: str
    as_of: datetime
    created_at: datetime


class ListedPlan(PlanBody):
    """A plan with how far it has come."""

    done_count: int
    skipped_count: int
    failed_count: int


class PlansPage(BaseModel):
    """A page of plans, the newest first."""

    items: list[ListedPlan]
    next_cursor: str | None


class ShownPlan(PlanBody):
    """A plan with its outcomes, and who was asked about it and said what."""

    applying_at: datetime | None
    applied_at: datetime | None
    undone_at: datetime | None
    items_pruned_at: datetime | None = Field(
        description="Since when the list has only what was done and what is evidence."
    )
    counts: list[ItemCount]
    reviews: list[Review]
    decisions: list[Decision]


class ItemsPage(BaseModel):
    """A page of a plan's items, in the order of the documents."""

    items: list[PlanItem]
    next_cursor: str | None


class Comment(BaseModel):
    """Why; kept with the decision."""

    model_config = ConfigDict(extra="forbid")

    comment: str | None = Field(default=None, max_length=500)


class UndoneBody(BaseModel):
    """What an undo has brought back."""

    outcome: UndoOutcome
    is_whole: bool = Field(description="False: there is more; undo once more to go on.")


@router.get("/plans")
def list_plans(
    here: Here,
    search: Annotated[
        Asked, Query(description="A part of the rule's name, or of who asked for it.")
    ] = "",
    state: PlanState | None = None,
    mode: Literal["simulate", "enforce"] | None = None,
    failed: Annotated[bool, Query(description="Only those in which something failed.")] = False,
    dag_id: Asked = "",
    run_id: Asked = "",
    cursor: Cursor = "",
    limit: Limit = PAGE_ROWS,
) -> PlansPage:
    """List plans, the newest first; all that is asked for must fit."""
    found = stored_plans.list_plans(
        here.conn,
        organization=here.tenant.slug,
        state=state,
        mode=mode,
        search=search or None,
        is_failed=failed,
        dag_id=dag_id or None,
        run_id=run_id or None,
        before=read_id(cursor),
        size=limit + 1,
    )
    page = page_of(found, limit=limit, key=lambda row: row["plan_id"], cursor=cursor)
    return PlansPage(items=[ListedPlan(**row) for row in page.rows], next_cursor=page.next_cursor)


@router.get("/plans/{plan_id}")
def show_plan(here: Here, plan_id: int) -> ShownPlan:
    """Return one plan."""
    plan: dict[str, Any] = find(here, plan_id)
    return ShownPlan(
        **plan,
        counts=stored_plans.count_items(here.conn, plan_id),
        reviews=reviews.list_of_plan(here.conn, plan_id),
        decisions=decisions.list_of_plan(here.conn, plan_id),
    )


@router.get("/plans/{plan_id}/items")
def list_items(
    here: Here,
    plan_id: int,
    state: Annotated[str, Query(max_length=20)] = "",
    cursor: Cursor = "",
    limit: DocumentLimit = PAGE_ROWS,
) -> ItemsPage:
    """Return the documents of a plan, with what is or was done to each, and why."""
    find(here, plan_id)
    page = items_page(here, plan_id, state=state, cursor=cursor, limit=limit)
    return ItemsPage(items=list(page.rows), next_cursor=page.next_cursor)


@router.post(
    "/plans/{plan_id}/approve",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[needs(Deed.APPROVE), in_steps()],
)
def approve(here: Here, plan_id: int, body: Comment) -> Response:
    """Approve a plan, by answering Airflow's question in the caller's own name.

    503 while the question is only being put; 409 when the plan waits for nobody.
    """
    find(here, plan_id)
    answering.answer(here, plan_id=plan_id, answer=Answer.APPROVE, comment=body.comment)
    return Response(status_code=status.HTTP_202_ACCEPTED)


@router.post(
    "/plans/{plan_id}/reject",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[needs(Deed.APPROVE), in_steps()],
)
def reject(here: Here, plan_id: int, body: Comment) -> Response:
    """Reject a plan, likewise; its documents are left alone."""
    find(here, plan_id)
    answering.answer(here, plan_id=plan_id, answer=Answer.REJECT, comment=body.comment)
    return Response(status_code=status.HTTP_202_ACCEPTED)


@router.post("/plans/{plan_id}/undo", dependencies=[needs(Deed.RUN), in_steps()])
def undo(here: Here, plan_id: int) -> UndoneBody:
    """Take a plan back while it is in grace, as far as one request comes."""
    find(here, plan_id)
    taken = undoing.take_back(here, plan_id)
    return UndoneBody(outcome=taken.outcome, is_whole=taken.is_whole)
