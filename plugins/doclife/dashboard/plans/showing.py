"""One plan: what it did or would do, to which documents and why, and what can be done about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, Page, page_of
from doclife.dashboard.plans import answering, undoing
from doclife.dashboard.plans.titles import title_of
from doclife.dashboard.rules import wording
from doclife.dashboard.rules.listing import plan_state
from doclife.dashboard.rules.looking import document_of
from doclife.dashboard.spreadsheets import csv_file
from doclife.dashboard.visit import Here, Visit
from doclife.domain.actions import ActionType
from doclife.domain.plan import PlanKind, PlanState
from doclife.domain.review import Answer
from doclife.domain.rule import Mode
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle.choosing import MOST_TICKED
from doclife.lifecycle.reviewing import find_question
from doclife.store import certificates, decisions, progress, reviews, stored_plans
from doclife.store.stored_plans import ItemCount, PlanItem

router = APIRouter()

ITEM_STATES = ("planned", "done", "skipped", "failed", "undone")
ITEM_PILLS = {
    "planned": ("queued", "Planned"),
    "done": ("success", "Done"),
    "skipped": ("none", "Skipped"),
    "failed": ("failed", "Failed"),
    "undone": ("deferred", "Undone"),
}
APPLICABLE = (PlanState.PLANNED, PlanState.APPROVED)
EXPORTED_AT_MOST = 100_000
"""Items of a CSV file; ``doclife plans show`` and the API go on where it ends."""
EXPORTED_AT_ONCE = 1_000
COLUMNS = (
    "document_id", "external_id", "title", "action", "state", "reason_code", "reason",
    "anchor_on", "retain_until", "due_on", "size_bytes", "blocking_rule",
)  # fmt: skip
UNDOABLE = (PlanState.APPLYING, PlanState.APPLIED)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a plan wanted of one action, and what came of it."""

    action: str
    states: Mapping[str, int]
    """Items by their state now."""

    @property
    def looked_at(self) -> int:
        """All that was due: also what judging left alone."""
        return sum(self.states.values())

    @property
    def done_share(self) -> int:
        """How much of it was done, in percent."""
        return 100 * self.states["done"] // self.looked_at if self.looked_at else 0


@dataclass(frozen=True, kw_only=True)
class Again:
    """The failed documents of a plan of chosen ones, for a new batch on them."""

    deed: str
    document_ids: Sequence[int]
    """The first ones; as many as a batch can name."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The items of a plan, added up."""

    counts: Sequence[ItemCount]

    def of(self, state: str) -> int:
        """How many items are in a state; blocked ones are those that judging left alone."""
        return sum(one.documents for one in self.counts if one.state == state)

    @property
    def by_action(self) -> Sequence[Compared]:
        """What was planned beside what was done, one row an action."""
        return [
            Compared(
                action=action,
                states={
                    state: sum(
                        one.documents
                        for one in self.counts
                        if (one.action, one.state) == (action, state)
                    )
                    for state in ITEM_STATES
                },
            )
            for action in dict.fromkeys(one.action for one in self.counts)
        ]

    @property
    def restorable(self) -> int:
        """How many documents an undo would bring back."""
        return sum(
            one.documents
            for one in self.counts
            if one.state == "done" and one.action in (ActionType.ARCHIVE, ActionType.DELETE)
        )

    @property
    def sent(self) -> int:
        """How many messages and calls cannot be taken back."""
        return sum(
            one.documents
            for one in self.counts
            if one.state == "done" and one.action in (ActionType.NOTIFY, ActionType.WEBHOOK)
        )


