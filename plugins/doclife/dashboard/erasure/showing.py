"""One erasure request: what becomes of the person's documents, and what they can be told."""

from typing import Any

from fastapi import APIRouter, HTTPException, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.batches.asked import new_run
from doclife.dashboard.erasure.asking import let_be_asked
from doclife.dashboard.erasure.listing import pill_of, sees_persons, shown
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import LARGEST_ID
from doclife.dashboard.plans import answering
from doclife.dashboard.plans.showing import ITEM_PILLS
from doclife.dashboard.rules import wording
from doclife.dashboard.visit import Here, Visit
from doclife.errors import DoclifeError
from doclife.lifecycle import erasure_requests
from doclife.lifecycle.batching import PLANNER
from doclife.lifecycle.erasure_requests import Answer
from doclife.lifecycle.reviewing import find_question
from doclife.store import decisions, erasures, progress, stored_plans

router = APIRouter()


@router.get("/erasure/{request_id}")
def show(here: Here, request_id: int) -> Response:
    """Show how a request stands."""
    return _page(here, request_id)


@router.post("/erasure/{request_id}/plan", dependencies=[needs(Deed.RUN)])
def plan(here: Here, request_id: int) -> Response:
    """Look again for documents of the person, those that came since or were kept."""
    find(here, request_id)
    try:
        found = look_again(here, request_id, run_id=new_run())
    except DoclifeError as error:
        return _page(here, request_id, error=str(error), status=409)
    return here.redirect(f"erasure/{request_id}", flash=let_be_asked(here, found))


@router.get("/erasure/{request_id}/close", dependencies=[needs(Deed.RUN)])
def ask_close(here: Here, request_id: int) -> Response:
    """Explain what closing forgets, and ask."""
    found = find(here, request_id)
    return here.page("erasure/close.html.j2", request=found.request, answer=found)


@router.post("/erasure/{request_id}/close", dependencies=[needs(Deed.RUN)])
def close(here: Here, request_id: int) -> Response:
    """Close a request whose person has an answer; it names nobody from then on."""
    find(here, request_id)
    try:
        erasure_requests.close_request(
            here.conn,
            organization=here.tenant,
            request_id=request_id,
            actor=here.actor,
            now=here.now,
        )
    except DoclifeError as error:
        return _page(here, request_id, error=str(error), status=409)
    return here.redirect(
        f"erasure/{request_id}", flash="It is closed, and names nobody from here on."
    )


def find(here: Visit, request_id: int) -> Answer:
    """Return how a request of the organization stands; it may name the person.

    :raises HTTPException: 404.
    """
    if not 0 < request_id <= LARGEST_ID or not erasures.list_requests(
        here.conn, organization_id=here.tenant.id, request_id=request_id, size=1
    ):
        raise HTTPException(404, f"There is no erasure request {request_id} here")
    return erasure_requests.answer(here.conn, organization=here.tenant, request_id=request_id)


def look_again(here: Visit, request_id: int, *, run_id: str) -> Answer:
    """Plan what an open request asks for, with what came since."""
    return erasure_requests.plan_request(
        here.conn,
        organization=here.tenant,
        request_id=request_id,
        now=here.now,
        dag_id=PLANNER,
        run_id=run_id,
        actor=here.actor,
    )


def _page(here: Visit, request_id: int, *, error: str | None = None, status: int = 200) -> Response:
    found = find(here, request_id)
    return here.page(
        "erasure/show.html.j2",
        status=status,
        error=error,
        request=shown(here, found.request),
        answer=found,
        pill=pill_of(found.request),
        sees_persons=sees_persons(here),
        item_pills=ITEM_PILLS,
        words=wording,
        **_of_plan(here, found.request.plan_id),
    )


def _of_plan(here: Visit, plan_id: int | None) -> dict[str, Any]:
    """Return what the page says of the newest plan, and asks about it."""
    if plan_id is None:
        return {"plan": None, "question": None, "obstacle": None, "where": None, "done": None}
    question = find_question(here.conn, plan_id=plan_id, stage=None, attempt=None)
    obstacle = None
    if question is not None:
        obstacle = decisions.find_obstacle(
            here.conn, plan_id=plan_id, stage=question.stage, approver=here.actor
        )
    return {
        "plan": stored_plans.find(here.conn, plan_id),
        "question": question,
        "obstacle": obstacle,
        "where": None if question is None else answering.airflow_page(question),
        "done": progress.plan_progress(here.conn, plan_id),
    }
