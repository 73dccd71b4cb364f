"""Reads jobs for people."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import statement


def list_page(
    conn: Connection,
    *,
    organization: str | None,
    state: str | None,
    kind: str | None,
    endpoint: str | None,
    words: str | None,
    error: str | None,
    before: int | None,
    down_to: int | None,
    now: datetime,
    size: int,
) -> list[dict[str, Any]]:
    """Return unfinished and given-up jobs, the newest first."""
    parameters = {
        "organization": organization,
        "state": state,
        "kind": kind,
        "endpoint": endpoint,
        "words": words,
        "error": error,
        "before": before,
        "down_to": down_to,
        "now": now,
        "size": size,
    }
    return fetch_dicts(conn, statement("jobs/list"), parameters)


def find_place(conn: Connection, *, before: int | None, most: int) -> int | None:
    """Return the id that the next jobs come down to; None when there are fewer."""
    place: int | None = fetch_value(
        conn, statement("jobs/find_place"), {"before": before, "most": most}
    )
    return place


def list_pending(
    conn: Connection, *, organization: str | None, kind: str | None, size: int
) -> list[dict[str, Any]]:
    """Return the jobs that wait and that nobody has taken, in the order of their turn."""
    parameters = {"organization": organization, "kind": kind, "size": size}
    return fetch_dicts(conn, statement("jobs/list_pending"), parameters)


def describe(conn: Connection, *, job_id: int, now: datetime) -> dict[str, Any] | None:
    """Return one job with what it carries, or None."""
    rows = fetch_dicts(conn, statement("jobs/describe"), {"job_id": job_id, "now": now})
    rows = rows or fetch_dicts(conn, statement("jobs/describe_completed"), {"job_id": job_id})
    return rows[0] if rows else None


def list_attempts(conn: Connection, job_id: int, *, since: datetime) -> list[dict[str, Any]]:
    """Return every attempt to deliver a job.

    :param since: before its first: other days of the history are not read.
    """
    return fetch_dicts(conn, statement("jobs/list_attempts"), {"job_id": job_id, "since": since})


def count_by_state(
    conn: Connection,
    *,
    organization: str | None,
    now: datetime,
    completed_since: date,
    most: int | None,
) -> list[dict[str, Any]]:
    """Return how many jobs there are of each kind and state, and whether there are more."""
    parameters = {
        "organization": organization,
        "now": now,
        "completed_since": completed_since,
        "most": most,
    }
    return fetch_dicts(conn, statement("jobs/count_by_state"), parameters)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelHealth:
    """How the messages of one kind have fared of late."""

    kind: str
    """``email`` or ``slack``."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    """When one was not taken last, whether it was tried again or given up."""
    last_error: str | None
    stop_reason: str | None
    """Why nothing of this kind is tried at present; None while it is."""
    stopped_until: datetime | None


def list_channel_health(conn: Connection, *, organization_id: int) -> list[ChannelHealth]:
    """Return how mail and Slack messages of an organization have fared."""
    parameters = {"organization_id": organization_id}
    return fetch_rows(conn, statement("jobs/channel_health"), parameters, ChannelHealth)
