"""Reads how much of the limits is used, and what exceeded them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What one rule, or something else, did or reserved in the last 24 hours."""

    organization: str
    rule_id: int | None
    """None: a selection, or the purge."""
    is_purge: bool
    done: int
    reserved: int
    frees_at: datetime | None


def list_usage(conn: Connection, *, now: datetime) -> list[Usage]:
    """Return what was destroyed in the last 24 hours or is reserved to be."""
    return fetch_rows(conn, statement("belts/list_usage"), {"now": now}, Usage)


def list_tripped(
    conn: Connection, *, organization: str | None, since: datetime, size: int
) -> list[dict[str, Any]]:
    """Return the plans that exceeded a limit, the newest first."""
    parameters = {"organization": organization, "since": since, "size": size}
    return fetch_dicts(conn, statement("belts/list_tripped"), parameters)
