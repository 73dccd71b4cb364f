"""Counts for the one screen that says how things are."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Today:
    """The numbers of an organization's overview; those that could be large end at ``most``."""

    enforcing: int
    simulating: int
    switched_off: int
    slack_active: int
    slack_paused: int
    jobs_pending: int
    jobs_failed: int
    plans_waiting: int
    documents_expiring: int
    """Within 30 days, today included."""


def count_today(
    conn: Connection, *, organization_id: int, today: date, failed_since: datetime, most: int
) -> Today:
    """Return the numbers of the overview.

    :param today: in the organization's zone.
    :param failed_since: jobs given up before are not counted.
    :param most: counting documents, jobs and plans ends there, whatever the catalogue holds.
    """
    parameters = {
        "organization_id": organization_id,
        "today": today,
        "failed_since": failed_since,
        "most": most,
    }
    return fetch_rows(conn, statement("reports/count_today"), parameters, Today)[0]
