"""Reads and writes scheduled jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTimes:
    """When a rule runs by a cron of its own."""

    rule_id: int
    name: str
    cron: str
    time_zone: str
    next_run_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DueRule:
    """The schedule of a rule whose time has come."""

    schedule_id: int
    organization_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A job that is stored, or a rule that is planned, again and again."""

    schedule_id: int
    organization: str
    organization_id: int
    rule_id: int | None
    """The rule that is planned at its times; None for one that stores jobs."""
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


def update(
    conn: Connection,
    *,
    schedule_id: int,
    cron: str,
    time_zone: str,
    kind: str,
    payload: Mapping[str, Any],
    missed_runs: str,
    next_run_at: datetime,
) -> None:
    """Change a scheduled job."""
    conn.execute(
        statement("schedules/update"),
        {
            "schedule_id": schedule_id,
            "cron": cron,
            "time_zone": time_zone,
            "kind": kind,
            "payload": Jsonb(dict(payload)),
            "missed_runs": missed_runs,
            "next_run_at": next_run_at,
        },
    )


def list_all(
    conn: Connection,
    *,
    organization: str | None,
    name: str | None = None,
    schedule_id: int | None = None,
) -> list[Schedule]:
    """Return scheduled jobs, by name."""
    parameters = {"organization": organization, "name": name, "schedule_id": schedule_id}
    return _list(conn, {**parameters, "after": None, "size": None})


def list_page(
    conn: Connection, *, organization: str, after: str | None, size: int
) -> list[Schedule]:
    """Return a page of an organization's scheduled jobs, by name."""
    parameters = {"organization": organization, "name": None, "schedule_id": None}
    return _list(conn, {**parameters, "after": after, "size": size})


def _list(conn: Connection, parameters: Mapping[str, object]) -> list[Schedule]:
    return fetch_rows(conn, statement("schedules/list"), parameters, Schedule)


def lock_due(conn: Connection, *, now: datetime, size: int) -> list[Schedule]:
    """Return those whose time has come, for this transaction alone; none while all is halted."""
    parameters = {"now": now, "size": size}
    return fetch_rows(conn, statement("schedules/lock_due"), parameters, Schedule)


def keep_rules(
    conn: Connection, *, organization_id: int, rules: Sequence[RuleTimes], created_by: str
) -> None:
    """Let an organization have a schedule for each of these rules and for no other rule."""
    conn.execute(
        statement("schedules/keep_rules"),
        {
            "organization_id": organization_id,
            "rule_ids": [rule.rule_id for rule in rules],
            "names": [rule.name for rule in rules],
            "crons": [rule.cron for rule in rules],
            "time_zones": [rule.time_zone for rule in rules],
            "next_run_ats": [rule.next_run_at for rule in rules],
            "created_by": created_by,
        },
    )


def list_due_rules(conn: Connection, *, now: datetime) -> list[DueRule]:
    """Return the schedules of rules whose time has come; none while all is halted."""
    return fetch_rows(conn, statement("schedules/list_due_rules"), {"now": now}, DueRule)


def try_take(conn: Connection, schedule_id: int) -> bool:
    """Let nobody else run a schedule until the transaction ends; False when somebody is at it."""
    parameters = {"schedule_id": schedule_id}
    return bool(fetch_value(conn, statement("schedules/try_take"), parameters))


def find_due_rule(conn: Connection, *, schedule_id: int, now: datetime) -> Schedule | None:
    """Return the schedule of a rule, if its time has come and nobody has run it meanwhile."""
    for found in list_all(conn, organization=None, schedule_id=schedule_id):
        is_due = found.next_run_at is None or found.next_run_at <= now
        if found.is_active and found.rule_id is not None and is_due:
            return found
    return None


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
