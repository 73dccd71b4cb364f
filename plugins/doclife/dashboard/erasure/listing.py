"""Erasure requests: which are open and by when each must be answered, and which are closed."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from doclife.dashboard.paging import PAGE_ROWS, Page, page_of, read_day_and_id, read_id
from doclife.dashboard.rules.listing import PLAN_STATES
from doclife.dashboard.visit import Here, Visit
from doclife.domain.plan import PlanState
from doclife.lifecycle import erasure_requests
from doclife.lifecycle.erasure_requests import ErasureRequest

router = APIRouter()

State = Literal["open", "closed"]
SOON = timedelta(days=7)
"""How long before its deadline a request is among what matters today."""
CARRIED_OUT = "deferred", "Carried out"
NOTHING_FOUND = "none", "Nothing found"
CLOSED = "success", "Closed"


@router.get("/erasure")
def show(
    here: Here,
    state: State = "open",
    cursor: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show a page of requests: the open ones by deadline, or the closed ones."""
    return here.page(
        "erasure/list.html.j2",
        page=find_page(here, state=state, cursor=cursor),
        state=state,
        pill=pill_of,
    )


def find_page(
    here: Visit, *, state: State, cursor: str, limit: int = PAGE_ROWS
) -> Page[ErasureRequest]:
    """Return the open requests, soonest deadline first, or the closed ones, newest first."""
    if state == "open":
        found = erasure_requests.list_open(
            here.conn, organization=here.tenant, after=read_day_and_id(cursor), size=limit + 1
        )
    else:
        found = erasure_requests.list_requests(
            here.conn,
            organization=here.tenant,
            is_open=False,
            before=read_id(cursor),
            size=limit + 1,
        )
    return page_of(
        [shown(here, one) for one in found],
        limit=limit,
        key=lambda one: (
            [one.due_on.isoformat(), one.request_id] if state == "open" else one.request_id
        ),
        cursor=cursor,
    )


def sees_persons(here: Visit) -> bool:
    """Return whether somebody may know whom requests are about.

    That is for those who make requests and those who approve them. Who else may read sees that
    there is a request, and how it stands.
    """
    return here.may.run or here.may.approve


def shown(here: Visit, request: ErasureRequest) -> ErasureRequest:
    """Return a request without the person, for those who may not know them."""
    return request if sees_persons(here) else replace(request, person=None, fields=())


def pill_of(request: ErasureRequest) -> tuple[str, str]:
    """Return kind and word for how far a request is."""
    if request.state == "closed":
        return CLOSED
    if request.plan_state is None:
        return NOTHING_FOUND
    if request.plan_state == PlanState.APPLIED:
        return CARRIED_OUT
    return PLAN_STATES[PlanState(request.plan_state)]
