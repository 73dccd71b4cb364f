"""Reads and writes the addresses that get no mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An address that gets no mail, and why."""

    address: str
    reason: str
    """``bounced``, ``complained``, ``unsubscribed`` (only from summaries) or ``manual``."""
    created_at: datetime


def list_page(
    conn: Connection,
    *,
    organization_id: int,
    words: str | None,
    after: str | None,
    size: int | None,
) -> list[Suppression]:
    """Return the suppressed addresses of an organization, by address.

    :param words: only those with this in them.
    :param after: the last address of the page before.
    :param size: None for all.
    """
    parameters = {
        "organization_id": organization_id,
        "words": words,
        "after": after,
        "size": size,
    }
    return fetch_rows(conn, statement("suppressions/list"), parameters, Suppression)


def find(conn: Connection, mails: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the reasons by (organization, address) of those mails that must not go.

    :param mails: short name of the organization and address in lower case.
    """
    parameters = {
        "organizations": [organization for organization, _ in mails],
        "addresses": [address for _, address in mails],
    }
    rows = conn.execute(statement("suppressions/find"), parameters)
    return {(organization, address): reason for organization, address, reason in rows}


def add(conn: Connection, *, organization: str, address: str, reason: str) -> bool:
    """Let an address get no more mail; False when it got none already."""
    parameters = {"organization": organization, "address": address, "reason": reason}
    return fetch_value(conn, statement("suppressions/add"), parameters) is not None


def remove(conn: Connection, *, organization_id: int, address: str) -> bool:
    """Let an address get mail again; False when it did."""
    parameters = {"organization_id": organization_id, "address": address}
    return fetch_value(conn, statement("suppressions/remove"), parameters) is not None
