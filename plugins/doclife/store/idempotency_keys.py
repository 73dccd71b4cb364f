"""Reads and writes what was answered to requests that carried a key."""

from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key of one person.

    :param requested_by: the actor, e.g. ``user:olga``.
    """

    requested_by: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What was asked under a key, and what was answered."""

    begun_at: datetime
    """When the key was first used."""
    request_digest: bytes | None
    """None when what was asked was refused: the key is free."""
    status: int | None
    """Of HTTP; None while it is being done, and when whoever did it died."""
    media_type: str | None
    body: bytes | None
    taken_until: datetime | None
    """Until when nobody else takes it up, though no session has its lock; None else."""


def try_lock(conn: Connection, key: Key) -> bool:
    """Take the turn of a key until the transaction ends; return whether nobody else has it."""
    return bool(fetch_value(conn, statement("idempotency_keys/try_lock"), _named(key)))


def try_lock_longer(conn: Connection, key: Key) -> bool:
    """Take the turn of a key until it is given back or the session ends; likewise."""
    return bool(fetch_value(conn, statement("idempotency_keys/try_lock_longer"), _named(key)))


def unlock(conn: Connection, key: Key) -> None:
    """Give the turn of a key back."""
    conn.execute(statement("idempotency_keys/unlock"), _named(key))


def find(conn: Connection, key: Key, *, since: datetime) -> Kept | None:
    """Return what is kept under a key, unless it is from before a moment."""
    parameters = {**_named(key), "since": since}
    found = fetch_rows(conn, statement("idempotency_keys/find"), parameters, Kept)
    return found[0] if found else None


def keep(conn: Connection, key: Key, *, organization_id: int, kept: Kept, since: datetime) -> None:
    """Keep what is asked under a key, in the place of what was kept before.

    :param since: keys from before it count no more; one that counts stays as old as it is.
    """
    conn.execute(
        statement("idempotency_keys/keep"),
        {
            **_named(key),
            "organization_id": organization_id,
            "request_digest": kept.request_digest,
            "now": kept.begun_at,
            "since": since,
            "status": kept.status,
            "media_type": kept.media_type,
            "body": kept.body,
        },
    )


def take_until(conn: Connection, key: Key, *, until: datetime) -> None:
    """Let nobody else take a key up before a moment, or before it is kept or freed."""
    conn.execute(statement("idempotency_keys/take_until"), {**_named(key), "until": until})


def free(conn: Connection, key: Key) -> None:
    """Let a key be used for any request."""
    conn.execute(statement("idempotency_keys/free"), _named(key))


def prune(conn: Connection, *, before: datetime, size: int) -> int:
    """Forget at most so many keys from before a moment; return how many went."""
    parameters = {"before": before, "size": size}
    return int(fetch_value(conn, statement("idempotency_keys/prune"), parameters))


def _named(key: Key) -> dict[str, str]:
    return {"requested_by": key.requested_by, "key": key.key}
