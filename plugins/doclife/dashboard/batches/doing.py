"""Doing what a new batch was previewed for: as a plan that Airflow applies, or at once."""

from collections.abc import Collection

from fastapi import APIRouter, Response

from doclife.dashboard import airflow_api
from doclife.dashboard.access import Deed
from doclife.dashboard.airflow_api import AirflowRefused
from doclife.dashboard.batches import wording
from doclife.dashboard.batches.asked import Asked, read
from doclife.dashboard.batches.looking import show
from doclife.dashboard.gate import needs
from doclife.dashboard.plans import answering
from doclife.dashboard.plans.showing import can_apply, find
from doclife.dashboard.plans.undoing import TakenBack, within
from doclife.dashboard.stores import document_stores
from doclife.dashboard.submitted import Pairs
from doclife.dashboard.visit import Here, Visit
from doclife.domain.batch import BatchDeed, BatchRequest
from doclife.domain.batch_seal import opened
from doclife.domain.plan import PlanState, PlanSummary
from doclife.errors import ConfigurationError, DoclifeError, RefusedError
from doclife.lifecycle.batching import (
    LOOK_AGAIN,
    MatterOutcome,
    StoredBatch,
    check_expected,
    hold_batch,
    store_batch,
)
from doclife.lifecycle.choosing import Chosen, choose
from doclife.lifecycle.reviewing import find_question
from doclife.lifecycle.undo import UndoOutcome, restore_documents

router = APIRouter()

APPLYING_DAG = "run_rule"
FIRST = 3
"""Documents that a sentence names; the pages list the others."""


@router.post("/batches", dependencies=[needs(Deed.RUN)])
def carry_out(here: Here, pairs: Pairs) -> Response:
    """Do it: what was previewed, and nothing else."""
    asked = read(pairs)
    try:
        reason = asked.reason
        chosen = choose(here.conn, organization=here.tenant.slug, selection=asked.selection)
        expected = seen_to_do(asked.typed.get("seen", ""), chosen, asked.request)
        if asked.needs_plan:
            stored = store_batch(
                here.conn,
                organization=here.tenant.slug,
                request=asked.request,
                document_ids=chosen.document_ids,
                actor=here.actor,
                now=here.now,
                run_id=asked.run_id,
                reason=reason,
                expected=expected,
            )
            return _to_plan(here, stored)
        if asked.deed is BatchDeed.RESTORE:
            taken = restore(here, asked.request, chosen, reason=reason, expected=expected)
            return _restored(here, asked, taken)
        outcome = hold_batch(
            here.conn,
            organization=here.tenant.slug,
            request=asked.request,
            document_ids=chosen.document_ids,
            actor=here.actor,
            now=here.now,
            reason=reason,
            expected=expected,
        )
        words = _held(asked.request, outcome)
        return here.redirect("matters", flash=words, name=asked.request.matter)
    except DoclifeError as error:
        status = 409 if isinstance(error, RefusedError) else 422
        return show(here, asked, error=str(error), status=status)


@router.post("/plans/{plan_id}/apply", dependencies=[needs(Deed.RUN)])
def apply(here: Here, plan_id: int) -> Response:
    """Let Airflow apply a stored plan that waits for nobody."""
    plan = find(here, plan_id)
    if not can_apply(plan):
        raise RefusedError(f"plan {plan_id} is {plan['state']}: there is nothing here to begin.")
    return here.redirect(f"plans/{plan_id}", flash=start(here, plan_id))


def seen_to_do(seen: str, chosen: Chosen, request: BatchRequest) -> frozenset[int]:
    """Return to which documents it would have been done when the person looked.

    :raises RefusedError: other documents match by now, or something else is to be done.
    """
    require_some(chosen)
    found = opened(seen, request, chosen.document_ids)
    if found is None:
        raise RefusedError(LOOK_AGAIN)
    return found


def require_some(chosen: Chosen) -> None:
    """Refuse a batch on nothing."""
    if not chosen.document_ids:
        raise ConfigurationError("no document is chosen")


