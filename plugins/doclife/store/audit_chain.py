"""Reads the chain over the audit trail, and keeps its signed heads.

Nothing here writes the chain: the database appends to it whenever entries are committed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement

BATCHES_AT_ONCE = 20
"""Held in memory: one has the commitments of up to 2,000 entries, at 40 bytes each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditBatch:
    """A link of a chain, with the commitments that it is the root of."""

    sequence: int
    entry_count: int
    root: bytes
    previous_hash: bytes
    hash: bytes
    sealed_at: str
    """In UTC, as it was hashed."""
    leaves: bytes
    """For each entry its number (8 bytes, big-endian) and its commitment (32 bytes)."""
    secret: bytes | None
    salts: bytes | None
    """32 bytes for each entry; instead of the secret once one of them was erased."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditPayload:
    """What an entry says, as the text that is hashed."""

    id: int
    payload: str
    erased_by: int | None
    """The entry that says who erased it; None when nobody did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditLink:
    """Where a chain ends."""

    sequence: int
    hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditHead:
    """A head that was signed."""

    sequence: int
    hash: bytes
    signed_at: datetime
    message: str
    """What was signed."""
    signature: bytes
    public_key: bytes
    key_fingerprint: str
    file_uri: str | None
    """Where it was written to; None when there was no archive store."""


def read_as_of_now(conn: Connection) -> None:
    """Let all of this transaction be read as of one moment; its first statement."""
    conn.execute(statement("audit_chain/read_as_of_now"))


def iterate_batches(conn: Connection, organization_id: int) -> Iterator[AuditBatch]:
    """Yield the links of a chain in their order, some held at a time.

    Read it to its end in the transaction in which it was begun.
    """
    with conn.cursor(name="audit_batches", row_factory=class_row(AuditBatch)) as cursor:
        cursor.itersize = BATCHES_AT_ONCE
        yield from cursor.execute(
            statement("audit_chain/list_batches"), {"organization_id": organization_id}
        )


def list_payloads(
    conn: Connection, organization_id: int, entry_ids: Sequence[int]
) -> dict[int, AuditPayload]:
    """Return what entries say, by their number; without those that are not there."""
    found = fetch_rows(
        conn,
        statement("audit_chain/list_payloads"),
        {"organization_id": organization_id, "entry_ids": list(entry_ids)},
        AuditPayload,
    )
    return {one.id: one for one in found}


def count_entries(conn: Connection, organization_id: int) -> int:
    """Return how many entries an organization has."""
    return int(
        fetch_value(
            conn, statement("audit_chain/count_entries"), {"organization_id": organization_id}
        )
    )


def list_strays(conn: Connection, organization_id: int) -> list[AuditPayload]:
    """Return entries that the chain does not know: somebody slipped them in."""
    return fetch_rows(
        conn,
        statement("audit_chain/list_strays"),
        {"organization_id": organization_id},
        AuditPayload,
    )


def last_link(conn: Connection, organization_id: int) -> AuditLink | None:
    """Return where a chain ends; None while it has no link."""
    found = fetch_rows(
        conn, statement("audit_chain/last_link"), {"organization_id": organization_id}, AuditLink
    )
    return found[0] if found else None


def is_signed(
    conn: Connection, *, organization_id: int, sequence: int, key_fingerprint: str
) -> bool:
    """Whether a key has signed a link already."""
    return bool(
        fetch_value(
            conn,
            statement("audit_chain/is_signed"),
            {
                "organization_id": organization_id,
                "sequence": sequence,
                "key_fingerprint": key_fingerprint,
            },
        )
    )


def insert_head(
    conn: Connection,
    *,
    organization_id: int,
    link: AuditLink,
    signed_at: datetime,
    today: date,
    message: str,
    signature: bytes,
    key_fingerprint: str,
    file_uri: str | None,
    actor: str,
) -> None:
    """Keep a signed head, and tell of it by an event."""
    conn.execute(
        statement("audit_chain/insert_head"),
        {
            "organization_id": organization_id,
            "sequence": link.sequence,
            "hash": link.hash,
            "signed_at": signed_at,
            "today": today,
            "message": message,
            "signature": signature,
            "key_fingerprint": key_fingerprint,
            "file_uri": file_uri,
            "actor": actor,
        },
    )


def list_heads(
    conn: Connection, organization_id: int, *, size: int | None = None
) -> list[AuditHead]:
    """Return the signed heads of a chain, the newest first; all of them unless told how many."""
    parameters = {"organization_id": organization_id, "size": size}
    return fetch_rows(conn, statement("audit_chain/list_heads"), parameters, AuditHead)


def hold_chains(conn: Connection) -> None:
    """Let nobody else append to a chain until the transaction ends; before it reads anything.

    For a transaction that reads as of an earlier moment and appends: the server refuses its commit
    when another has appended since it began. Everybody else who audits waits for it.
    """
    conn.execute(statement("audit_chain/hold"))
