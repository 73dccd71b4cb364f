"""What a backup is made of, as the database says it, and what a restored one holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class BytesRow:
    """Bytes as recorded."""

    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NotPurged:
    """A document that was destroyed elsewhere and is here."""

    document_id: int
    status: str
    hold_count: int
    reason: str | None
    """Why the last plan did not destroy it; None when none wanted to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoredQueue:
    """What goes out when a restored database is taken into service."""

    jobs: int
    leased: int
    """Of them, those that were being sent when the backup was made."""
    schedules: int


def only_read(conn: Connection) -> None:
    """Let nothing be written in this session from now on."""
    conn.execute(statement("session/read_only"))


def export_snapshot(conn: Connection) -> str:
    """Return the name under which others see what this transaction sees, until it ends.

    It may be idle for as long as whoever imports it needs.
    """
    conn.execute(statement("session/stay_in_transaction"))
    return str(fetch_value(conn, statement("backups/export_snapshot"), {}))


def count_rows(conn: Connection) -> dict[str, int]:
    """Return how many rows each table of the catalogue has; partitions count with their whole."""
    names = [name for (name,) in conn.execute(statement("backups/list_tables")).fetchall()]
    counted = {}
    for name in names:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
        counted[name] = int(fetch_value(conn, query, {}))
    return counted


def list_roles(conn: Connection) -> list[str]:
    """Return the roles that a dump of this database names."""
    return [name for (name,) in conn.execute(statement("backups/list_roles"))]


def list_purged_since(conn: Connection, since: datetime) -> list[int]:
    """Return the documents that were destroyed since a moment."""
    rows = conn.execute(statement("backups/list_purged_since"), {"since": since})
    return [document_id for (document_id,) in rows]


def list_not_purged(conn: Connection, document_ids: Sequence[int]) -> list[NotPurged]:
    """Return which of some documents are here and not destroyed."""
    parameters: Mapping[str, object] = {"document_ids": list(document_ids)}
    return fetch_rows(conn, statement("backups/list_not_purged"), parameters, NotPurged)


def sample_bytes(conn: Connection, *, seed: str, size: int) -> list[BytesRow]:
    """Return some of the bytes that documents stand on; the same seed chooses the same."""
    return fetch_rows(
        conn, statement("backups/sample_bytes"), {"seed": seed, "size": size}, BytesRow
    )


def describe_queue(conn: Connection) -> RestoredQueue:
    """Return what would go out."""
    return fetch_rows(conn, statement("backups/describe_queue"), {}, RestoredQueue)[0]


def take_approvals(conn: Connection) -> None:
    """Let a drill approve in its scratch database; in any other nothing changes."""
    conn.execute(statement("backups/take_approvals"))
