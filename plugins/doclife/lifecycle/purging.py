"""PURGE destroys the bytes of what is past its grace period: the only point of no return.

The order of writes: check that the bytes are the recorded ones; lock, judge and
commit ``purging``; remove exactly those bytes and see twice that they are gone; commit
``purged`` with only the tombstone left. Killed anywhere, the next purge goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from doclife.domain.plan import ShardOutcome
from doclife.errors import TryAgainLater
from doclife.lifecycle import destroying
from doclife.lifecycle.batch import Work, fail, open_batch
from doclife.lifecycle.destroying import Checked, Destroyed, Failure, failed_ids, failure
from doclife.lifecycle.erasing import residue_erased
from doclife.store import batches, objects, purges
from doclife.store.connection import Connection
from doclife.store.objects import DocumentBytes

PURGE_BATCH_SIZE = 200
"""Documents between two commits: what a kill leaves as ``purging`` until the next run."""
ORIGINALS_BATCH_SIZE = 50
"""Their rows stay locked while the bytes go, so that no hold can slip in between."""


def purge_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Purge the next documents of a shard; None when there is no more to do.

    Bytes that are surely gone already keep no document from being purged; its reason says so.

    :raises TryAgainLater: what was recorded could not be finished; neither is kept, and the next
        call does both.
    """
    waiting = purges.peek(conn, work.shard, size=PURGE_BATCH_SIZE)
    # What a killed purge has begun may be half gone: only what nobody has touched is checked.
    untouched = [
        each
        for each in objects.list_of_documents(conn, waiting)
        if not each.is_condemned and not each.is_needed_by_others
    ]
    checked = destroying.check(work.stores, untouched)
    with conn.transaction():
        failed = fail(conn, work, checked.failures, now=now)
        sound = sorted(set(waiting) - failed_ids(checked.failures))
        batch = open_batch(conn, work, now=now, size=PURGE_BATCH_SIZE, document_ids=sound)
        if batch is None:
            return ShardOutcome(failed=failed) if failed else None
        objects.lock_of_documents(conn, batch.document_ids)
        purges.begin(
            conn,
            work.shard,
            organization_id=work.organization.id,
            now=now,
            actor=work.actor,
        )
        condemned = [
            each
            for each in objects.list_of_documents(conn, batch.document_ids)
            if not each.is_needed_by_others
        ]
        objects.begin_removing(conn, [each.object_id for each in condemned], now=now)
    destroyed = destroying.destroy(conn, work.stores, condemned, seen=checked.seen, now=now)
    spared = failed_ids(destroyed.failures)
    notes = _notes(checked, destroyed)
    with conn.transaction():
        # Bytes that they share stay what the record says of them: nobody condemns them meanwhile.
        purges.lock(conn, batch.document_ids)
        objects.lock_of_documents(conn, batch.document_ids)
        failed += fail(conn, work, destroyed.failures, now=now)
        # While they still have their titles, of which certificates keep hashes.
        recorded = purges.record_destroyed(
            conn,
            [each for each in batch.document_ids if each not in spared],
            plan_id=work.shard.plan_id,
            found_gone={each.object_id for each in checked.absent} | destroyed.found_gone,
            other_links=destroyed.other_links,
            now=now,
        )
        with residue_erased(conn, work, recorded, now=now):
            purged = purges.finish(conn, recorded, now=now)
        if {each.document_id for each in purged} != set(recorded):
            raise TryAgainLater("a document was recorded as destroyed and could not be finished")
        done = batches.record_done(
            conn,
            work.shard,
            [replace(each, note=notes.get(each.document_id)) for each in purged],
            organization_id=work.organization.id,
            what="document.purged",
            now=now,
            today=batch.today,
            actor=work.actor,
        )
    return ShardOutcome(done=done, skipped=batch.skipped, failed=failed)


