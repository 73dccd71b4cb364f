"""Finds the bags that the catalogue does not know: what was archived between backup and restore."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from doclife.domain.organization import Organization
from doclife.errors import ChangedBytes, StorageError
from doclife.storage import reading, uris
from doclife.storage.bag_rewriting import manifest_of
from doclife.storage.bag_text import MANIFEST_NAME
from doclife.storage.bags import payload_uri
from doclife.storage.stores import Store, Stores
from doclife.store import bags
from doclife.store.connection import Connection

_MANIFEST = re.compile(rf"(.+/bag-[0-9]+)/{re.escape(MANIFEST_NAME)}")

_UNFINISHED = (
    "it was half written at the backup, and may have been sealed since: look again once its plan "
    "went on, or weekly_cleanup has forgotten it"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StrayPayload:
    """Bytes in a bag that the catalogue does not know."""

    bag: str
    uri: str
    external_id: str | None
    """Of the document that they are; None when the catalogue knows none of these bytes."""
    modified_on: date | None
    """Of that document: not the day on which the bag was written."""
    is_only_copy: bool
    """It is a document here, its original and every other copy are gone, and these bytes are it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """What could not be looked into, and may hold what is nowhere else."""

    place: str
    """A store, a bag, or a file in one."""
    why: str


def list_stray_payloads(
    conn: Connection, organization: Organization, *, stores: Stores
) -> Iterator[StrayPayload | Unread]:
    """Yield what lies in an organization's unknown bags, store by store; nothing is changed.

    All of its folder in each store is listed, of unknown bags the manifest is read, and of what
    seems to be there alone every byte. What cannot be read keeps nobody from the rest.
    """
    for store in stores:
        try:
            store.require_ours()
            found = _list_bags(store, organization)
        except StorageError as error:
            yield Unread(place=store.record.root_uri, why=str(error))
            continue
        known = bags.list_known(conn, found)
        for bag in found:
            if bag in known:
                if known[bag]:
                    yield Unread(place=bag, why=_UNFINISHED)
                continue
            try:
                yield from _payloads(conn, organization, store, bag, stores=stores)
            except StorageError as error:
                yield Unread(place=bag, why=str(error))


def _list_bags(store: Store, organization: Organization) -> list[str]:
    folder = uris.joined(store.record.root_uri, organization.slug)
    try:
        listed = (_MANIFEST.fullmatch(one.uri) for one in store.filesystem.listed(folder))
        return [match[1] for match in listed if match is not None]
    except OSError as error:
        raise StorageError(f"{folder} cannot be read: {reading.explained(error)}") from error


def _payloads(
    conn: Connection, organization: Organization, store: Store, bag: str, *, stores: Stores
) -> Iterator[StrayPayload | Unread]:
    digests = manifest_of(store.filesystem, bag)
    packed = bags.list_packed(conn, organization_id=organization.id, digests=digests)
    for document_id, sha256 in digests.items():
        document = packed.get(document_id)
        uri = payload_uri(bag, document_id)
        is_lost = (
            document is not None
            and not document.is_archived
            and reading.stat(stores, uri=document.uri, version_id=document.version_id) is None
        )
        fault = _fault_of(store, uri, sha256) if is_lost else None
        if fault is not None:
            yield Unread(place=uri, why=fault)
        yield StrayPayload(
            bag=bag,
            uri=uri,
            external_id=None if document is None else document.external_id,
            modified_on=None if document is None else document.modified_on,
            is_only_copy=is_lost and fault is None,
        )


def _fault_of(store: Store, uri: str, sha256: bytes) -> str | None:
    """Return why a file is not what its manifest names: an import would take it as it is."""
    try:
        found = reading.hashed(store.filesystem, uri).sha256
    except ChangedBytes as error:
        return str(error)
    except OSError as error:
        return f"the original is gone, and this cannot be read: {reading.explained(error)}"
    if found != sha256:
        return "the original is gone, and this has another SHA-256 than its manifest says"
    return None
