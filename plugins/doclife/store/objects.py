"""Reads and writes stored objects: whose bytes lie where, and which of them are going."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentBytes:
    """One stored object that a document stands on."""

    document_id: int
    object_id: int
    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None
    bag_id: int | None
    is_condemned: bool
    """A purge has begun to destroy it."""
    is_needed_by_others: bool
    """A document that is not being purged refers to it too: the bytes stay."""


def list_of_documents(
    conn: Connection, document_ids: Sequence[int], *, with_copies: bool = True
) -> list[DocumentBytes]:
    """Return the bytes of documents that are not removed yet; archived copies on demand."""
    parameters = {"document_ids": list(document_ids), "with_copies": with_copies}
    return fetch_rows(conn, statement("objects/list_of_documents"), parameters, DocumentBytes)


def lock_of_documents(conn: Connection, document_ids: Sequence[int]) -> None:
    """Keep others from referring to the documents' bytes until the transaction ends."""
    conn.execute(statement("objects/lock_of_documents"), {"document_ids": list(document_ids)})


def begin_removing(conn: Connection, object_ids: Sequence[int], *, now: datetime) -> None:
    """Write down that destruction of these bytes begins."""
    conn.execute(statement("objects/begin_removing"), {"object_ids": list(object_ids), "now": now})


def stop_removing(conn: Connection, object_ids: Sequence[int]) -> None:
    """Let those of the bytes live on that were not removed after all; removed ones stay so."""
    conn.execute(statement("objects/stop_removing"), {"object_ids": list(object_ids)})


def mark_removed(conn: Connection, object_ids: Sequence[int], *, now: datetime) -> None:
    """Write down that these bytes are verified gone."""
    conn.execute(statement("objects/mark_removed"), {"object_ids": list(object_ids), "now": now})