def remove_originals_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Remove the originals of the next archived documents whose copies are sound.

    Everything is read before a row is locked. A held document keeps its original: the rows stay
    locked from judging to commit, which takes no longer than removing does.
    """
    waiting = purges.peek(conn, work.shard, size=ORIGINALS_BATCH_SIZE)
    pairs = _pairs(conn, waiting)
    checked = _check_pairs(work, waiting, pairs)
    with conn.transaction():
        failed = fail(conn, work, checked.failures, now=now)
        sound = sorted(set(waiting) - failed_ids(checked.failures))
        batch = open_batch(
            conn,
            work,
            now=now,
            size=ORIGINALS_BATCH_SIZE,
            document_ids=sound,
            gone_ids=[each.document_id for each in checked.absent if each in pairs.originals],
        )
        if batch is None:
            return ShardOutcome(failed=failed) if failed else None
        objects.lock_of_documents(conn, batch.document_ids)
        failures = _registered_anew(conn, batch.document_ids, pairs)
        unchanged = sorted(set(batch.document_ids) - failed_ids(failures))
        # Asked anew: a document whose copy is damaged needs an original that it shares.
        leaving = objects.list_of_documents(conn, unchanged, with_copies=False)
        going = {each.object_id: each for each in leaving if not each.is_needed_by_others}
        objects.begin_removing(conn, list(going), now=now)
        destroyed = destroying.destroy(
            conn, work.stores, [*going.values()], seen=checked.seen, now=now
        )
        stayed = {one["document_id"]: one for one in destroyed.failures}
        objects.stop_removing(conn, list(going))
        failures += [
            {**stayed[going[each.object_id].document_id], "document_id": each.document_id}
            for each in leaving
            if each.object_id in going and going[each.object_id].document_id in stayed
        ]
        failed += fail(conn, work, failures, now=now)
        spared = failed_ids(failures)
        notes = _notes(checked, destroyed)
        detached = purges.detach_originals(
            conn, [each for each in batch.document_ids if each not in spared]
        )
        done = batches.record_done(
            conn,
            work.shard,
            [replace(each, note=notes.get(each.document_id)) for each in detached],
            organization_id=work.organization.id,
            what="document.original_removed",
            now=now,
            today=batch.today,
            actor=work.actor,
        )
        return ShardOutcome(done=done, skipped=batch.skipped, failed=failed)


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """The originals of archived documents and their copies."""

    originals: Sequence[DocumentBytes]
    copies: Sequence[DocumentBytes]

    def of(self, document_id: int) -> set[tuple[int, bytes]]:
        """Which bytes the document stands on."""
        both = (*self.originals, *self.copies)
        return {(one.object_id, one.sha256) for one in both if one.document_id == document_id}


def _pairs(conn: Connection, document_ids: Sequence[int]) -> _Pairs:
    originals = objects.list_of_documents(conn, document_ids, with_copies=False)
    known = {each.object_id for each in originals}
    every = objects.list_of_documents(conn, document_ids)
    return _Pairs(
        originals=originals, copies=[each for each in every if each.object_id not in known]
    )


def _check_pairs(work: Work, document_ids: Sequence[int], pairs: _Pairs) -> Checked:
    """Read originals and copies; an original may be gone already, a copy may not."""
    checked = destroying.check(work.stores, [*pairs.copies, *pairs.originals])
    copies = {each.document_id: each for each in pairs.copies}
    missing = {each.document_id for each in checked.absent if each in pairs.copies}
    missing |= set(document_ids) - copies.keys()
    failures = [
        *checked.failures,
        *(failure(each, "missing", "its archived copy is not there") for each in missing),
        *(
            failure(each.document_id, "changed", "the original is newer than its archived copy")
            for each in pairs.originals
            if each.document_id in copies and copies[each.document_id].sha256 != each.sha256
        ),
    ]
    return replace(checked, failures=failures)


def _registered_anew(
    conn: Connection, document_ids: Sequence[int], checked: _Pairs
) -> list[Failure]:
    """Return the documents that stand on other bytes by now than those that were checked."""
    present = _pairs(conn, document_ids)
    return [
        failure(document_id, "changed", "its bytes were registered anew meanwhile")
        for document_id in document_ids
        if present.of(document_id) != checked.of(document_id)
    ]


def _notes(checked: Checked, destroyed: Destroyed) -> dict[int, str]:
    """Return what the record must say beside that the bytes are gone, by document."""
    absent = {each.document_id: "its bytes were gone already" for each in checked.absent}
    return absent | destroyed.notes
