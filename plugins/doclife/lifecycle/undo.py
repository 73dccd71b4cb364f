"""Takes back what a plan did, or restores single documents, while the bytes still exist.

Allowed while everything is halted: keeping is always allowed. What is restored is left alone for
the organization's reprieve, so that the next night does not take it again (elastic#35561).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from doclife.domain.actions import ActionType
from doclife.domain.organization import Organization
from doclife.domain.plan import PlanKind, PlanState
from doclife.errors import ConfigurationError, RefusedError, StorageError
from doclife.lifecycle.rewriting import take_out_unreferenced
from doclife.storage.payloads import put_back
from doclife.storage.reading import digest
from doclife.storage.stores import Stores
from doclife.store import audit, bags, batches, organizations, stored_plans, undoing
from doclife.store.connection import Connection
from doclife.store.undoing import ArchivedDocument, TakingBack

logger = logging.getLogger(__name__)

BATCH_SIZE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoOutcome:
    """What became of an undo."""

    undone: int
    skipped: int
    """Documents something else has happened to since: restored, trashed again, purged."""
    failures: tuple[str, ...]
    """Documents whose bytes could not be brought back, each with its reason."""


def undo_plan(
    conn: Connection, *, plan_id: int, now: datetime, actor: str, stores: Stores
) -> UndoOutcome:
    """Take back everything a plan archived or trashed that is still in grace.

    Batch by batch; killed and called again, it goes on. What was sent stays sent. A plan that is
    still being applied is ended first, so that nothing is done behind the undo's back.

    :raises RefusedError: the plan purged, or was never applied.
    """
    plan = stored_plans.find(conn, plan_id)
    if plan is None:
        raise ConfigurationError(f"there is no plan {plan_id}")
    if plan["kind"] in (PlanKind.PURGE, PlanKind.ORIGINALS):
        raise RefusedError(f"plan {plan_id} destroyed bytes: that cannot be undone by anybody.")
    if plan["state"] == PlanState.UNDONE:
        return UndoOutcome(undone=0, skipped=0, failures=())
    if plan["state"] not in (PlanState.APPLYING, PlanState.APPLIED):
        raise RefusedError(f"plan {plan_id} is {plan['state']}: it has done nothing to undo.")
    tenant = organizations.find(conn, plan["organization"])
    if plan["state"] == PlanState.APPLYING:
        with conn.transaction():
            batches.end_plan(
                conn, plan_id=plan_id, code="undone", reason=f"undone by {actor}", now=now
            )
    taking_back = _taking_back(tenant, plan_id=plan_id, now=now, actor=actor, reason="plan undone")
    undone, skipped, failures, last = 0, 0, [], 0
    while page := undoing.list_done(conn, plan_id, after=last, size=BATCH_SIZE):
        last = page[-1].document_id
        trashed = [item.document_id for item in page if item.action == ActionType.DELETE]
        archived = [item.document_id for item in page if item.action == ActionType.ARCHIVE]
        with conn.transaction():
            restored = undoing.restore_trashed(conn, taking_back, trashed)
            undoing.mark_items(conn, plan_id, document_ids=restored, now=now)
        reactivated, failed = _reactivate(conn, taking_back, archived, stores=stores)
        undone += len(restored) + len(reactivated)
        failures += failed
        skipped += len(page) - len(restored) - len(reactivated) - len(failed)
    if not failures:
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
                reason=f"{undone} documents restored",
                details={"undone": undone, "skipped": skipped},
            )
    return UndoOutcome(undone=undone, skipped=skipped, failures=tuple(failures))


def restore_documents(
    conn: Connection,
    *,
    organization: str,
    document_ids: Sequence[int],
    now: datetime,
    actor: str,
    reason: str,
    stores: Stores,
) -> UndoOutcome:
    """Restore documents a person names: from the trash to where they were, else to active.

    Documents that are neither in the trash nor archived are counted as skipped.
    """
    tenant = organizations.find(conn, organization)
    taking_back = _taking_back(tenant, plan_id=None, now=now, actor=actor, reason=reason)
    with conn.transaction():
        restored = undoing.restore_trashed(conn, taking_back, document_ids)
    rest = sorted(set(document_ids) - set(restored))
    reactivated, failures = _reactivate(conn, taking_back, rest, stores=stores)
    return UndoOutcome(
        undone=len(restored) + len(reactivated),
        skipped=len(rest) - len(reactivated) - len(failures),
        failures=tuple(failures),
    )


def _reactivate(
    conn: Connection, taking_back: TakingBack, document_ids: Sequence[int], *, stores: Stores
) -> tuple[list[int], list[str]]:
    """Let archived documents be active again: on their originals, or on verified bytes put back."""
    failures: list[str] = []
    sound: list[ArchivedDocument] = []
    with conn.transaction():
        for each in undoing.list_archived(conn, taking_back, document_ids):
            try:
                # The copy is given up below: only bytes that are seen to be the same replace it.
                if not _is_original_sound(conn, each, stores=stores):
                    _put_back(conn, each, stores=stores, now=taking_back.now)
            except StorageError as error:
                failures.append(f"document {each.document_id}: {error}")
            else:
                sound.append(each)
        reactivated = undoing.reactivate_archived(
            conn, taking_back, [each.document_id for each in sound]
        )
        bag_ids = sorted({each.bag_id for each in sound if each.document_id in set(reactivated)})
        for bag_id in bag_ids:
            # Committed with the documents, so that the sweep heals what a kill leaves.
            bags.set_state(conn, bag_id=bag_id, state="rewriting", now=taking_back.now)
        if taking_back.plan_id is not None:
            undoing.mark_items(
                conn, taking_back.plan_id, document_ids=reactivated, now=taking_back.now
            )
    for bag_id in bag_ids:
        try:
            take_out_unreferenced(conn, bag_id=bag_id, stores=stores, now=taking_back.now)
        except StorageError as error:
            logger.warning("Bag %s keeps copies until the next sweep: %s", bag_id, error)
    return reactivated, failures


def _is_original_sound(conn: Connection, archived: ArchivedDocument, *, stores: Stores) -> bool:
    """Whether the original is in its place and has the bytes that the copy has."""
    if not archived.has_original or archived.original_uri is None:
        return False
    if undoing.is_being_removed(conn, archived.original_uri):
        return False
    try:
        found = digest(stores, uri=archived.original_uri)
    except StorageError:
        return False
    return (found.sha256, found.size_bytes) == (archived.sha256, archived.size_bytes)


def _put_back(
    conn: Connection, archived: ArchivedDocument, *, stores: Stores, now: datetime
) -> None:
    if archived.original_uri is None:
        raise StorageError("nobody knows where its original was")
    busy = f"{archived.original_uri} is being destroyed by a purge; restore again afterwards"
    if undoing.is_being_removed(conn, archived.original_uri):
        raise StorageError(busy)
    found = put_back(
        stores,
        payload_uri=archived.uri,
        target_uri=archived.original_uri,
        size_bytes=archived.size_bytes,
        sha256=archived.sha256,
        version_id=archived.version_id,
    )
    reattached = undoing.reattach_original(
        conn,
        document_id=archived.document_id,
        uri=archived.original_uri,
        size_bytes=archived.size_bytes,
        sha256=archived.sha256,
        etag=found.etag,
        version_id=found.version_id,
        store_id=stores.at(archived.original_uri).record.store_id,
        now=now,
    )
    if not reattached:
        raise StorageError(busy)


def _taking_back(
    tenant: Organization, *, plan_id: int | None, now: datetime, actor: str, reason: str
) -> TakingBack:
    today = tenant.date_of(now)
    return TakingBack(
        organization_id=tenant.id,
        plan_id=plan_id,
        reprieve_until=today + timedelta(days=tenant.reprieve_days),
        today=today,
        now=now,
        actor=actor,
        reason=reason,
    )
