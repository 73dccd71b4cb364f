"""The bytes of one document, wherever they are now, for a person to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from doclife.domain.organization import Organization
from doclife.errors import RefusedError
from doclife.storage.filesystem import Chunk
from doclife.storage.payloads import are_within_reach, read_payload
from doclife.storage.stores import Stores
from doclife.store import catalogue
from doclife.store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class Download:
    """A document on its way to a person."""

    external_id: str
    media_type: str | None
    size_bytes: int
    chunks: Iterator[Chunk]
    """Each valid until the next; ends with an error when the bytes are not the recorded ones."""


def download(
    conn: Connection,
    *,
    tenant: Organization,
    document_id: int,
    actor: str,
    now: datetime,
    stores: Stores,
) -> Download:
    """Open the bytes of a document, original or archived copy, and record who took them.

    Bytes in a cold tier are asked for and refused until they have come.

    :raises RefusedError: there are no bytes, or they cannot be read yet.
    :raises StorageError: the store does not answer, or does not have them.
    """
    found = catalogue.find_bytes(conn, tenant.id, document_id)
    if found is None:
        raise RefusedError(
            "There are no bytes to look at: the document is destroyed or being destroyed, or its "
            "application never said where they are."
        )
    if not are_within_reach(stores, uri=found.uri, version_id=found.version_id):
        raise RefusedError(
            "The bytes lie in a cold store and were asked for. Try again in some hours."
        )
    catalogue.record_download(
        conn, organization_id=tenant.id, document_id=document_id, at=now, actor=actor
    )
    return Download(
        external_id=found.external_id,
        media_type=found.media_type,
        size_bytes=found.size_bytes,
        chunks=read_payload(
            stores,
            uri=found.uri,
            size_bytes=found.size_bytes,
            sha256=found.sha256,
            version_id=found.version_id,
        ),
    )
