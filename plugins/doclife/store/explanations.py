"""Reads what an explanation needs; every decision in it was made by compiler and judging."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from doclife.domain.explanation import Claim, Deed, Warned
from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import composed, statement


def list_comparisons(conn: Connection, comparisons: Fragment) -> list[dict[str, Any]]:
    """Return every comparison of the compiled rules with its value and answer."""
    query = composed("explain/list_comparisons", comparisons=comparisons.text)
    return fetch_dicts(conn, query, comparisons.parameters)


def list_dates(conn: Connection, dates: Fragment) -> dict[int, dict[str, Any]]:
    """Return how the clock of each compiled rule runs, by rule version."""
    rows = fetch_dicts(conn, composed("explain/list_dates", dates=dates.text), dates.parameters)
    return {row["rule_version_id"]: row for row in rows}


def list_verdicts(conn: Connection) -> list[dict[str, Any]]:
    """Return what judging said in this transaction."""
    return fetch_dicts(conn, statement("explain/list_verdicts"), {})


def list_claims(conn: Connection, document_id: int) -> list[Claim]:
    """Return the open plans that have something to do with a document."""
    return fetch_rows(conn, statement("explain/list_claims"), {"document_id": document_id}, Claim)


def list_deeds(conn: Connection, document_id: int) -> list[Deed]:
    """Return what plans have done to a document, the newest first."""
    return fetch_rows(conn, statement("explain/list_deeds"), {"document_id": document_id}, Deed)


def list_warnings(conn: Connection, document_id: int) -> list[Warned]:
    """Return the warnings that were stored about a document, the newest first."""
    return fetch_rows(
        conn, statement("explain/list_warnings"), {"document_id": document_id}, Warned
    )


def find_cooling_off(
    conn: Connection,
    *,
    document_id: int,
    fields: Sequence[str],
    events: Sequence[str],
    cooling_off_days: int,
) -> datetime | None:
    """Return until when a document cools off from changes to what rules read."""
    parameters = {
        "document_id": document_id,
        "fields": list(fields),
        "events": list(events),
        "cooling_off_days": cooling_off_days,
    }
    until: datetime | None = fetch_value(conn, statement("explain/find_cooling_off"), parameters)
    return until
