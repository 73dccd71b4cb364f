"""Rebuilds and reads the read model of what will fall due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.plans import begin_collecting
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastCount:
    """What one rule will do in one month, or outside of the months shown."""

    rule: str | None
    """None: what is in the trash already."""
    version: int | None
    mode: str | None
    action: str
    bucket: str
    """``month``; or ``overdue``, ``later``, ``never``, ``held``."""
    month: date | None
    """The first day of the month."""
    documents: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastRecord:
    """When a rule was forecast."""

    rule: str
    version: int
    mode: str
    unknown_count: int | None
    """Documents that it could not judge; None when it was never forecast."""
    rebuilt_at: datetime | None


def clear(conn: Connection, organization_id: int) -> None:
    """Forget what was forecast for an organization."""
    for forget in (
        statement("forecast/clear"),
        statement("forecast/clear_records"),
        statement("forecast/clear_purges"),
        statement("forecast/clear_counts"),
    ):
        conn.execute(forget, {"organization_id": organization_id})


def insert(
    conn: Connection,
    *,
    organization_id: int,
    rule_version_id: int,
    hits: Fragment,
    now: datetime,
) -> int:
    """Write down when a rule's actions fall due; return how many rows that were."""
    cursor = conn.execute(
        composed("forecast/insert", hits=hits.text),
        {
            **hits.parameters,
            "organization_id": organization_id,
            "rule_version_id": rule_version_id,
            "now": now,
        },
    )
    return cursor.rowcount


def count_due(conn: Connection, hits: Fragment) -> int:
    """Return how many documents a rule would archive or delete on the day it is compiled for."""
    query = composed("forecast/count_due", hits=hits.text)
    return int(fetch_value(conn, query, hits.parameters))


def record(
    conn: Connection,
    *,
    organization_id: int,
    rule_version_id: int,
    unknown_count: int,
    following: tuple[date, int] | None,
    now: datetime,
) -> None:
    """Note that a rule was forecast.

    :param following: the next day and what the rule selects then, for a rule that selects by the
        day it is asked.
    """
    next_day, next_count = following or (None, None)
    conn.execute(
        statement("forecast/record"),
        {
            "organization_id": organization_id,
            "rule_version_id": rule_version_id,
            "unknown_count": unknown_count,
            "next_day": next_day,
            "next_count": next_count,
            "now": now,
        },
    )


def resolve(conn: Connection, *, organization_id: int, protections: Fragment) -> None:
    """Let what other rules retain go later, and count nothing twice."""
    begin_collecting(conn)
    conn.execute(
        composed("forecast/collect_protections", protections=protections.text),
        {**protections.parameters, "organization_id": organization_id},
    )
    conn.execute(statement("forecast/analyze_protections"))
    conn.execute(statement("forecast/postpone"), {"organization_id": organization_id})
    conn.execute(statement("forecast/outrank"), {"organization_id": organization_id})


def add_up(conn: Connection, *, organization_id: int) -> None:
    """Write down what is in the trash, and what all of the forecast comes to by day."""
    conn.execute(statement("forecast/insert_purges"), {"organization_id": organization_id})
    conn.execute(statement("forecast/insert_counts"), {"organization_id": organization_id})


def count(
    conn: Connection,
    *,
    organization_id: int,
    rule: str | None,
    today: date,
    until: date,
    graces: Mapping[int, str],
) -> list[ForecastCount]:
    """Return what will be done, by rule, action and month."""
    return fetch_rows(
        conn,
        statement("forecast/count"),
        {
            "organization_id": organization_id,
            "rule": rule,
            "today": today,
            "until": until,
            "graces": Jsonb({str(version): grace for version, grace in graces.items()}),
        },
        ForecastCount,
    )


def list_records(
    conn: Connection, *, organization_id: int, rule: str | None
) -> list[ForecastRecord]:
    """Return when each rule in use was forecast, by name."""
    parameters = {"organization_id": organization_id, "rule": rule}
    return fetch_rows(conn, statement("forecast/list_records"), parameters, ForecastRecord)