@router.get("/plans/{plan_id}")
def show(
    here: Here,
    plan_id: int,
    state: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show a plan with a page of its items."""
    return _page(here, plan_id, state=state, cursor=cursor)


@router.get("/plans/{plan_id}/export")
def export(here: Here, plan_id: int, state: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Send the plan's items as CSV: what was to be done to each document, what was, and why."""
    find(here, plan_id)
    return csv_file(f"doclife-plan-{plan_id}", COLUMNS, _all(here, plan_id, state=state))


@router.get("/plans/{plan_id}/progress")
def show_progress(here: Here, plan_id: int) -> Response:
    """Return how far a plan has come, for the page that shows it."""
    plan = find(here, plan_id)
    return here.partial(
        "plans/progress.html.j2",
        plan=plan,
        done=progress.plan_progress(here.conn, plan_id),
        can_apply=can_apply(plan),
        is_refreshed=True,
    )


@router.get("/plans/{plan_id}/undo", dependencies=[needs(Deed.RUN)])
def ask_undo(here: Here, plan_id: int) -> Response:
    """Explain what an undo brings back and what not, and ask."""
    plan = find(here, plan_id)
    totals = Totals(counts=stored_plans.count_items(here.conn, plan_id))
    return here.page("plans/undo.html.j2", plan=plan, title=title_of(plan), totals=totals)


@router.post("/plans/{plan_id}/undo", dependencies=[needs(Deed.RUN)])
def undo(here: Here, plan_id: int) -> Response:
    """Take a plan back, as far as one request comes."""
    find(here, plan_id)
    taken = undoing.take_back(here, plan_id)
    return here.redirect(f"plans/{plan_id}", flash=f"Plan {plan_id}: {taken.words}")


@router.post("/plans/{plan_id}/answer", dependencies=[needs(Deed.APPROVE)])
def decide(
    here: Here,
    plan_id: int,
    answer: Annotated[Answer, Form()],
    comment: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Approve or reject a plan, by answering Airflow's question in the person's own name."""
    find(here, plan_id)
    if answer not in answering.ANSWERS:
        raise HTTPException(422, "A plan is approved or rejected here")
    try:
        answering.answer(here, plan_id=plan_id, answer=answer, comment=comment)
    except DoclifeError as error:
        return _page(here, plan_id, error=str(error), comment=comment, status=409)
    return here.redirect(
        f"plans/{plan_id}", flash="Airflow has your answer. It counts as soon as the run reads it."
    )


def find(here: Visit, plan_id: int) -> dict[str, Any]:
    """Return a plan of the organization that the person looks at."""
    plan = stored_plans.find(here.conn, plan_id) if 0 < plan_id < 2**63 else None
    if plan is None or plan["organization_id"] != here.tenant.id:
        raise HTTPException(404, f"There is no plan {plan_id} here")
    return plan


def items_page(
    here: Visit, plan_id: int, *, state: str, cursor: str, limit: int = PAGE_ROWS
) -> Page[PlanItem]:
    """Return a page of a plan's items; a document with several actions is not torn apart."""
    if state and state not in ITEM_STATES:
        raise ConfigurationError(f"items are {', '.join(ITEM_STATES)}, not {state!r}")
    after = document_of(cursor)
    found = stored_plans.list_items(
        here.conn, plan_id, after=after, state=state or None, size=limit + 1
    )
    if len(found) > limit:
        # Pages go by document: the next begins with all of what the last row is about.
        kept = [item for item in found if item.document_id != found[limit].document_id]
        found = [*kept, found[limit]]
        limit = len(kept)
    return page_of(found, limit=limit, key=lambda item: item.document_id, cursor=cursor)


def can_apply(plan: dict[str, Any]) -> bool:
    """Return whether a plan of chosen documents waits for nothing but to be applied."""
    return (
        plan["kind"] == PlanKind.SELECTION
        and plan["mode"] == Mode.ENFORCE
        and plan["state"] in APPLICABLE
        and plan["document_count"] > 0
    )


def _all(here: Visit, plan_id: int, *, state: str) -> Iterator[dict[str, Any]]:
    cursor = ""
    for _ in range(EXPORTED_AT_MOST // EXPORTED_AT_ONCE):
        found = items_page(here, plan_id, state=state, cursor=cursor, limit=EXPORTED_AT_ONCE)
        yield from map(asdict, found.rows)
        if found.next_cursor is None:
            return
        cursor = found.next_cursor


def undo_obstacle(plan: dict[str, Any], totals: Totals) -> str | None:
    """Return why a plan cannot be undone; None when it can be tried."""
    if plan["kind"] in (PlanKind.PURGE, PlanKind.ORIGINALS):
        return "It destroyed bytes: that cannot be undone by anybody."
    if plan["state"] not in UNDOABLE:
        return "It has done nothing that could be undone."
    if not totals.restorable:
        return "Messages that were sent stay sent." if totals.sent else "It changed no document."
    return None


def _again(here: Visit, plan: dict[str, Any], totals: Totals) -> Again | None:
    """Return what a new batch on the failed would be about; None where a rule tries them again."""
    failed = [one.action for one in totals.counts if one.state == "failed"]
    if not failed or plan["kind"] != PlanKind.SELECTION or not here.may.run:
        return None
    found = stored_plans.list_failed(here.conn, plan["plan_id"], size=MOST_TICKED)
    return Again(deed=failed[0].lower(), document_ids=found)


def _page(
    here: Visit,
    plan_id: int,
    *,
    state: str = "",
    cursor: str = "",
    error: str | None = None,
    comment: str = "",
    status: int = 200,
) -> Response:
    plan = find(here, plan_id)
    totals = Totals(counts=stored_plans.count_items(here.conn, plan_id))
    question = find_question(here.conn, plan_id=plan_id, stage=None, attempt=None)
    obstacle = None
    if question is not None:
        obstacle = decisions.find_obstacle(
            here.conn, plan_id=plan_id, stage=question.stage, approver=here.actor
        )
    return here.page(
        "plans/show.html.j2",
        status=status,
        plan=plan,
        title=title_of(plan),
        pill=plan_state(
            plan["state"],
            mode=plan["mode"],
            is_tripped=bool(plan["breaker"]),
            failed=totals.of("failed"),
        ),
        totals=totals,
        undo_obstacle=undo_obstacle(plan, totals),
        can_apply=can_apply(plan),
        again=_again(here, plan, totals),
        certificate=certificates.find(here.conn, plan_id),
        is_refreshed=False,
        done=progress.plan_progress(here.conn, plan_id),
        is_simulated=plan["mode"] == Mode.SIMULATE,
        question=question,
        obstacle=obstacle,
        where=None if question is None else answering.airflow_page(question),
        asked=reviews.list_of_plan(here.conn, plan_id),
        decided=decisions.list_of_plan(here.conn, plan_id),
        page=items_page(here, plan_id, state=state, cursor=cursor),
        state=state,
        states=ITEM_STATES,
        pills=ITEM_PILLS,
        error=error,
        comment=comment,
        words=wording,
    )
