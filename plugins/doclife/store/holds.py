"""Puts documents under matters and releases them; the database writes down each hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An open matter with a condition."""

    id: int
    name: str
    condition: Any
    """Plain data, as a rule file writes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """How many documents a statement put under matters."""

    held: int = 0
    too_late: int = 0
    """Those whose destruction had begun before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TooLate:
    """A document whose destruction had begun before the hold came."""

    document_id: int
    external_id: str
    too_late_since: datetime
    """When destruction began."""


def lock_standing(conn: Connection, organization_id: int) -> list[Standing]:
    """Return the open matters with a condition and keep them so until the transaction ends."""
    parameters = {"organization_id": organization_id}
    return fetch_rows(conn, statement("holds/lock_standing"), parameters, Standing)


def begin_finding(conn: Connection) -> None:
    """Make the working table of this transaction, empty; it empties itself at its end."""
    conn.execute(statement("holds/create_caught"))
    conn.execute(statement("holds/empty_caught"))


def find_named(
    conn: Connection, *, matter_id: int, organization_id: int, document_ids: Sequence[int]
) -> int:
    """Note documents that somebody named; return how many there are."""
    parameters = {
        "matter_id": matter_id,
        "organization_id": organization_id,
        "document_ids": list(document_ids),
    }
    return conn.execute(statement("holds/find_named"), parameters).rowcount


def find_in_plan(conn: Connection, catches: Fragment) -> int:
    """Note what is caught of the documents that were collected to be destroyed; return how many."""
    query = composed("holds/find_in_plan", catches=catches.text)
    return conn.execute(query, catches.parameters).rowcount


def find_in_batch(conn: Connection, catches: Fragment, *, document_ids: Sequence[int]) -> int:
    """Note what is caught of these documents; return how many."""
    query = composed("holds/find_in_batch", catches=catches.text)
    parameters = {**catches.parameters, "document_ids": list(document_ids)}
    return conn.execute(query, parameters).rowcount


def find_imported(conn: Connection, catches: Fragment, *, organization_id: int) -> int:
    """Note what is caught of the import's batch in this transaction; return how many."""
    query = composed("holds/find_imported", catches=catches.text)
    parameters = {**catches.parameters, "organization_id": organization_id}
    return conn.execute(query, parameters).rowcount


def next_window(conn: Connection, *, organization_id: int, after_id: int, size: int) -> int | None:
    """Return where the next part of the catalogue ends; None after the last."""
    parameters = {"organization_id": organization_id, "after_id": after_id, "size": size}
    through: int | None = fetch_value(conn, statement("holds/next_window"), parameters)
    return through


def find_in_window(
    conn: Connection,
    catches: Fragment,
    *,
    organization_id: int,
    after_id: int,
    through_id: int,
    holds_released: bool,
) -> int:
    """Note what is caught in a part of the catalogue; return how many.

    :param holds_released: also what was released from that matter before.
    """
    query = composed("holds/find_in_window", catches=catches.text)
    parameters = {
        **catches.parameters,
        "organization_id": organization_id,
        "after_id": after_id,
        "through_id": through_id,
        "holds_released": holds_released,
    }
    return conn.execute(query, parameters).rowcount


def hold(conn: Connection, *, actor: str, now: datetime, holds_released: bool) -> Placed:
    """Put the noted documents under their matters; those already under them are not counted."""
    parameters = {"actor": actor, "now": now, "holds_released": holds_released}
    return fetch_rows(conn, statement("holds/hold"), parameters, Placed)[0]


def list_too_late(
    conn: Connection, *, matter_id: int, document_ids: Sequence[int] | None, size: int
) -> list[TooLate]:
    """Return the documents that a matter came too late for, of some or of all."""
    parameters = {
        "matter_id": matter_id,
        "document_ids": None if document_ids is None else list(document_ids),
        "size": size,
    }
    return fetch_rows(conn, statement("holds/list_too_late"), parameters, TooLate)


def release(
    conn: Connection,
    *,
    matter_id: int,
    document_ids: Sequence[int] | None,
    actor: str,
    reason: str | None,
    now: datetime,
) -> list[int]:
    """Release documents, or all of them, from a matter; return those that were under it."""
    parameters = {
        "matter_id": matter_id,
        "document_ids": None if document_ids is None else list(document_ids),
        "actor": actor,
        "reason": reason,
        "now": now,
    }
    return [row[0] for row in conn.execute(statement("holds/release"), parameters)]


def count_held(conn: Connection, document_ids: Sequence[int]) -> int:
    """Return how many of these documents some matter holds."""
    parameters = {"document_ids": list(document_ids)}
    return int(fetch_value(conn, statement("holds/count_held"), parameters))
