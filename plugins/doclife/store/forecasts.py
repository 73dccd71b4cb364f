"""Rebuilds and reads the read model of what will fall due."""

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeseenRule:
    """What a rebuild notes of one rule beside its dates."""

    rule_version_id: int
    unknown_count: int
    """Documents that it could not judge."""
    following: tuple[date, int] | None
    """The next day and what the rule selects then, for a rule that selects by the day it is
    asked."""


def begin_foreseeing(conn: Connection, organization_id: int) -> None:
    """Make the working tables of this transaction, empty, and keep other rebuilds out."""
    conn.execute(statement("forecast/lock"), {"organization_id": organization_id})
    conn.execute(statement("forecast/create_foreseen"))
    conn.execute(statement("forecast/empty_foreseen"))
    begin_collecting(conn)


def foresee(conn: Connection, *, rule_version_id: int, hits: Fragment) -> int:
    """Foresee when a rule's actions fall due; return how many dates there are."""
    cursor = conn.execute(
        composed("forecast/foresee", hits=hits.text),
        {**hits.parameters, "rule_version_id": rule_version_id},
    )
    return cursor.rowcount


def count_due(conn: Connection, hits: Fragment) -> int:
    """Return how many documents a rule would archive or delete on the day it is compiled for."""
    query = composed("forecast/count_due", hits=hits.text)
    return int(fetch_value(conn, query, hits.parameters))


def resolve(conn: Connection, *, protections: Fragment) -> None:
    """Let what other rules retain go later, and count nothing twice."""
    conn.execute(statement("forecast/analyze_foreseen"))
    conn.execute(
        composed("forecast/collect_protections", protections=protections.text),
        protections.parameters,
    )
    conn.execute(statement("forecast/analyze_protections"))
    conn.execute(statement("forecast/postpone"))
    conn.execute(statement("forecast/outrank"))


def store(
    conn: Connection, foreseen: Sequence[ForeseenRule], *, organization_id: int, now: datetime
) -> None:
    """Write what is foreseen over what was: only what has changed, whatever there is in all."""
    of_all = {"organization_id": organization_id}
    conn.execute(statement("forecast/remove_gone"), of_all)
    conn.execute(statement("forecast/store_changed"), {**of_all, "now": now})
    conn.execute(statement("forecast/remove_gone_purges"), of_all)
    conn.execute(statement("forecast/store_changed_purges"), of_all)
    conn.execute(statement("forecast/add_up"), of_all)
    conn.execute(statement("forecast/clear_records"), of_all)
    for rule in foreseen:
        next_day, next_count = rule.following or (None, None)
        conn.execute(
            statement("forecast/record"),
            {
                **of_all,
                "rule_version_id": rule.rule_version_id,
                "unknown_count": rule.unknown_count,
                "next_day": next_day,
                "next_count": next_count,
                "now": now,
            },
        )


def count(
    conn: Connection,
    *,
    organization_id: int,
    rule: str | None,
    today: date,
    until: date,
    span_starts: Sequence[date],
    graces: Mapping[int, str],
) -> list[ForecastCount]:
    """Return what will be done, by rule, action and month.

    :param until: the first day that is no longer shown by month.
    :param span_starts: sorted: today, and each day from which on an action, or the purge after it,
        comes into another month.
    :param graces: per rule version in use how long the trash keeps, as PostgreSQL reads it.
    """
    return fetch_rows(
        conn,
        statement("forecast/count"),
        {
            "organization_id": organization_id,
            "rule": rule,
            "today": today,
            "until": until,
            "span_starts": list(span_starts),
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
