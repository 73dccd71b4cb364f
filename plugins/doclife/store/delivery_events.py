"""Writes and reads what mail services tell about mails that they took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.domain.mail_event import MailEvent
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_value
from doclife.store.sql import statement


def record(conn: Connection, events: Sequence[MailEvent], *, provider: str, now: datetime) -> int:
    """Record events with what follows from them; return how many were new and about our mails."""
    parameters = {
        "events": Jsonb([_plain(event) for event in events]),
        "provider": provider,
        "now": now,
    }
    return len(conn.execute(statement("delivery_events/record"), parameters).fetchall())


def spend_token(conn: Connection, token: str, *, now: datetime) -> bool:
    """Take a token that proves one event; False when it was taken before."""
    parameters = {"token": token, "now": now}
    return fetch_value(conn, statement("delivery_events/spend_token"), parameters) is not None


def list_of_job(conn: Connection, job_id: int) -> list[dict[str, Any]]:
    """Return what was told about the mail of a job, the first first."""
    return fetch_dicts(conn, statement("delivery_events/list_of_job"), {"job_id": job_id})


def prune(conn: Connection, *, before: datetime, size: int) -> int:
    """Forget at most so much of what was received before a moment; return how much went."""
    parameters = {"before": before, "size": size}
    return int(fetch_value(conn, statement("delivery_events/prune"), parameters))


def _plain(event: MailEvent) -> dict[str, object]:
    return {
        "job_id": event.job_id,
        "outcome": event.outcome,
        "is_lasting": event.is_lasting,
        "address": event.address,
        "reason": event.reason,
        "occurred_at": event.occurred_at.isoformat(),
    }
