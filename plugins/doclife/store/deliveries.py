"""Reads and writes the log of deliveries, and has webhook calls sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement

Place = tuple[datetime, int, int]
"""Moment, job and attempt of the last row of a page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """One attempt to call an endpoint, or to send a mail or a Slack message."""

    job_id: int
    """Below 0: a test, which is no job."""
    attempt: int
    endpoint: str
    """Its name; empty for mail and Slack."""
    outcome: str
    """``sent``, ``retry``, ``dead`` or ``unknown``."""
    status_code: int | None
    latency_ms: int | None
    answer_head: str | None
    """The beginning of what the far side answered."""
    error: str | None
    attempted_at: datetime
    state: str
    """Of the job now: ``pending``, ``failed``, ``cancelled`` or ``completed``; or ``test``."""


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
    words: str | None,
    before: Place | None,
    reach: int,
    size: int,
) -> list[DeliveryRow]:
    """Return attempts to call endpoints, the newest first.

    :param words: only with this in number, status, error or answer.
    :param before: where the page before ended.
    :param reach: of each endpoint at most so many are looked at.
    """
    at, job, attempt = before or (None, None, None)
    return fetch_rows(
        conn,
        statement("deliveries/list"),
        {
            **selection.parameters(),
            "outcomes": None if outcomes is None else list(outcomes),
            "words": words,
            "before_at": at,
            "before_job": job,
            "before_attempt": attempt,
            "reach": reach,
            "size": size,
        },
        DeliveryRow,
    )


def list_of_channel(
    conn: Connection,
    *,
    organization_id: int,
    kind: str,
    outcomes: Sequence[str],
    words: str | None,
    since: datetime | None,
    until: datetime | None,
    before: Place | None,
    reach: int,
    size: int,
) -> list[DeliveryRow]:
    """Return attempts to send mails (``email``) or Slack messages, likewise."""
    at, job, attempt = before or (None, None, None)
    return fetch_rows(
        conn,
        statement("deliveries/list_of_channel"),
        {
            "organization_id": organization_id,
            "kind": kind,
            "outcomes": list(outcomes),
            "words": words,
            "since": since,
            "until": until,
            "before_at": at,
            "before_job": job,
            "before_attempt": attempt,
            "reach": reach,
            "size": size,
        },
        DeliveryRow,
    )


def record_test(
    conn: Connection,
    *,
    number: int,
    organization_id: int,
    kind: str,
    endpoint_id: int | None,
    outcome: str,
    status_code: int | None,
    latency_ms: int,
    answer_head: str | None,
    error: str | None,
    at: datetime,
) -> None:
    """Note in the log what became of a test; its number is below 0."""
    conn.execute(
        statement("deliveries/record_test"),
        {
            "number": number,
            "organization_id": organization_id,
            "kind": kind,
            "endpoint_id": endpoint_id,
            "outcome": outcome,
            "status_code": status_code,
            "latency_ms": latency_ms,
            "answer_head": answer_head,
            "error": error,
            "at": at,
        },
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
