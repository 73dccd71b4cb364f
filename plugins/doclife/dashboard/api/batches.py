"""``/batches`` of the JSON API: one thing done to many chosen documents, previewed first."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Cursor, Id, Limit, Line, Object
from doclife.dashboard.api.once import CHANGES_NOTHING, OnceRoute, in_steps, repeat_id
from doclife.dashboard.batches import doing
from doclife.dashboard.batches.asked import new_run
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of
from doclife.dashboard.plans.showing import can_apply, find
from doclife.dashboard.rules.looking import document_of
from doclife.dashboard.visit import Here, Visit
from doclife.domain.batch import BatchDeed, BatchRequest
from doclife.domain.batch_seal import LONGEST_SEAL, seal, through_of
from doclife.domain.plan import PlanState
from doclife.errors import RefusedError
from doclife.lifecycle.batching import (
    ChosenDocument,
    MatterOutcome,
    OutcomeCount,
    hold_batch,
    preview_batch,
    store_batch,
)
from doclife.lifecycle.choosing import MOST_TICKED, Chosen, Selection, choose
from doclife.lifecycle.documents import DocumentFilter, find_document_ids
from doclife.lifecycle.undo import UndoOutcome

router = APIRouter(route_class=OnceRoute, tags=["batches"])


Seal = Annotated[str, Field(max_length=LONGEST_SEAL, pattern="^[0-9A-Za-z_=-]*$")]


class Where(BaseModel):
    """All documents that fit all of this, as `GET /documents` lists them; `{}` is every one."""

    model_config = ConfigDict(extra="forbid")

    search: Line | None = Field(default=None, description="A part of the title or external id.")
    status: Literal["active", "archived", "deleted", "purging", "purged"] | None = None
    document_type: Line | None = None
    owner: Line | None = None
    tag: Line | None = None
    held: bool | None = None
    expires_before: date | None = None


class Batch(BaseModel):
    """Documents, named in one of three ways, and what is to be done to them."""

    model_config = ConfigDict(extra="forbid")

    deed: BatchDeed
    documents: Annotated[list[Id], Field(max_length=MOST_TICKED)] | None = None
    external_ids: Annotated[list[Line], Field(max_length=MOST_TICKED)] | None = None
    where: Where | None = None
    matter: Line | None = Field(default=None, description="To hold under, or to release from.")
    settings: Object = Field(
        default_factory=dict,
        description="Of archive, delete and notify: as under `with:` in a rule.",
    )
    seen: Seal | None = Field(
        default=None,
        description="What a preview answered. Documents that are registered since are left out. "
        "Where others fit by now, or it would be done to one that the preview left alone, the "
        "batch is refused with 409.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Batch":
        ways = [self.documents, self.external_ids, self.where]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of documents, external_ids and where")
        return self


class NewBatch(Batch):
    """The same, with the reason that is kept."""

    reason: Line


class PreviewBody(BaseModel):
    """What a batch would come to."""

    documents: int = Field(description="How many are chosen.")
    to_do: int = Field(description="To how many of them it would be done.")
    outcomes: list[OutcomeCount] = Field(
        description="They add up to the chosen ones; code null is what would be done."
    )
    approval_reason: str | None = Field(
        description="Why a person would have to approve it; null when nobody is asked."
    )
    seen: str = Field(description="To be given with the batch.")
    items: list[ChosenDocument]
    next_cursor: str | None


class DoneBatch(BaseModel):
    """What became of a batch."""

    deed: BatchDeed
    plan_id: int | None = Field(default=None, description="Of archive, delete and notify.")
    plan_state: PlanState | None = None
    approval_reason: str | None = None
    passed_over: list[OutcomeCount] = Field(
        default_factory=list, description="Chosen documents that are not in the plan."
    )
    message: str | None = Field(default=None, description="Who applies the plan, or why nobody.")
    matter: MatterOutcome | None = Field(default=None, description="Of hold and release.")
    restored: UndoOutcome | None = None
    is_whole: bool = Field(
        default=True, description="False: a restore has not come to the end; send it once more."
    )


class AppliedBody(BaseModel):
    """What Airflow says."""

    message: str


@router.post("/batches/preview", dependencies=[needs(Deed.RUN), CHANGES_NOTHING])
def preview(
    here: Here, body: Batch, cursor: Annotated[Cursor, Query()] = "", limit: Limit = PAGE_ROWS
) -> PreviewBody:
    """Say what a batch would do to each of its documents; nothing is kept of it."""
    request, chosen = _read(here, body)
    found = preview_batch(
        here.conn,
        organization=here.tenant.slug,
        request=request,
        document_ids=chosen.document_ids,
        actor=here.actor,
        now=here.now,
        after=document_of(cursor),
        size=limit + 1,
    )
    page = page_of(found.documents, limit=limit, key=lambda one: one.document_id, cursor=cursor)
    return PreviewBody(
        documents=len(chosen.document_ids),
        to_do=found.to_do,
        outcomes=list(found.counts),
        approval_reason=found.approval_reason,
        seen=seal(request, chosen.document_ids, to_do=frozenset(found.to_do_ids)),
        items=list(page.rows),
        next_cursor=page.next_cursor,
    )


@router.post("/batches", dependencies=[needs(Deed.RUN), in_steps()])
def carry_out(here: Here, request: Request, body: NewBatch) -> DoneBatch:
    """Do it: archive, delete and notify become a plan, the rest is done at once."""
    wanted, chosen = _read(here, body)
    doing.require_some(chosen)
    # Without what a preview answered, whatever it can be done to now is what is meant.
    expected = doing.seen_to_do(body.seen, chosen, wanted) if body.seen else None
    if wanted.action is not None:
        stored = store_batch(
            here.conn,
            organization=here.tenant.slug,
            request=wanted,
            document_ids=chosen.document_ids,
            actor=here.actor,
            now=here.now,
            run_id=f"batch-{repeat_id(request) or new_run()}",
            reason=body.reason,
            expected=expected,
        )
        return DoneBatch(
            deed=wanted.deed,
            plan_id=stored.plan.plan_id,
            plan_state=stored.plan.state,
            approval_reason=stored.plan.approval_reason,
            passed_over=list(stored.passed_over),
            message=doing.set_going(here, stored.plan),
        )
    if wanted.deed is BatchDeed.RESTORE:
        taken = doing.restore(here, wanted, chosen, reason=body.reason, expected=expected)
        return DoneBatch(deed=wanted.deed, restored=taken.outcome, is_whole=taken.is_whole)
    outcome = hold_batch(
        here.conn,
        organization=here.tenant.slug,
        request=wanted,
        document_ids=chosen.document_ids,
        actor=here.actor,
        now=here.now,
        reason=body.reason,
        expected=expected,
    )
    return DoneBatch(deed=wanted.deed, matter=outcome)


@router.post(
    "/plans/{plan_id}/apply",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[needs(Deed.RUN), in_steps()],
    tags=["plans"],
)
def apply(here: Here, plan_id: int) -> AppliedBody:
    """Let Airflow apply a plan of chosen documents that waits for nobody; once is enough."""
    plan = find(here, plan_id)
    if not can_apply(plan):
        raise RefusedError(f"plan {plan_id} is {plan['state']}: there is nothing here to begin.")
    return AppliedBody(message=doing.start(here, plan_id))


def _read(here: Visit, body: Batch) -> tuple[BatchRequest, Chosen]:
    wanted = BatchRequest(deed=body.deed, matter=body.matter, settings=body.settings)
    return wanted, choose(here.conn, organization=here.tenant.slug, selection=_which(here, body))


def _which(here: Visit, body: Batch) -> Selection:
    if body.where is not None:
        where = body.where
        return Selection(
            where=DocumentFilter(
                status=where.status,
                document_type=where.document_type,
                owner=where.owner,
                tag=where.tag,
                search=where.search,
                expires_before=where.expires_before,
                is_held=where.held,
            ),
            through_id=through_of(body.seen or ""),
        )
    named: Sequence[int] = body.documents or []
    if body.external_ids is not None:
        named = find_document_ids(
            here.conn, organization=here.tenant.slug, external_ids=body.external_ids
        )
    return Selection(document_ids=named)
