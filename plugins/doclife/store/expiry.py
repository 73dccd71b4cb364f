"""Finds and stamps documents whose expiry date has passed."""

from dataclasses import dataclass
from datetime import date, datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamped:
    """One batch of the check, with the cursor to go on from."""

    last_on: date | None
    last_id: int | None
    seen: int
    stamped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StampedAgain:
    """One batch of documents that changed behind the watermark."""

    seen: int
    stamped: int


def announce_check(conn: Connection, organization_id: int, *, through: date) -> date:
    """Let later registrations queue themselves; return through which day was checked before."""
    with conn.transaction():
        parameters = {"organization_id": organization_id, "through": through}
        checked: date = fetch_value(conn, statement("expiry/lock_watermark"), parameters)
        conn.execute(statement("expiry/announce_check"), parameters)
        return checked


def finish_check(conn: Connection, organization_id: int, *, through: date, now: datetime) -> None:
    """Write down that everything through a day was checked."""
    conn.execute(
        statement("expiry/finish_check"),
        {"organization_id": organization_id, "through": through, "now": now},
    )


def stamp(
    conn: Connection,
    *,
    organization_id: int,
    after_on: date,
    after_id: int,
    today: date,
    now: datetime,
    actor: str,
    size: int,
) -> Stamped:
    """Stamp the next documents past the cursor that expired before ``today``."""
    return fetch_rows(
        conn,
        statement("expiry/stamp"),
        {
            "organization_id": organization_id,
            "after_on": after_on,
            "after_id": after_id,
            "today": today,
            "now": now,
            "actor": actor,
            "size": size,
        },
        Stamped,
    )[0]


def stamp_again(
    conn: Connection,
    *,
    organization_id: int,
    today: date,
    now: datetime,
    actor: str,
    size: int,
) -> StampedAgain:
    """Look again at documents that changed behind the watermark."""
    with conn.transaction():
        queued = conn.execute(
            statement("expiry/lock_queued"), {"organization_id": organization_id, "size": size}
        ).fetchall()
        stamped = fetch_value(
            conn,
            statement("expiry/stamp_again"),
            {
                "organization_id": organization_id,
                "document_ids": [row[0] for row in queued],
                "today": today,
                "now": now,
                "actor": actor,
            },
        )
    return StampedAgain(seen=len(queued), stamped=int(stamped))
