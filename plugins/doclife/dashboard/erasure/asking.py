"""Making an erasure request: whom it is about, what it would come to, and then the request."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.airflow_api import AirflowRefused
from doclife.dashboard.batches.asked import new_run
from doclife.dashboard.gate import needs
from doclife.dashboard.plans import answering
from doclife.dashboard.plans.showing import ITEM_PILLS
from doclife.dashboard.rules import wording
from doclife.dashboard.visit import Here, Visit
from doclife.domain.plan import PlanState
from doclife.errors import ConfigurationError, DoclifeError, RefusedError
from doclife.lifecycle import erasure_requests
from doclife.lifecycle.batching import PLANNER
from doclife.lifecycle.erasure_requests import Answer, Preview
from doclife.lifecycle.reviewing import find_question
from doclife.store import organizations

router = APIRouter()

LONGEST_NAME = 320
"""The longest mail address; names are shorter."""
SHOWN = 25
Person = Annotated[str, Form(max_length=LONGEST_NAME)]
Fields = Annotated[list[str] | None, Form(alias="field", max_length=100)]
Day = Annotated[str, Form(max_length=10)]


@router.get("/erasure/-/new", dependencies=[needs(Deed.RUN)])
def ask(here: Here) -> Response:
    """Ask whom a request is about."""
    return _page(here)


@router.post("/erasure/-/preview", dependencies=[needs(Deed.RUN)])
def preview(here: Here, person: Person = "", field: Fields = None, due_on: Day = "") -> Response:
    """Show what a request would come to. The person is not in the address, nor in its log."""
    try:
        look = erasure_requests.preview_request(
            here.conn,
            organization=here.tenant,
            person=person,
            fields=field or [],
            due_on=_day(due_on),
            now=here.now,
            actor=here.actor,
            size=SHOWN,
        )
    except DoclifeError as error:
        return _page(here, person=person, fields=field, due_on=due_on, error=str(error), status=422)
    return _page(here, person=person, fields=field, due_on=due_on, look=look)


@router.post("/erasure", dependencies=[needs(Deed.RUN)])
def make(here: Here, person: Person = "", field: Fields = None, due_on: Day = "") -> Response:
    """Make the request and let somebody be asked about its plan; nothing is destroyed by that."""
    try:
        made = erasure_requests.request_erasure(
            here.conn,
            organization=here.tenant,
            person=person,
            fields=field or [],
            due_on=_day(due_on),
            now=here.now,
            dag_id=PLANNER,
            run_id=new_run(),
            actor=here.actor,
        )
    except DoclifeError as error:
        status = 409 if isinstance(error, RefusedError) else 422
        return _page(
            here, person=person, fields=field, due_on=due_on, error=str(error), status=status
        )
    return here.redirect(f"erasure/{made.request.request_id}", flash=let_be_asked(here, made))


def let_be_asked(here: Visit, answer: Answer) -> str:
    """Let somebody be asked about the plan of a request, and return what to say.

    Once is enough: the night asks too, about every plan that waits.
    """
    plan = answer.plan
    if plan is None:
        return "No document names this person."
    if plan.state is not PlanState.NEEDS_APPROVAL:
        return f"Plan {plan.plan_id} is {plan.state}."
    question = find_question(here.conn, plan_id=plan.plan_id, stage=None, attempt=None)
    if question is not None:
        try:
            answering.let_it_be_asked(here, question)
        except AirflowRefused as refusal:
            return f"Plan {plan.plan_id} is stored, but nobody is asked about it yet. {refusal}"
    return f"Plan {plan.plan_id} waits for somebody else's approval."


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no date; write for example 2027-01-31") from None


def _page(
    here: Visit,
    *,
    person: str = "",
    fields: list[str] | None = None,
    due_on: str = "",
    look: Preview | None = None,
    error: str | None = None,
    status: int = 200,
) -> Response:
    types = organizations.metadata_types(here.conn, here.tenant.id)
    return here.page(
        "erasure/new.html.j2",
        status=status,
        person=person,
        known_fields=sorted(types),
        fields=fields or [],
        due_on=due_on or erasure_requests.ANSWERED_WITHIN.add_to(here.today).isoformat(),
        longest=LONGEST_NAME,
        look=look,
        error=error,
        pills=ITEM_PILLS,
        words=wording,
    )
