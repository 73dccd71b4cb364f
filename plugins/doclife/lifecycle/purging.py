"""PURGE destroys the bytes of what is past its grace period: the only point of no return.

The order of writes (design 5.7, 5.8): check that the bytes are the recorded ones; lock, judge and
commit ``purging``; remove exactly those bytes and see twice that they are gone; commit
``purged`` with only the tombstone left. Killed anywhere, the next purge goes on from there.
"""

from collections.abc import Sequence
from datetime import datetime

from doclife.domain.plan import ShardOutcome
from doclife.errors import ChangedBytes, StorageError
from doclife.lifecycle.batch import Work, open_batch
from doclife.lifecycle.rewriting import take_out_unreferenced
from doclife.storage.reading import digest, stat
from doclife.storage.removal import remove_exactly
from doclife.store import batches, objects, purges
from doclife.store.connection import Connection
from doclife.store.objects import DocumentBytes

PURGE_BATCH_SIZE = 200
"""Documents between two commits: what a kill leaves as ``purging`` until the next run."""
ORIGINALS_BATCH_SIZE = 50
"""Their rows stay locked while the bytes go, so that no hold can slip in between."""


def purge_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Purge the next documents of a shard; None when there is no more to do."""
    waiting = purges.peek(conn, work.shard, size=PURGE_BATCH_SIZE)
    # What a killed purge has begun may be half gone: only what nobody has touched is checked.
    untouched = [
        each
        for each in objects.list_of_documents(conn, waiting)
        if not each.is_condemned and not each.is_needed_by_others
    ]
    failures = _check(work, untouched)
    with conn.transaction():
        failed = batches.fail(conn, work.shard, failures, now=now) if failures else 0
        sound = sorted(set(waiting) - {int(str(one["document_id"])) for one in failures})
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
    failures = _destroy(conn, work, condemned, now)
    spared = {int(str(one["document_id"])) for one in failures}
    with conn.transaction():
        failed += batches.fail(conn, work.shard, failures, now=now) if failures else 0
        done = purges.finish(
            conn,
            work.shard,
            organization_id=work.organization.id,
            document_ids=[each for each in batch.document_ids if each not in spared],
            now=now,
            today=batch.today,
            actor=work.actor,
        )
    return ShardOutcome(done=done, skipped=batch.skipped, failed=failed)


def remove_originals_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Remove the originals of the next archived documents whose copies are sound.

    A held document keeps its original: the rows stay locked from judging to commit.
    """
    with conn.transaction():
        batch = open_batch(conn, work, now=now, size=ORIGINALS_BATCH_SIZE)
        if batch is None:
            return None
        objects.lock_of_documents(conn, batch.document_ids)
        originals = objects.list_of_documents(conn, batch.document_ids, with_copies=False)
        known = {each.object_id for each in originals}
        copies = [
            each
            for each in objects.list_of_documents(conn, batch.document_ids)
            if each.object_id not in known
        ]
        # A kill between removing and committing leaves an original that is gone already: that is
        # what was asked for. One with other bytes is not ours to remove.
        present = [each for each in originals if not _is_gone(work, each)]
        failures = _check(work, [*copies, *present])
        digests = {each.document_id: each.sha256 for each in copies}
        failures += [
            _failure(each.document_id, "changed", "the original is newer than its archived copy")
            for each in present
            if digests.get(each.document_id, each.sha256) != each.sha256
        ]
        failures += [
            _failure(document_id, "missing", "the catalogue knows no archived copy of it")
            for document_id in set(batch.document_ids) - {each.document_id for each in copies}
        ]
        unsound = {int(str(one["document_id"])) for one in failures}
        sound = sorted(set(batch.document_ids) - unsound)
        # Asked anew: a document whose copy is damaged needs an original that it shares.
        leaving = objects.list_of_documents(conn, sound, with_copies=False)
        going = {each.object_id: each for each in leaving if not each.is_needed_by_others}
        objects.begin_removing(conn, list(going), now=now)
        stayed = {one["document_id"]: one for one in _destroy(conn, work, [*going.values()], now)}
        objects.stop_removing(conn, list(going))
        failures += [
            {**stayed[going[each.object_id].document_id], "document_id": each.document_id}
            for each in leaving
            if each.object_id in going and going[each.object_id].document_id in stayed
        ]
        spared = {int(str(one["document_id"])) for one in failures}
        failed = batches.fail(conn, work.shard, failures, now=now) if failures else 0
        done = purges.record_removed_originals(
            conn,
            work.shard,
            organization_id=work.organization.id,
            document_ids=[each for each in batch.document_ids if each not in spared],
            now=now,
            today=batch.today,
            actor=work.actor,
        )
        return ShardOutcome(done=done, skipped=batch.skipped, failed=failed)


def _is_gone(work: Work, original: DocumentBytes) -> bool:
    """Whether an original is certainly absent; what cannot be said is left to the check."""
    try:
        return stat(work.stores, uri=original.uri, version_id=original.version_id) is None
    except StorageError:
        return False


def _check(work: Work, found: Sequence[DocumentBytes]) -> list[dict[str, object]]:
    """Return a failure for each document whose bytes are not, or not all, the recorded ones."""
    failures: dict[int, dict[str, object]] = {}
    for each in found:
        try:
            actual = digest(work.stores, uri=each.uri, version_id=each.version_id)
        except StorageError as error:
            failures[each.document_id] = _failure(each.document_id, "unreadable", str(error))
            continue
        if actual.sha256 != each.sha256 or actual.size_bytes != each.size_bytes:
            failures[each.document_id] = _failure(
                each.document_id, "changed", f"the bytes at {each.uri} are not the recorded ones"
            )
    return list(failures.values())


def _destroy(
    conn: Connection, work: Work, condemned: Sequence[DocumentBytes], now: datetime
) -> list[dict[str, object]]:
    """Remove bytes, in bags and outside, and return a failure for each that stayed."""
    failures = []
    for each in condemned:
        if each.bag_id is not None:
            continue
        try:
            remove_exactly(
                work.stores,
                uri=each.uri,
                size_bytes=each.size_bytes,
                sha256=each.sha256,
                etag=each.etag,
                version_id=each.version_id,
            )
        except ChangedBytes as error:
            failures.append(_failure(each.document_id, "changed", str(error)))
        except StorageError as error:
            failures.append(_failure(each.document_id, "not_removed", str(error)))
        else:
            objects.mark_removed(conn, [each.object_id], now=now)
    for bag_id in sorted({each.bag_id for each in condemned if each.bag_id is not None}):
        owners = {each.document_id for each in condemned if each.bag_id == bag_id}
        try:
            stayed = take_out_unreferenced(conn, bag_id=bag_id, stores=work.stores, now=now)
        except StorageError as error:
            stayed = {document_id: str(error) for document_id in owners}
        failures += [
            _failure(document_id, "not_removed", reason)
            for document_id, reason in stayed.items()
            if document_id in owners
        ]
    return failures


def _failure(document_id: int, code: str, reason: str) -> dict[str, object]:
    return {"document_id": document_id, "code": code, "reason": reason}
