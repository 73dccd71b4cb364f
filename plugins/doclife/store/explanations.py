"""Reads what an explanation needs; every decision in it was made by compiler and judging."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from doclife.domain.explanation import Claim, Deed, Warned
from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import composed, statement


def list_answers(conn: Connection, answers: Fragment) -> dict[int, list[dict[str, Any]]]:
    """Return every comparison of the compiled rules with its value and answer, by rule version.

    A version without a condition has none.
    """
    query = composed("explain/list_answers", answers=answers.text)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in fetch_dicts(conn, query, answers.parameters):
        found[row["rule_version_id"]].append(row)
    return found


def list_clocks(conn: Connection, clocks: Fragment) -> dict[int, dict[str, Any]]:
    """Return how the clock of each compiled rule runs, by rule version."""
    query = composed("explain/list_clocks", clocks=clocks.text)
    return {row["rule_version_id"]: row for row in fetch_dicts(conn, query, clocks.parameters)}


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
