"""Checks that bytes are the recorded ones, and destroys them; what stays has a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from doclife.errors import ChangedBytes, StorageError
from doclife.lifecycle.rewriting import take_out_unreferenced
from doclife.storage.filesystem import Stat
from doclife.storage.removal import Recorded, find_recorded, remove_exactly
from doclife.storage.stores import Stores
from doclife.store import objects
from doclife.store.connection import Connection
from doclife.store.objects import DocumentBytes

Failure = dict[str, object]
"""``document_id``, ``code`` and ``reason``, as an item is closed with it."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a look at bytes found."""

    failures: list[Failure]
    """Documents whose bytes are not, or not all, the recorded ones."""
    seen: Mapping[tuple[int, bytes], Stat]
    """What the store said about each (object, sha256) that was read and found to be right."""
    absent: Sequence[DocumentBytes]
    """Bytes that were surely gone already."""


@dataclass(frozen=True, kw_only=True)
class Destroyed:
    """What became of bytes that were to be destroyed."""

    failures: list[Failure] = field(default_factory=list)
    """Documents whose bytes, or some of them, stayed."""
    notes: dict[int, str] = field(default_factory=dict)
    """What must be said about the destruction, by document."""
    found_gone: set[int] = field(default_factory=set)
    """Stored objects that were surely gone already."""
    other_links: dict[int, int] = field(default_factory=dict)
    """How many other hard links lead to the bytes of a stored object."""


def check(stores: Stores, found: Sequence[DocumentBytes]) -> Checked:
    """Read bytes and compare them with what was recorded. Takes as long as reading them does."""
    failures: dict[int, Failure] = {}
    seen: dict[tuple[int, bytes], Stat] = {}
    absent = []
    for each in found:
        if (each.object_id, each.sha256) in seen:  # shared by several documents
            continue
        try:
            stat = find_recorded(stores, _recorded(each))
        except ChangedBytes as error:
            failures[each.document_id] = failure(each.document_id, "changed", str(error))
        except StorageError as error:
            failures[each.document_id] = failure(each.document_id, "unreadable", str(error))
        else:
            if stat is None:
                absent.append(each)
            else:
                seen[each.object_id, each.sha256] = stat
    return Checked(failures=list(failures.values()), seen=seen, absent=absent)


def destroy(
    conn: Connection,
    stores: Stores,
    condemned: Sequence[DocumentBytes],
    *,
    seen: Mapping[tuple[int, bytes], Stat],
    now: datetime,
) -> Destroyed:
    """Remove bytes, in bags and outside.

    :param seen: from ``check``: bytes that have not been touched since are not read again.
    """
    destroyed = Destroyed()
    for each in condemned:
        if each.bag_id is not None:
            continue
        try:
            removal = remove_exactly(
                stores, _recorded(each), seen=seen.get((each.object_id, each.sha256))
            )
        except ChangedBytes as error:
            destroyed.failures.append(failure(each.document_id, "changed", str(error)))
        except StorageError as error:
            destroyed.failures.append(failure(each.document_id, "not_removed", str(error)))
        else:
            objects.mark_removed(conn, [each.object_id], now=now)
            if removal.already_gone:
                destroyed.found_gone.add(each.object_id)
            if removal.other_names:
                destroyed.other_links[each.object_id] = removal.other_names
                destroyed.notes[each.document_id] = (
                    f"{removal.other_names} other hard link(s) lead to its bytes"
                )
    for bag_id in sorted({each.bag_id for each in condemned if each.bag_id is not None}):
        owners = {each.document_id for each in condemned if each.bag_id == bag_id}
        try:
            stayed = take_out_unreferenced(conn, bag_id=bag_id, stores=stores, now=now)
        except StorageError as error:
            stayed = {document_id: str(error) for document_id in owners}
        destroyed.failures.extend(
            failure(document_id, "not_removed", reason)
            for document_id, reason in stayed.items()
            if document_id in owners
        )
    return destroyed


def failure(document_id: int, code: str, reason: str) -> Failure:
    """Return what closes the item of a document that could not be done."""
    return {"document_id": document_id, "code": code, "reason": reason}


def failed_ids(failures: Sequence[Failure]) -> set[int]:
    """Return the documents of failures."""
    return {int(str(one["document_id"])) for one in failures}


def _recorded(each: DocumentBytes) -> Recorded:
    return Recorded(
        uri=each.uri,
        size_bytes=each.size_bytes,
        sha256=each.sha256,
        etag=each.etag,
        version_id=each.version_id,
    )
