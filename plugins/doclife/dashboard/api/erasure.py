"""``/erasure-requests`` of the JSON API: what persons asked to be destroyed, and how it stands."""

from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Cursor, Limit, Line, Names
from doclife.dashboard.api.once import CHANGES_NOTHING, OnceRoute, in_steps, repeat_id
from doclife.dashboard.batches.asked import new_run
from doclife.dashboard.erasure.asking import let_be_asked
from doclife.dashboard.erasure.listing import State, find_page, shown
from doclife.dashboard.erasure.showing import find, look_again
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of
from doclife.dashboard.rules.looking import document_of
from doclife.dashboard.visit import Here, Visit
from doclife.domain.plan import PlanState
from doclife.lifecycle import erasure_requests
from doclife.lifecycle.batching import PLANNER
from doclife.lifecycle.erasure_requests import Answer, ErasureRequest, Obstacle
from doclife.store.stored_plans import PlanItem

router = APIRouter(route_class=OnceRoute, tags=["erasure"])


class NewRequest(BaseModel):
    """Whom a request is about."""

    model_config = ConfigDict(extra="forbid")

    person: Line = Field(description="As documents name their owner, in whatever letters.")
    fields: Names = Field(
        default_factory=list, description="Declared metadata keys that may name the person, too."
    )
    due_on: date | None = Field(
        default=None, description="When the person must have an answer; null is in a month."
    )


class PreviewBody(BaseModel):
    """What a request would come to."""

    documents: int = Field(description="How many name the person and are not destroyed.")
    to_do: int = Field(description="How many of them would be destroyed after the approval.")
    outcomes: list[Obstacle] = Field(description="Those that are kept, with why.")
    due_on: date
    earlier: int | None = Field(
        description="The open request of the same person: a second one is refused."
    )
    items: list[PlanItem]
    next_cursor: str | None


class RequestsPage(BaseModel):
    """A page of requests. Who may neither run nor approve plans is not told the persons."""

    items: list[ErasureRequest]
    next_cursor: str | None


class AnswerBody(BaseModel):
    """How a request stands: what the person can be told."""

    request: ErasureRequest
    plan_id: int | None = Field(description="The newest plan; approve it as every plan.")
    plan_state: PlanState | None
    outcomes: list[Obstacle] = Field(description="What becomes of the documents of the plan.")
    remaining: int = Field(description="Documents that name the person and are not destroyed.")
    message: str | None = Field(default=None, description="Who is asked about the plan.")


@router.get("/erasure-requests")
def list_requests(
    here: Here, state: State = "open", cursor: Cursor = "", limit: Limit = PAGE_ROWS
) -> RequestsPage:
    """List requests: the open ones by deadline, or the closed ones, the newest first."""
    page = find_page(here, state=state, cursor=cursor, limit=limit)
    return RequestsPage(items=list(page.rows), next_cursor=page.next_cursor)


@router.post("/erasure-requests/-/preview", dependencies=[needs(Deed.RUN), CHANGES_NOTHING])
def preview(
    here: Here, body: NewRequest, cursor: Annotated[Cursor, Query()] = "", limit: Limit = PAGE_ROWS
) -> PreviewBody:
    """Say what a request would come to; nothing is kept of it."""
    found = erasure_requests.preview_request(
        here.conn,
        organization=here.tenant,
        person=body.person,
        fields=body.fields,
        due_on=body.due_on,
        now=here.now,
        actor=here.actor,
        after=document_of(cursor),
        size=limit + 1,
    )
    page = page_of(found.items, limit=limit, key=lambda one: one.document_id, cursor=cursor)
    return PreviewBody(
        documents=found.documents,
        to_do=found.to_do,
        outcomes=list(found.outcomes),
        due_on=found.due_on,
        earlier=found.earlier,
        items=list(page.rows),
        next_cursor=page.next_cursor,
    )


@router.post(
    "/erasure-requests",
    status_code=status.HTTP_201_CREATED,
    dependencies=[needs(Deed.RUN), in_steps()],
)
def make(here: Here, request: Request, body: NewRequest) -> AnswerBody:
    """Make a request and let somebody be asked about its plan; nothing is destroyed by that.

    409 when the person has an open request. The answer does not repeat the person: it is kept for
    a day with the key.
    """
    made = erasure_requests.request_erasure(
        here.conn,
        organization=here.tenant,
        person=body.person,
        fields=body.fields,
        due_on=body.due_on,
        now=here.now,
        dag_id=PLANNER,
        run_id=repeat_id(request) or new_run(),
        actor=here.actor,
    )
    return _body(here, made, message=let_be_asked(here, made), names_person=False)


@router.get("/erasure-requests/{request_id}")
def show(here: Here, request_id: int) -> AnswerBody:
    """Return how a request stands."""
    return _body(here, find(here, request_id))


@router.post("/erasure-requests/{request_id}/plan", dependencies=[needs(Deed.RUN), in_steps()])
def plan(here: Here, request: Request, request_id: int) -> AnswerBody:
    """Look again for documents of the person, who is not repeated, that came or were kept."""
    find(here, request_id)
    found = look_again(here, request_id, run_id=repeat_id(request) or new_run())
    return _body(here, found, message=let_be_asked(here, found), names_person=False)


@router.post("/erasure-requests/{request_id}/close", dependencies=[needs(Deed.RUN)])
def close(here: Here, request_id: int) -> AnswerBody:
    """Close a request whose person has an answer; it names nobody from then on.

    409 while its plan is open, or has not destroyed yet what it is to destroy.
    """
    find(here, request_id)
    closed = erasure_requests.close_request(
        here.conn,
        organization=here.tenant,
        request_id=request_id,
        actor=here.actor,
        now=here.now,
    )
    return _body(here, closed)


def _body(
    here: Visit, answer: Answer, *, message: str | None = None, names_person: bool = True
) -> AnswerBody:
    request = shown(here, answer.request)
    return AnswerBody(
        request=request if names_person else replace(request, person=None, fields=()),
        plan_id=answer.request.plan_id,
        plan_state=None if answer.plan is None else answer.plan.state,
        outcomes=list(answer.outcomes),
        remaining=answer.remaining,
        message=message,
    )
