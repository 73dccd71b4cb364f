"""Reads documents for people: lists, everything about one, and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentLine:
    """One document in a list."""

    document_id: int
    external_id: str
    title: str | None
    document_type: str | None
    owner: str | None
    tags: Sequence[str] | None
    """None: unknown."""
    status: str
    hold_count: int
    size_bytes: int | None
    expires_on: date | None
    expired_at: datetime | None
    purge_after: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedBytes:
    """Where the bytes of a document are, and which they must be."""

    uri: str
    version_id: str | None
    size_bytes: int
    sha256: bytes
    media_type: str | None
    external_id: str


def find_bytes(conn: Connection, organization_id: int, document_id: int) -> RecordedBytes | None:
    """Return where a document's bytes are now; None when there are none."""
    parameters = {"organization_id": organization_id, "document_id": document_id}
    rows = fetch_rows(conn, statement("documents/find_bytes"), parameters, RecordedBytes)
    return rows[0] if rows else None


def record_download(
    conn: Connection, *, organization_id: int, document_id: int, at: datetime, actor: str
) -> None:
    """Record that somebody took a document's bytes away to look at."""
    conn.execute(
        statement("documents/record_download"),
        {
            "organization_id": organization_id,
            "document_id": document_id,
            "at": at,
            "actor": actor,
        },
    )


def list_page(conn: Connection, parameters: Mapping[str, object]) -> list[DocumentLine]:
    """Return a page of documents; the parameters are those of documents/list.sql."""
    return fetch_rows(conn, statement("documents/list"), parameters, DocumentLine)


def find_place(
    conn: Connection, organization_id: int, *, after: str | None, most: int
) -> str | None:
    """Return the external id of the last of the next documents; None when there are fewer."""
    parameters = {"organization_id": organization_id, "after": after, "most": most}
    place: str | None = fetch_value(conn, statement("documents/find_place"), parameters)
    return place


def describe(conn: Connection, organization_id: int, external_id: str) -> dict[str, Any] | None:
    """Return everything the catalogue knows about one document, or None."""
    parameters = {"organization_id": organization_id, "external_id": external_id}
    rows = fetch_dicts(conn, statement("documents/describe"), parameters)
    return rows[0] if rows else None


def find_external_id(conn: Connection, organization_id: int, document_id: int) -> str | None:
    """Return what its application calls a document; None when the organization has none such."""
    parameters = {"organization_id": organization_id, "document_id": document_id}
    external_id: str | None = fetch_value(conn, statement("documents/find_external_id"), parameters)
    return external_id


def find_ids(conn: Connection, organization_id: int, external_ids: Sequence[str]) -> dict[str, int]:
    """Return the document id for each external id that names a document."""
    parameters = {"organization_id": organization_id, "external_ids": list(external_ids)}
    return dict(conn.execute(statement("documents/find_ids"), parameters).fetchall())


def list_holds(conn: Connection, document_id: int) -> list[dict[str, Any]]:
    """Return the legal holds a document is or was under."""
    return fetch_dicts(conn, statement("documents/list_holds"), {"document_id": document_id})


def list_history(conn: Connection, document_id: int, *, size: int) -> list[dict[str, Any]]:
    """Return the newest audit entries about a document."""
    parameters = {"document_id": document_id, "size": size}
    return fetch_dicts(conn, statement("documents/list_history"), parameters)


def list_events(conn: Connection, document_id: int, *, size: int) -> list[dict[str, Any]]:
    """Return the newest events about a document."""
    parameters = {"document_id": document_id, "size": size}
    return fetch_dicts(conn, statement("documents/list_events"), parameters)


def list_decisions(conn: Connection, document_id: int, *, size: int) -> list[dict[str, Any]]:
    """Return what the newest plans decided about a document."""
    parameters = {"document_id": document_id, "size": size}
    return fetch_dicts(conn, statement("documents/list_decisions"), parameters)
