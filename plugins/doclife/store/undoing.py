"""Takes documents back: out of the trash, or out of the archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.store.connection import Connection
from doclife.store.holds import TooLate
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class DoneItem:
    """One item of a plan that was done and may be taken back."""

    document_id: int
    action: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedDocument:
    """An archived document with its copy, and where its original is or was."""

    document_id: int
    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None
    bag_id: int
    has_original: bool
    original_uri: str | None
    original_etag: str | None
    original_version_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreRequest:
    """Documents that wait for bytes from a cold store, asked for together."""

    organization: str
    plan_id: int | None
    requested_by: str
    reason: str
    document_ids: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class TakingBack:
    """What every statement that takes something back records: who, when and why."""

    organization_id: int
    plan_id: int | None
    """Only what this plan did; None for documents that a person names."""
    reprieve_until: date | None
    """None: rules may take the documents again at once."""
    today: date
    now: datetime
    actor: str
    reason: str

    def parameters(self, document_ids: Sequence[int]) -> dict[str, object]:
        """Return the statement's parameters for some documents."""
        return {
            "organization_id": self.organization_id,
            "plan_id": self.plan_id,
            "reprieve_until": self.reprieve_until,
            "today": self.today,
            "now": self.now,
            "actor": self.actor,
            "reason": self.reason,
            "document_ids": list(document_ids),
        }


def list_done(conn: Connection, plan_id: int, *, after: int, size: int) -> list[DoneItem]:
    """Return a page of what a plan has archived and trashed, by document."""
    parameters = {"plan_id": plan_id, "after": after, "size": size}
    return fetch_rows(conn, statement("undo/list_done"), parameters, DoneItem)


def restore_trashed(
    conn: Connection, taking_back: TakingBack, document_ids: Sequence[int]
) -> list[int]:
    """Take documents out of the trash; return those that were in it."""
    parameters = taking_back.parameters(document_ids)
    return [row[0] for row in conn.execute(statement("undo/restore_trashed"), parameters)]


def list_archived(
    conn: Connection, taking_back: TakingBack, document_ids: Sequence[int]
) -> list[ArchivedDocument]:
    """Return and lock those of the documents that are archived."""
    parameters = taking_back.parameters(document_ids)
    return fetch_rows(conn, statement("undo/list_archived"), parameters, ArchivedDocument)


def reactivate_archived(
    conn: Connection, taking_back: TakingBack, document_ids: Sequence[int]
) -> list[int]:
    """Let archived documents stand on their originals again; return those that do."""
    parameters = taking_back.parameters(document_ids)
    return [row[0] for row in conn.execute(statement("undo/reactivate_archived"), parameters)]


def reattach_original(
    conn: Connection,
    *,
    document_id: int,
    uri: str,
    size_bytes: int,
    sha256: bytes,
    etag: str | None,
    version_id: str | None,
    store_id: int,
    now: datetime,
) -> bool:
    """Register bytes that were put back in their place, and let the document stand on them.

    False when a purge is destroying the bytes at that place.
    """
    reattached = fetch_value(
        conn,
        statement("undo/reattach_original"),
        {
            "document_id": document_id,
            "uri": uri,
            "size_bytes": size_bytes,
            "sha256": sha256,
            "etag": etag,
            "version_id": version_id,
            "store_id": store_id,
            "now": now,
        },
    )
    return reattached is not None


def is_being_removed(conn: Connection, uri: str) -> bool:
    """Whether a purge is destroying the bytes at a place; none can begin to until the end."""
    return bool(fetch_value(conn, statement("undo/lock_original"), {"uri": uri}))


def is_taken(conn: Connection, *, document_id: int, uri: str, sha256: bytes) -> bool:
    """Whether another document is registered at a place, with other bytes."""
    parameters = {"document_id": document_id, "uri": uri, "sha256": sha256}
    return bool(fetch_value(conn, statement("undo/is_taken"), parameters))


def list_too_late(
    conn: Connection, organization_id: int, document_ids: Sequence[int]
) -> list[TooLate]:
    """Return those of the documents whose destruction has begun."""
    parameters = {"organization_id": organization_id, "document_ids": list(document_ids)}
    return fetch_rows(conn, statement("undo/list_too_late"), parameters, TooLate)


def request(conn: Connection, taking_back: TakingBack, document_ids: Sequence[int]) -> None:
    """Note that bytes of archived documents were asked for."""
    conn.execute(statement("undo/request"), taking_back.parameters(document_ids))


def close_requests(conn: Connection) -> None:
    """Forget requests for documents that are not archived any more."""
    conn.execute(statement("undo/close_requests"))


def list_requests(conn: Connection, *, size: int) -> list[RestoreRequest]:
    """Return what waits, at most so many documents per group."""
    return fetch_rows(conn, statement("undo/list_requests"), {"size": size}, RestoreRequest)


def mark_items(
    conn: Connection, plan_id: int, *, document_ids: Sequence[int], now: datetime
) -> None:
    """Write down that items of a plan were taken back."""
    parameters = {"plan_id": plan_id, "document_ids": list(document_ids), "now": now}
    conn.execute(statement("undo/mark_items"), parameters)


def close_plan(conn: Connection, plan_id: int, *, actor: str, now: datetime) -> bool:
    """Call a plan undone; False when it was in no state for that."""
    parameters = {"plan_id": plan_id, "actor": actor, "now": now}
    return fetch_value(conn, statement("undo/close_plan"), parameters) is not None
