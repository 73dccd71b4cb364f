"""Does one thing to many chosen documents: planned and previewed like a rule.

What destroys or sends becomes a plan, with the belts of every plan. Holding, releasing and
restoring need none: they keep documents, and each can be taken back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doclife.domain.actions import ActionType
from doclife.domain.batch import BatchDeed, BatchRequest
from doclife.domain.organization import Organization
from doclife.domain.plan import PlanSummary
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle import holding
from doclife.lifecycle.planning import plan_selection
from doclife.store import batch_outcomes, matters, organizations, switches
from doclife.store.batch_outcomes import ChosenDocument, OutcomeCount
from doclife.store.connection import Connection
from doclife.store.holds import TooLate

__all__ = ["ChosenDocument", "OutcomeCount"]

PLANNER = "dashboard"
"""Stands where plans that Airflow makes have their DAG."""
HOLD_ROWS = 10_000
"""Documents per transaction of a hold or a release: bounds how long their rows are locked."""
LISTED = 100
"""An outcome names so many documents; all are counted."""
LOOK_AGAIN = "What would be done has changed since you looked at it: look again, then go on."
_PREVIEW = "preview"
NOT_PLANNED = frozenset(
    {"in_trash", "is_archived", "being_destroyed", "destroyed", "changed_meanwhile"}
)
"""Codes of documents that a plan does not even list."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchPreview:
    """What a batch would come to."""

    counts: Sequence[OutcomeCount]
    """What would be done first, then each reason why others would be left alone."""
    documents: Sequence[ChosenDocument]
    approval_reason: str | None
    """Why a person would have to approve the plan; None when nobody is asked."""
    to_do_ids: Sequence[int]
    """All documents to which it would be done, ascending."""

    @property
    def to_do(self) -> int:
        """How many documents it would be done to."""
        return len(self.to_do_ids)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBatch:
    """A batch that became a plan."""

    plan: PlanSummary
    passed_over: Sequence[OutcomeCount]
    """Chosen documents that are not in the plan, by reason: what is in the trash or destroyed by
    now needs no plan. What the plan itself leaves alone stands in it."""
    first_passed_over: Sequence[ChosenDocument]


@dataclass(frozen=True, kw_only=True, slots=True)
class MatterOutcome:
    """What became of holding or releasing."""

    done: int
    unchanged: int
    """Those that were under the matter already, or were not under it."""
    too_late_count: int = 0
    too_late: Sequence[TooLate] = ()
    """The first documents whose destruction had begun."""


