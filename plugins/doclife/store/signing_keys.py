"""Reads and writes the public keys of everything that was ever signed here."""

from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKey:
    """One public key."""

    fingerprint: str
    """SHA-256 of the key, in hexadecimal."""
    public_key: bytes
    """32 bytes, Ed25519."""
    first_used_at: datetime


def keep(conn: Connection, *, fingerprint: str, public_key: bytes, first_used_at: datetime) -> None:
    """Keep a public key; one that is known already stays as it is."""
    conn.execute(
        statement("signing_keys/keep"),
        {
            "fingerprint": fingerprint,
            "public_key": public_key,
            "first_used_at": first_used_at,
        },
    )


def list_all(conn: Connection) -> list[PublicKey]:
    """Return every key that signed anything here, the first used first."""
    return fetch_rows(conn, statement("signing_keys/list"), {}, PublicKey)
