"""Collects what the daily digests say, page by page, and stores them as jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestRow:
    """One line of one reader's digest."""

    recipient: str
    section: str
    total: int
    """Lines of that section in all, those beyond the cap included."""
    title: str | None
    external_id: str | None
    on_day: date | None
    action: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingPlan:
    """A plan that waits for a person."""

    plan_id: int
    rule: str | None
    document_count: int
    reason: str
    total: int
    stage: str | None
    """Name of the stage that is asked about."""
    waiting_since: datetime | None
    """When somebody was asked; None as long as nobody was."""
    answer_due_at: datetime | None
    """When it is rejected without an answer."""
    remind: str | None
    """The period after which the rule wants people to be reminded."""


def clear(conn: Connection) -> None:
    """Empty the working table of this session, made if it is not there."""
    conn.execute(statement("digests/create_rows"))
    conn.execute(statement("digests/clear_rows"))


def collect_expiring(
    conn: Connection, *, organization_id: int, today: date, days: int, size: int
) -> None:
    """Collect what expires within ``days``."""
    conn.execute(
        statement("digests/collect_expiring"),
        {"organization_id": organization_id, "today": today, "days": days, "size": size},
    )


def collect_items(
    conn: Connection, *, organization_id: int, since: datetime, as_of: datetime, size: int
) -> None:
    """Collect what was done, and what failed, between two moments."""
    conn.execute(
        statement("digests/collect_items"),
        {"organization_id": organization_id, "since": since, "as_of": as_of, "size": size},
    )


def collect_tonight(
    conn: Connection,
    *,
    organization_id: int,
    today: date,
    required: Mapping[int, Sequence[str]],
    size: int,
) -> None:
    """Collect what the coming night will do, as far as it was forecast.

    :param required: by rule version, the ISO 8601 periods of rules that delete nothing without a
        delivered warning.
    """
    careful = [
        {"version_id": version_id, "warn_before": list(periods)}
        for version_id, periods in required.items()
    ]
    conn.execute(
        statement("digests/collect_tonight"),
        {
            "organization_id": organization_id,
            "today": today,
            "required": Jsonb(careful),
            "size": size,
        },
    )


def collect_notifications(
    conn: Connection,
    *,
    organization_id: int,
    since: datetime,
    as_of: datetime,
    contact: str | None,
    daily: str,
    size: int,
) -> None:
    """Collect the unread notifications that waited for a digest."""
    conn.execute(
        statement("digests/collect_notifications"),
        {
            "organization_id": organization_id,
            "since": since,
            "as_of": as_of,
            "contact": contact,
            "daily": daily,
            "size": size,
        },
    )


def list_waiting_plans(conn: Connection, *, organization_id: int, size: int) -> list[WaitingPlan]:
    """Return the plans that wait for a person, oldest first."""
    parameters = {"organization_id": organization_id, "size": size}
    return fetch_rows(conn, statement("digests/list_waiting_plans"), parameters, WaitingPlan)


def list_recipients(conn: Connection, *, after: str, contact: str | None, size: int) -> list[str]:
    """Return a page of those who have something to read, without the records contact."""
    parameters = {"after": after, "contact": contact, "size": size}
    return [row[0] for row in conn.execute(statement("digests/list_recipients"), parameters)]


def list_rows(conn: Connection, recipients: Sequence[str]) -> list[DigestRow]:
    """Return what these readers are shown; the empty name is the overview's."""
    parameters = {"recipients": list(recipients)}
    return fetch_rows(conn, statement("digests/list_rows"), parameters, DigestRow)


def list_preferences(
    conn: Connection, *, organization_id: int, recipients: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return ``wants_digest``, and ``locale`` and ``time_zone`` or None, of each recipient."""
    rows = fetch_dicts(
        conn,
        statement("digests/list_preferences"),
        {"organization_id": organization_id, "recipients": list(recipients)},
    )
    return {row["recipient"]: row for row in rows}


def find_last(conn: Connection, *, organization_id: int, keys: str, day: date) -> datetime | None:
    """Return the moment that the last digest before this day's was of."""
    parameters = {"organization_id": organization_id, "keys": keys, "day": day.isoformat()}
    made_at: datetime | None = fetch_value(conn, statement("digests/find_last"), parameters)
    return made_at


def store(
    conn: Connection,
    digests: Sequence[dict[str, str]],
    *,
    organization_id: int,
    as_of: datetime,
    actor: str,
) -> int:
    """Store digests (``unique_key``, ``payload``, ``run_at``) as jobs; return how many are new."""
    parameters = {
        "digests": Jsonb(list(digests)),
        "organization_id": organization_id,
        "as_of": as_of,
        "actor": actor,
    }
    return int(fetch_value(conn, statement("digests/store"), parameters))