def preview_batch(
    conn: Connection,
    *,
    organization: str,
    request: BatchRequest,
    document_ids: Sequence[int],
    actor: str,
    now: datetime,
    after: int = 0,
    size: int = 20,
) -> BatchPreview:
    """Return what a batch would do to chosen documents; nothing is kept.

    A deed with a plan is planned as it would be, and taken back.

    :param after: the last document of the page before; 0 for the first page.
    :param size: how many documents to return beside the counts.
    :raises RefusedError: the matter is closed.
    :raises ConfigurationError: there is no such matter to release from, or no such store.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction(force_rollback=True):
        approval_reason = None
        batch_outcomes.begin(conn)
        if request.action is not None:
            plan = _plan(
                conn,
                tenant,
                action=request.action,
                settings=request.settings,
                document_ids=document_ids,
                actor=actor,
                now=now,
                run_id=_PREVIEW,
                reason=_PREVIEW,
            )
            approval_reason = plan.approval_reason
            batch_outcomes.note_planned(
                conn,
                plan_id=plan.plan_id,
                organization_id=tenant.id,
                document_ids=document_ids,
            )
        else:
            _note_unplanned(conn, tenant, request, document_ids)
        return BatchPreview(
            counts=batch_outcomes.count(conn),
            documents=batch_outcomes.list_page(conn, after=after, size=size),
            approval_reason=approval_reason,
            to_do_ids=batch_outcomes.list_to_do(conn),
        )


def store_batch(
    conn: Connection,
    *,
    organization: str,
    request: BatchRequest,
    document_ids: Sequence[int],
    actor: str,
    now: datetime,
    run_id: str,
    reason: str,
    expected: Collection[int] | None = None,
) -> StoredBatch:
    """Store the plan of a batch that archives, deletes or notifies; applying it is another step.

    A second call with the same ``run_id`` and documents finds the plan of the first.

    :param reason: why, for every item and the audit trail.
    :param expected: to which documents it may be done: those that a person saw it would be. None
        for whichever it can be done to.
    :raises RefusedError: everything is halted, or it would be done to more than expected.
    """
    action = request.action
    if action is None:
        raise ConfigurationError(f"{request.deed} needs no plan")
    tenant = organizations.find(conn, organization)
    halted = switches.read(conn)
    if halted.reason is not None:
        raise RefusedError(f"nothing was planned: everything is halted ({halted.reason}).")
    with conn.transaction():
        plan = _plan(
            conn,
            tenant,
            action=action,
            settings=request.settings,
            document_ids=document_ids,
            actor=actor,
            now=now,
            run_id=run_id,
            reason=reason,
        )
        batch_outcomes.begin(conn)
        batch_outcomes.note_planned(
            conn, plan_id=plan.plan_id, organization_id=tenant.id, document_ids=document_ids
        )
        _require_expected(conn, expected)
        passed_over = [one for one in batch_outcomes.count(conn) if one.code in NOT_PLANNED]
        first = batch_outcomes.list_page(conn, after=0, size=LISTED, codes=NOT_PLANNED)
    return StoredBatch(
        plan=plan,
        passed_over=passed_over,
        first_passed_over=first,
    )


def hold_batch(
    conn: Connection,
    *,
    organization: str,
    request: BatchRequest,
    document_ids: Sequence[int],
    actor: str,
    now: datetime,
    reason: str,
    expected: Collection[int] | None = None,
) -> MatterOutcome:
    """Hold documents under the request's matter, or release them from it.

    Committed part by part; killed and called again, it goes on.

    :param expected: as for ``store_batch``; looked at before the first part.
    :raises RefusedError: the matter is closed, or it would be done to more than expected.
    :raises ConfigurationError: there is no such matter to release from.
    """
    check_expected(
        conn,
        organization=organization,
        request=request,
        document_ids=document_ids,
        expected=expected,
    )
    done = unchanged = too_late_count = 0
    too_late: list[TooLate] = []
    for start in range(0, len(document_ids), HOLD_ROWS):
        part = document_ids[start : start + HOLD_ROWS]
        if request.deed is BatchDeed.RELEASE:
            released = holding.release(
                conn,
                organization=organization,
                matter=str(request.matter),
                document_ids=part,
                actor=actor,
                now=now,
                reason=reason,
            )
            done, unchanged = done + released, unchanged + len(part) - released
            continue
        outcome = holding.hold(
            conn,
            organization=organization,
            matter=str(request.matter),
            reason=reason,
            document_ids=part,
            actor=actor,
            now=now,
        )
        done, unchanged = done + outcome.held, unchanged + outcome.already
        too_late_count += len(outcome.too_late)
        too_late += outcome.too_late[: LISTED - len(too_late)]
    return MatterOutcome(
        done=done, unchanged=unchanged, too_late_count=too_late_count, too_late=too_late
    )


def check_expected(
    conn: Connection,
    *,
    organization: str,
    request: BatchRequest,
    document_ids: Sequence[int],
    expected: Collection[int] | None,
) -> None:
    """Refuse a deed without a plan that would be done to more documents than expected.

    :raises RefusedError: so it is, for example since a document came into the trash that was not
        in it when the person looked.
    """
    if expected is None:
        return
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        batch_outcomes.begin(conn)
        _note_unplanned(conn, tenant, request, document_ids)
        _require_expected(conn, expected)


def _require_expected(conn: Connection, expected: Collection[int] | None) -> None:
    if expected is not None and not set(batch_outcomes.list_to_do(conn)) <= set(expected):
        raise RefusedError(LOOK_AGAIN)


def _note_unplanned(
    conn: Connection, tenant: Organization, request: BatchRequest, document_ids: Sequence[int]
) -> None:
    batch_outcomes.note_unplanned(
        conn,
        organization_id=tenant.id,
        document_ids=document_ids,
        deed=request.deed,
        matter_id=_matter_of(conn, tenant, request),
    )


def _plan(
    conn: Connection,
    tenant: Organization,
    *,
    action: ActionType,
    settings: Mapping[str, Any],
    document_ids: Sequence[int],
    actor: str,
    now: datetime,
    run_id: str,
    reason: str,
) -> PlanSummary:
    return plan_selection(
        conn,
        organization=tenant.slug,
        action=action,
        document_ids=document_ids,
        now=now,
        as_of=now,
        dag_id=PLANNER,
        run_id=run_id,
        requested_by=actor,
        reason=reason,
        options=settings,
    )


def _matter_of(conn: Connection, tenant: Organization, request: BatchRequest) -> int | None:
    """Return the matter of a request; None for one that is only to be opened, or for none."""
    if request.matter is None:
        return None
    if request.deed is BatchDeed.RELEASE:
        return holding.find_matter(conn, tenant, request.matter).id
    found = matters.find(conn, tenant.id, request.matter)
    if found is None:
        return None
    if found.released_at is not None:
        raise holding.closed_matter(found.name)
    return found.id
