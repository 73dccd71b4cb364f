"""What was destroyed, as written down outside of the database, and what of it is here again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class DueManifest:
    """A plan that has destroyed more than its last manifest says."""

    plan_id: int
    organization: str
    organization_id: int
    document_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestLine:
    """One destroyed document."""

    document_id: int
    key: str
    """Of its external id: salted, so that it says nothing to others."""
    sha256: str | None
    """Hexadecimal; None for a document without bytes."""
    size_bytes: int | None
    purged_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """A document that was destroyed and is in the catalogue again."""

    document_id: int
    status: str
    hold_count: int
    has_same_bytes: bool
    """The catalogue records those bytes of it that were destroyed."""


def list_due(conn: Connection) -> list[DueManifest]:
    """Return the plans whose manifest is to be written, the oldest first."""
    return fetch_rows(conn, statement("manifests/list_due"), {}, DueManifest)


def list_lines(conn: Connection, plan_id: int) -> list[ManifestLine]:
    """Return what a plan has destroyed, by number."""
    parameters = {"plan_id": plan_id}
    return fetch_rows(conn, statement("manifests/list_lines"), parameters, ManifestLine)


def record(
    conn: Connection,
    *,
    uri: str,
    organization_id: int,
    plan_id: int | None,
    document_count: int,
    sha256: bytes,
    now: datetime,
) -> None:
    """Note a manifest that lies in the store; once more does nothing."""
    conn.execute(
        statement("manifests/record"),
        {
            "uri": uri,
            "organization_id": organization_id,
            "plan_id": plan_id,
            "document_count": document_count,
            "sha256": sha256,
            "now": now,
        },
    )


def list_known(conn: Connection, uris: Sequence[str]) -> set[str]:
    """Return which manifests this database knows."""
    return {row[0] for row in conn.execute(statement("manifests/list_known"), {"uris": list(uris)})}


def find_returned(
    conn: Connection,
    *,
    organization_id: int,
    keys: Sequence[str],
    digests: Sequence[str | None],
) -> list[Returned]:
    """Return which of some destroyed documents are in the catalogue again."""
    return fetch_rows(
        conn,
        statement("manifests/find_returned"),
        {"organization_id": organization_id, "keys": list(keys), "digests": list(digests)},
        Returned,
    )
