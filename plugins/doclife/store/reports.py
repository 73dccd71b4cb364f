"""Counts for the one screen that says how things are."""

from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts
from doclife.store.sql import statement


def count_documents(conn: Connection, organization: str | None) -> list[dict[str, Any]]:
    """Return the number of documents per organization and status."""
    parameters = {"organization": organization}
    return fetch_dicts(conn, statement("reports/count_documents"), parameters)


def count_plans(conn: Connection, organization: str | None) -> list[dict[str, Any]]:
    """Return the number of plans per organization that are not closed."""
    parameters = {"organization": organization}
    return fetch_dicts(conn, statement("reports/count_plans"), parameters)


def list_watermarks(conn: Connection, organization: str | None) -> list[dict[str, Any]]:
    """Return how far each organization's documents were checked for expiry."""
    parameters = {"organization": organization}
    return fetch_dicts(conn, statement("reports/list_watermarks"), parameters)