def start(here: Visit, plan_id: int) -> str:
    """Let Airflow apply a plan on behalf of whoever asks; once is enough. Return what to say.

    :raises AirflowRefused: Airflow does not take it; the plan stays as it is.
    """
    try:
        airflow_api.call(
            here,
            "POST",
            f"/api/v2/dags/{APPLYING_DAG}/dagRuns",
            {
                # The same name as that of the run after an approval.
                "dag_run_id": f"plan-{plan_id}-apply",
                "logical_date": None,
                "conf": {"plan_id": plan_id},
            },
        )
    except AirflowRefused as refusal:
        if refusal.status != 409:
            raise
        return f"Airflow has the run plan-{plan_id}-apply already; clear it there to go on."
    return "Airflow applies it now."


def set_going(here: Visit, plan: PlanSummary) -> str:
    """Let a stored batch be applied, or somebody be asked about it, and return what to say."""
    plan_id = plan.plan_id
    try:
        if plan.state is PlanState.PLANNED and plan.document_count:
            return start(here, plan_id)
        if plan.state is PlanState.NEEDS_APPROVAL:
            question = find_question(here.conn, plan_id=plan_id, stage=None, attempt=None)
            if question is not None:
                answering.let_it_be_asked(here, question)
            return "It waits for approval; somebody is asked."
    except AirflowRefused as refusal:
        return f"The plan is stored, but nothing applies it yet. {refusal}"
    return "Nothing of it is left to do."


def restore(
    here: Visit,
    wanted: BatchRequest,
    chosen: Chosen,
    *,
    reason: str,
    expected: Collection[int] | None,
) -> TakenBack:
    """Restore documents batch by batch, as far as one request comes."""
    check_expected(
        here.conn,
        organization=here.tenant.slug,
        request=wanted,
        document_ids=chosen.document_ids,
        expected=expected,
    )
    return within(
        lambda watch: restore_documents(
            here.conn,
            organization=here.tenant.slug,
            document_ids=chosen.document_ids,
            now=here.now,
            actor=here.actor,
            reason=reason,
            stores=document_stores(here.conn),
            progress=watch,
        )
    )


def _to_plan(here: Visit, stored: StoredBatch) -> Response:
    words = [set_going(here, stored.plan)]
    if stored.passed_over:
        counts = ", ".join(
            f"{one.documents:,} {wording.CODES[str(one.code)].lower()}"
            for one in stored.passed_over
        )
        first = ", ".join(one.external_id for one in stored.first_passed_over[:FIRST])
        words.append(f"Not in the plan: {counts} (first: {first}).")
    return here.redirect(f"plans/{stored.plan.plan_id}", flash=" ".join(words))


def _restored(here: Visit, asked: Asked, taken: TakenBack) -> Response:
    if not taken.is_whole:
        more = "There is more: restore once more to go on."
        return show(here, asked, note=f"{_counted(taken.outcome)} so far. {more}")
    return here.redirect("documents", flash=f"{_counted(taken.outcome)}.")


def _counted(outcome: UndoOutcome) -> str:
    said = [f"{outcome.undone:,} restored"]
    if outcome.skipped:
        said.append(f"{outcome.skipped:,} were neither in the trash nor archived")
    if outcome.waiting:
        said.append(f"{outcome.waiting:,} wait for their bytes from a cold store")
    if outcome.too_late_count:
        first = ", ".join(one.external_id for one in outcome.too_late[:FIRST])
        said.append(f"{outcome.too_late_count:,} too late, destruction had begun (first: {first})")
    if outcome.failed:
        said.append(f"{outcome.failed:,} failed: {'; '.join(outcome.failures[:FIRST])}")
    return ", ".join(said)


def _held(request: BatchRequest, outcome: MatterOutcome) -> str:
    if request.deed is BatchDeed.RELEASE:
        said = [f"{outcome.done:,} released"]
        if outcome.unchanged:
            said.append(f"{outcome.unchanged:,} were not under it")
    else:
        said = [f"{outcome.done:,} held"]
        if outcome.unchanged:
            said.append(f"{outcome.unchanged:,} were under it already")
        if outcome.too_late_count:
            first = ", ".join(one.external_id for one in outcome.too_late[:FIRST])
            said.append(f"{outcome.too_late_count:,} too late (first: {first})")
    return ", ".join(said) + "."
