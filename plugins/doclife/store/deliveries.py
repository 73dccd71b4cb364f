"""Reads the log of webhook calls, and has calls sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """One attempt to call an endpoint."""

    job_id: int
    attempt: int
    endpoint: str
    outcome: str
    """``sent``, ``retry``, ``dead`` or ``unknown``."""
    status_code: int | None
    latency_ms: int | None
    answer_head: str | None
    """The beginning of what the far side answered."""
    error: str | None
    attempted_at: datetime
    state: str
    """Of the call now: ``pending``, ``failed``, ``cancelled`` or ``completed``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which calls of an organization; None does not narrow."""

    organization_id: int
    job_ids: Sequence[int] | None = None
    endpoint: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self) -> dict[str, object]:
        """Return it as the parameters of a statement."""
        return {
            "organization_id": self.organization_id,
            "job_ids": None if self.job_ids is None else list(self.job_ids),
            "endpoint": self.endpoint,
            "since": self.since,
            "until": self.until,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ResentRow:
    """A delivered call that was to be sent again."""

    job_id: int
    is_sent_again: bool
    """False: it waits already."""


def list_page(
    conn: Connection,
    selection: Selection,
    *,
    outcomes: Sequence[str] | None,
    before: tuple[datetime, int, int] | None,
    size: int,
) -> list[DeliveryRow]:
    """Return attempts, the newest first.

    :param before: the moment, job and attempt of the last one shown.
    """
    at, job, attempt = before or (None, None, None)
    return fetch_rows(
        conn,
        statement("deliveries/list"),
        {
            **selection.parameters(),
            "outcomes": None if outcomes is None else list(outcomes),
            "before_at": at,
            "before_job": job,
            "before_attempt": attempt,
            "size": size,
        },
        DeliveryRow,
    )


def hasten(conn: Connection, selection: Selection) -> list[int]:
    """Let waiting calls have their turn now; return their ids."""
    rows = conn.execute(statement("deliveries/hasten"), selection.parameters()).fetchall()
    return [int(row[0]) for row in rows]


def resend_failed(conn: Connection, selection: Selection, *, states: Sequence[str]) -> list[int]:
    """Send calls again that were given up or cancelled; return their ids."""
    parameters = {**selection.parameters(), "states": list(states)}
    rows = conn.execute(statement("deliveries/resend_failed"), parameters).fetchall()
    return [int(row[0]) for row in rows]


def resend_completed(
    conn: Connection, selection: Selection, *, after: int, size: int, requested_by: str
) -> list[ResentRow]:
    """Send the next delivered calls again, by number."""
    return fetch_rows(
        conn,
        statement("deliveries/resend_completed"),
        {
            **selection.parameters(),
            "after": after,
            "size": size,
            "requested_by": requested_by,
        },
        ResentRow,
    )
