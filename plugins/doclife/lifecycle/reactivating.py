"""Lets archived documents be active again: on their originals, or on verified bytes put back."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doclife.errors import StorageError
from doclife.lifecycle.rewriting import take_out_unreferenced
from doclife.storage.payloads import are_within_reach, put_back
from doclife.storage.removal import Recorded, find_recorded
from doclife.storage.stores import Stores
from doclife.store import bags, undoing
from doclife.store.connection import Connection
from doclife.store.undoing import ArchivedDocument, TakingBack

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reactivation:
    """What became of archived documents that were to be active again."""

    document_ids: Sequence[int]
    failures: Mapping[int, str]
    """Why, by document."""
    waiting: Sequence[int]
    """Documents whose bytes were asked for from a cold store."""


def reactivate(
    conn: Connection, taking_back: TakingBack, document_ids: Sequence[int], *, stores: Stores
) -> Reactivation:
    """Let those of the documents that are archived be active again, in one transaction.

    Each stands on bytes that were seen to be those of its copy, which then leaves its bag. Killed
    and called again, it goes on; what it leaves of a bag the weekly sweep mends.
    """
    failures: dict[int, str] = {}
    waiting: list[int] = []
    sound: list[ArchivedDocument] = []
    with conn.transaction():
        for each in undoing.list_archived(conn, taking_back, document_ids):
            try:
                if _is_original_sound(conn, each, stores=stores):
                    sound.append(each)
                elif are_within_reach(stores, uri=each.uri, version_id=each.version_id):
                    _put_back(conn, each, taking_back, stores=stores)
                    sound.append(each)
                else:
                    waiting.append(each.document_id)
            except StorageError as error:
                failures[each.document_id] = f"document {each.document_id}: {error}"
        reactivated = undoing.reactivate_archived(
            conn, taking_back, [each.document_id for each in sound]
        )
        undoing.request(conn, taking_back, waiting)
        undoing.close_requests(conn)
        taken_back = set(reactivated)
        bag_ids = sorted({each.bag_id for each in sound if each.document_id in taken_back})
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
    return Reactivation(document_ids=reactivated, failures=failures, waiting=waiting)


def _is_original_sound(conn: Connection, archived: ArchivedDocument, *, stores: Stores) -> bool:
    """Whether the original is in its place and has the bytes that the copy has."""
    if not archived.has_original or archived.original_uri is None:
        return False
    if undoing.is_being_removed(conn, archived.original_uri):
        return False
    recorded = Recorded(
        uri=archived.original_uri,
        size_bytes=archived.size_bytes,
        sha256=archived.sha256,
        etag=archived.original_etag,
        version_id=archived.original_version_id,
    )
    try:
        return find_recorded(stores, recorded) is not None
    except StorageError:
        return False  # putting the copy back says what is wrong there


def _put_back(
    conn: Connection, archived: ArchivedDocument, taking_back: TakingBack, *, stores: Stores
) -> None:
    if archived.original_uri is None:
        raise StorageError("nobody knows where its original was")
    busy = f"{archived.original_uri} is being destroyed by a purge; restore again afterwards"
    if undoing.is_being_removed(conn, archived.original_uri):
        raise StorageError(busy)
    if undoing.is_taken(
        conn,
        document_id=archived.document_id,
        uri=archived.original_uri,
        sha256=archived.sha256,
    ):
        raise StorageError(f"another document is registered at {archived.original_uri} by now")
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
        now=taking_back.now,
    )
    if not reattached:
        raise StorageError(busy)
