"""Takes back what a plan did, or restores single documents, while the bytes still exist.

Allowed while everything is halted: keeping is always allowed. What is restored is left alone for
the organization's reprieve, so that the next night does not take it again (elastic#35561).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from doclife.domain.actions import ActionType
from doclife.domain.organization import Organization
from doclife.domain.plan import PlanKind, PlanState
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.reactivating import reactivate
from doclife.storage.stores import Stores
from doclife.store import audit, batches, organizations, stored_plans, undoing
from doclife.store.connection import Connection
from doclife.store.holds import TooLate
from doclife.store.undoing import TakingBack

BATCH_SIZE = 1000
"""Documents out of the trash per transaction."""
ARCHIVED_BATCH_SIZE = 50
"""Their rows stay locked while bytes are read and put back."""
LISTED = 100
"""An outcome lists so many failures and so many that are gone; memory does not grow with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoOutcome:
    """What became of an undo or a restore."""

    undone: int
    skipped: int = 0
    """Documents something else has happened to since: restored, trashed again."""
    waiting: int = 0
    """Documents whose bytes were asked for from a cold store; a later run restores them."""
    too_late_count: int = 0
    too_late: tuple[TooLate, ...] = ()
    """The first documents whose destruction had begun, each with the moment it did."""
    failed: int = 0
    failures: tuple[str, ...] = ()
    """The first documents whose bytes could not be brought back, each with its reason."""

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for was done."""
        return not (self.failed or self.waiting or self.too_late_count)


Progress = Callable[[UndoOutcome], None]
"""Told after each transaction what was done so far."""


@dataclass(slots=True)
class _Tally:
    """Counts batch by batch."""

    progress: Progress | None
    undone: int = 0
    skipped: int = 0
    waiting: int = 0
    too_late_count: int = 0
    too_late: list[TooLate] = field(default_factory=list)
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def add(
        self,
        *,
        undone: int,
        skipped: int = 0,
        waiting: int = 0,
        too_late: Sequence[TooLate] = (),
        failures: Sequence[str] = (),
    ) -> None:
        self.undone += undone
        self.skipped += skipped
        self.waiting += waiting
        self.too_late_count += len(too_late)
        self.too_late += too_late[: LISTED - len(self.too_late)]
        self.failed += len(failures)
        self.failures += failures[: LISTED - len(self.failures)]
        if self.progress:
            self.progress(self.outcome())

    def outcome(self) -> UndoOutcome:
        return UndoOutcome(
            undone=self.undone,
            skipped=self.skipped,
            waiting=self.waiting,
            too_late_count=self.too_late_count,
            too_late=tuple(self.too_late),
            failed=self.failed,
            failures=tuple(self.failures),
        )


def undo_plan(
    conn: Connection,
    *,
    plan_id: int,
    now: datetime,
    actor: str,
    stores: Stores,
    progress: Progress | None = None,
) -> UndoOutcome:
    """Take back everything a plan archived or trashed that is still in grace.

    Batch by batch; killed and called again, it goes on. What was sent stays sent. A plan that is
    still being applied is ended first, so that nothing is done behind the undo's back. While bytes
    are waited for, or some could not be brought back, the plan stays as it is.

    :raises RefusedError: the plan purged, or was never applied.
    """
    plan = stored_plans.find(conn, plan_id)
    if plan is None:
        raise ConfigurationError(f"there is no plan {plan_id}")
    if plan["kind"] in (PlanKind.PURGE, PlanKind.ORIGINALS):
        raise RefusedError(f"plan {plan_id} destroyed bytes: that cannot be undone by anybody.")
    if plan["state"] == PlanState.UNDONE:
        return UndoOutcome(undone=0)
    if plan["state"] not in (PlanState.APPLYING, PlanState.APPLIED):
        raise RefusedError(f"plan {plan_id} is {plan['state']}: it has done nothing to undo.")
    tenant = organizations.find(conn, plan["organization"])
    if plan["state"] == PlanState.APPLYING:
        with conn.transaction():
            batches.end_plan(
                conn, plan_id=plan_id, code="undone", reason=f"undone by {actor}", now=now
            )
    taking_back = _taking_back(tenant, plan_id=plan_id, now=now, actor=actor, reason="plan undone")
    tally, last = _Tally(progress), 0
    while page := undoing.list_done(conn, plan_id, after=last, size=BATCH_SIZE):
        last = page[-1].document_id
        trashed = [item.document_id for item in page if item.action == ActionType.DELETE]
        archived = [item.document_id for item in page if item.action == ActionType.ARCHIVE]
        rest = _out_of_the_trash(conn, taking_back, trashed, tally)
        _passed_over(conn, taking_back, rest, tally)
        for some in _pages(archived, ARCHIVED_BATCH_SIZE):
            rest = _out_of_the_archive(conn, taking_back, some, tally, stores=stores)
            _passed_over(conn, taking_back, rest, tally)
    outcome = tally.outcome()
    if not (outcome.failed or outcome.waiting):
        with conn.transaction():
            undoing.close_plan(conn, plan_id, actor=actor, now=now)
            audit.record(
                conn,
                organization_id=tenant.id,
                at=now,
                actor=actor,
                rule=plan["rule"],
                action="plan.undone",
                plan_id=plan_id,
                reason=f"{outcome.undone} documents restored",
                details={
                    "undone": outcome.undone,
                    "skipped": outcome.skipped,
                    "too_late": outcome.too_late_count,
                },
            )
    return outcome


def restore_documents(
    conn: Connection,
    *,
    organization: str,
    document_ids: Sequence[int],
    now: datetime,
    actor: str,
    reason: str,
    stores: Stores,
    progress: Progress | None = None,
) -> UndoOutcome:
    """Restore documents a person names: from the trash to where they were, else to active.

    Batch by batch; killed and called again, it goes on. Documents that are neither in the trash
    nor archived are counted as skipped; those whose destruction has begun are told as too late.
    """
    tenant = organizations.find(conn, organization)
    taking_back = _taking_back(tenant, plan_id=None, now=now, actor=actor, reason=reason)
    tally = _Tally(progress)
    for page in _pages(sorted(set(document_ids)), BATCH_SIZE):
        rest = _out_of_the_trash(conn, taking_back, page, tally)
        for some in _pages(rest, ARCHIVED_BATCH_SIZE):
            left = _out_of_the_archive(conn, taking_back, some, tally, stores=stores)
            _passed_over(conn, taking_back, left, tally)
    return tally.outcome()


def complete_restores(conn: Connection, *, now: datetime, stores: Stores) -> UndoOutcome:
    """Restore what was asked for and whose bytes have come from their cold store by now.

    What still waits is asked for again where the store has forgotten. Safe to call at any time.
    """
    undoing.close_requests(conn)
    tally = _Tally(None)
    for request in undoing.list_requests(conn, size=BATCH_SIZE):
        if request.plan_id is not None:
            outcome = undo_plan(
                conn,
                plan_id=request.plan_id,
                now=now,
                actor=request.requested_by,
                stores=stores,
            )
        else:
            outcome = restore_documents(
                conn,
                organization=request.organization,
                document_ids=request.document_ids,
                now=now,
                actor=request.requested_by,
                reason=request.reason,
                stores=stores,
            )
        tally.add(
            undone=outcome.undone,
            waiting=outcome.waiting,
            too_late=outcome.too_late,
            failures=outcome.failures,
        )
    return tally.outcome()


def _out_of_the_trash(
    conn: Connection, taking_back: TakingBack, document_ids: Sequence[int], tally: _Tally
) -> list[int]:
    """Restore those that are in the trash; return the others."""
    with conn.transaction():
        restored = undoing.restore_trashed(conn, taking_back, document_ids)
        if taking_back.plan_id is not None:
            undoing.mark_items(
                conn, taking_back.plan_id, document_ids=restored, now=taking_back.now
            )
    tally.add(undone=len(restored))
    return sorted(set(document_ids) - set(restored))


def _out_of_the_archive(
    conn: Connection,
    taking_back: TakingBack,
    document_ids: Sequence[int],
    tally: _Tally,
    *,
    stores: Stores,
) -> list[int]:
    """Restore those that are archived; return those that are not."""
    done = reactivate(conn, taking_back, document_ids, stores=stores)
    tally.add(
        undone=len(done.document_ids), waiting=len(done.waiting), failures=[*done.failures.values()]
    )
    return sorted({*document_ids} - {*done.document_ids} - {*done.waiting} - done.failures.keys())


def _passed_over(
    conn: Connection, taking_back: TakingBack, document_ids: Sequence[int], tally: _Tally
) -> None:
    """Count what was not restored, and tell since when it is being destroyed where it is."""
    if document_ids:
        too_late = undoing.list_too_late(conn, taking_back.organization_id, document_ids)
        tally.add(undone=0, skipped=len(document_ids) - len(too_late), too_late=too_late)


def _pages(document_ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (document_ids[start : start + size] for start in range(0, len(document_ids), size))


def _taking_back(
    tenant: Organization, *, plan_id: int | None, now: datetime, actor: str, reason: str
) -> TakingBack:
    today = tenant.date_of(now)
    return TakingBack(
        organization_id=tenant.id,
        plan_id=plan_id,
        reprieve_until=today + timedelta(days=tenant.reprieve_days)
        if tenant.reprieve_days
        else None,
        today=today,
        now=now,
        actor=actor,
        reason=reason,
    )
