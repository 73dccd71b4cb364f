"""Reads and writes scheduled jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A job that is stored again and again."""

    schedule_id: int
    organization: str
    organization_id: int
    name: str
    cron: str
    time_zone: str
    kind: str
    payload: dict[str, Any]
    missed_runs: str
    """``skip``, ``latest`` or ``all``: what is done about times at which nobody was there."""
    is_active: bool
    last_run_at: datetime | None
    next_run_at: datetime | None
    last_state: str | None


def payload_fault(conn: Connection, *, kind: str, payload: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a job's payload, or None."""
    parameters = {"kind": kind, "payload": Jsonb(dict(payload))}
    fault: str | None = fetch_value(conn, statement("schedules/payload_fault"), parameters)
    return fault


def insert(
    conn: Connection,
    *,
    organization_id: int,
    name: str,
    cron: str,
    time_zone: str,
    kind: str,
    payload: Mapping[str, Any],
    missed_runs: str,
    next_run_at: datetime,
    created_by: str,
) -> bool:
    """Store a scheduled job; False when the name is taken."""
    parameters = {
        "organization_id": organization_id,
        "name": name,
        "cron": cron,
        "time_zone": time_zone,
        "kind": kind,
        "payload": Jsonb(dict(payload)),
        "missed_runs": missed_runs,
        "next_run_at": next_run_at,
        "created_by": created_by,
    }
    return fetch_value(conn, statement("schedules/insert"), parameters) is not None


def list_all(
    conn: Connection, *, organization: str | None, name: str | None = None
) -> list[Schedule]:
    """Return scheduled jobs, by name."""
    parameters = {"organization": organization, "name": name}
    return fetch_rows(conn, statement("schedules/list"), parameters, Schedule)


def lock_due(conn: Connection, *, now: datetime, size: int) -> list[Schedule]:
    """Return those whose time has come, for this transaction alone; none while all is halted."""
    parameters = {"now": now, "size": size}
    return fetch_rows(conn, statement("schedules/lock_due"), parameters, Schedule)


def record(
    conn: Connection,
    *,
    schedule_id: int,
    last_run_at: datetime | None = None,
    next_run_at: datetime | None = None,
    last_state: str | None = None,
    is_active: bool | None = None,
) -> None:
    """Change what is not None."""
    conn.execute(
        statement("schedules/record_run"),
        {
            "schedule_id": schedule_id,
            "last_run_at": last_run_at,
            "next_run_at": next_run_at,
            "last_state": last_state,
            "is_active": is_active,
        },
    )


def delete(conn: Connection, schedule_id: int) -> None:
    """Forget a scheduled job."""
    conn.execute(statement("schedules/delete"), {"schedule_id": schedule_id})
