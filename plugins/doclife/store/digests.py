"""Collects what the daily digests say, page by page, and stores them as jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
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
    document_id: int | None
    """None for a line that is about no single document."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Who wants a digest, and how."""

    recipient: str
    channel: str
    """``email``, ``slack`` or ``notification``."""
    address: str | None
    """Where in a Slack workspace."""
    locale: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Morning:
    """One zone's digests of one day."""

    as_of: datetime
    """What happened until then is in them."""
    since: datetime | None
    """Until when those of the day before told."""
    is_finished: bool


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


def analyze(conn: Connection) -> None:
    """Let the planner know what was collected."""
    conn.execute(statement("digests/analyze_rows"))


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


def list_zones(conn: Connection, organization_id: int) -> list[str]:
    """Return the time zones in which readers say they are; applications write them unchecked."""
    parameters = {"organization_id": organization_id}
    return [row[0] for row in conn.execute(statement("digests/list_zones"), parameters)]


def list_readers(
    conn: Connection,
    *,
    organization_id: int,
    recipients: Sequence[str],
    zones: Sequence[str],
    home_zone: str,
    time_zone: str,
) -> list[Reader]:
    """Return which of these recipients want a digest in ``time_zone``, once per channel.

    :param zones: the zones that there are; who named another is in ``home_zone``.
    """
    parameters = {
        "organization_id": organization_id,
        "recipients": list(recipients),
        "zones": list(zones),
        "home_zone": home_zone,
        "time_zone": time_zone,
    }
    return fetch_rows(conn, statement("digests/list_readers"), parameters, Reader)


def begin_day(
    conn: Connection, *, organization_id: int, time_zone: str, day: date, as_of: datetime
) -> Morning:
    """Begin one zone's digests of a day, or go on with them."""
    parameters = {
        "organization_id": organization_id,
        "time_zone": time_zone,
        "day": day,
        "as_of": as_of,
    }
    return fetch_rows(conn, statement("digests/begin_day"), parameters, Morning)[0]


def finish_day(
    conn: Connection, *, organization_id: int, time_zone: str, day: date, now: datetime
) -> None:
    """Note that every reader in a zone has the digest of a day."""
    parameters = {
        "organization_id": organization_id,
        "time_zone": time_zone,
        "day": day,
        "now": now,
    }
    conn.execute(statement("digests/finish_day"), parameters)


def store(
    conn: Connection,
    digests: Sequence[dict[str, str]],
    *,
    organization_id: int,
    as_of: datetime,
    actor: str,
) -> int:
    """Store digests (kind, unique_key, payload, run_at) as jobs; return how many are new."""
    parameters = {
        "digests": Jsonb(list(digests)),
        "organization_id": organization_id,
        "as_of": as_of,
        "actor": actor,
    }
    return int(fetch_value(conn, statement("digests/store"), parameters))
