"""Reads and writes webhook endpoints and the events that each wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement

MOST_JOBS = 10_001
"""So many waiting jobs are looked at, to say how many wait for each endpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointRecord:
    """An endpoint as people see it; its secrets are elsewhere."""

    endpoint_id: int
    name: str
    url: str
    connection_id: str | None
    """The Airflow Connection with its secret; None: ``doclife_endpoint_<id>``."""
    state: str
    """``enabled``, ``paused`` or ``disabled``."""
    disabled_reason: str | None
    headers: Mapping[str, str]
    timeout_seconds: int
    max_concurrency: int
    max_per_second: float | None
    failing_since: datetime | None
    rests_until: datetime | None
    """Its jobs wait until then, untried; None while it is not left alone."""
    rest_reason: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    event_types: list[str] | None
    """Which events it gets by itself; None when only rules and jobs call it."""
    document_types: list[str] | None
    waiting_jobs: int
    """Among the oldest ``MOST_JOBS`` of all that wait."""
    may_be_more: bool
    """More jobs wait than that."""


def list_page(
    conn: Connection,
    *,
    organization_id: int,
    name: str | None = None,
    endpoint_id: int | None = None,
    after: str | None = None,
    size: int | None = None,
) -> list[EndpointRecord]:
    """Return the endpoints of an organization, by name.

    :param name, endpoint_id: only this one.
    :param after: the last name of the page before.
    :param size: None for all.
    """
    parameters = {
        "organization_id": organization_id,
        "name": name,
        "endpoint_id": endpoint_id,
        "after": after,
        "most": MOST_JOBS,
        "size": size,
    }
    return fetch_rows(conn, statement("endpoints/list"), parameters, EndpointRecord)


def insert(
    conn: Connection,
    *,
    organization_id: int,
    name: str,
    url: str,
    headers: Mapping[str, str],
    timeout_seconds: int,
    max_concurrency: int,
    max_per_second: float | None,
    created_by: str,
    connection_id: str | None = None,
) -> int | None:
    """Add an endpoint and return its id; None when the name is taken.

    :param connection_id: the Airflow Connection with its secret; None: ``doclife_endpoint_<id>``.
    """
    parameters = {
        "organization_id": organization_id,
        "name": name,
        "url": url,
        "connection_id": connection_id,
        "headers": Jsonb(dict(headers)),
        "timeout_seconds": timeout_seconds,
        "max_concurrency": max_concurrency,
        "max_per_second": max_per_second,
        "created_by": created_by,
    }
    found: int | None = fetch_value(conn, statement("endpoints/insert"), parameters)
    return found


def update(
    conn: Connection,
    *,
    endpoint_id: int,
    url: str | None,
    headers: Mapping[str, str] | None,
    timeout_seconds: int | None,
    max_concurrency: int | None,
    max_per_second: float | None,
) -> None:
    """Change what is not None."""
    conn.execute(
        statement("endpoints/update"),
        {
            "endpoint_id": endpoint_id,
            "url": url,
            "headers": None if headers is None else Jsonb(dict(headers)),
            "timeout_seconds": timeout_seconds,
            "max_concurrency": max_concurrency,
            "max_per_second": max_per_second,
        },
    )


def set_state(conn: Connection, *, endpoint_id: int, state: str, reason: str | None) -> None:
    """Pause, disable or enable an endpoint."""
    parameters = {"endpoint_id": endpoint_id, "state": state, "reason": reason}
    conn.execute(statement("endpoints/set_state"), parameters)


def replace_subscription(
    conn: Connection,
    *,
    endpoint_id: int,
    event_types: Sequence[str],
    document_types: Sequence[str] | None,
) -> None:
    """Let an endpoint have these events and no others; with none it gets none by itself."""
    conn.execute(statement("endpoints/unsubscribe"), {"endpoint_id": endpoint_id})
    if event_types:
        conn.execute(
            statement("endpoints/subscribe"),
            {
                "endpoint_id": endpoint_id,
                "event_types": list(event_types),
                "document_types": None if document_types is None else list(document_types),
            },
        )


def remove(conn: Connection, *, endpoint_id: int) -> bool:
    """Remove an endpoint that wants no events; False when calls wait for it."""
    query = statement("endpoints/remove")
    return fetch_value(conn, query, {"endpoint_id": endpoint_id}) is not None
