"""What a person asks for by hand: that a job is stored, or that something has happened."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import psycopg

from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.lifecycle import queue
from doclife.store import audit, events
from doclife.store.connection import Connection


def request_job(
    conn: Connection,
    *,
    organization: Organization,
    kind: str,
    payload: Mapping[str, Any],
    actor: str,
    now: datetime,
    run_at: datetime | None = None,
    priority: int = 100,
    unique_key: str | None = None,
    max_attempts: int | None = None,
    timeout_seconds: int | None = None,
) -> int:
    """Store a job as ``queue.add`` does, with an audit entry, and return its id.

    :raises ConfigurationError: the kind is unknown, or the payload is not what the kind takes.
    """
    with conn.transaction():
        job_id = queue.add(
            conn,
            kind=kind,
            payload=payload,
            requested_by=actor,
            organization=organization.slug,
            run_at=run_at,
            priority=priority,
            unique_key=unique_key,
            max_attempts=max_attempts,
            timeout_seconds=timeout_seconds,
        )
        audit.record(
            conn,
            organization_id=organization.id,
            at=now,
            actor=actor,
            action="job.added",
            reason=f"{kind} job by request",
            details={"job": job_id, "kind": kind},
        )
    return job_id


def emit_event(
    conn: Connection,
    *,
    organization: Organization,
    event_type: str,
    external_id: str,
    payload: Mapping[str, Any],
    actor: str,
    now: datetime,
    occurred_on: date | None = None,
) -> int:
    """Say that something has happened to a document, and return the event's number.

    Rules and webhook subscriptions take it as one of an application, and retention may count from
    it. A second call is a second event.

    :param occurred_on: None for today in the organization's zone.
    :raises ConfigurationError: the type is none or one of doclife's own, or there is no such
        document.
    """
    try:
        with conn.transaction():
            event_id = events.emit(
                conn,
                event_type=event_type,
                external_id=external_id,
                payload=payload,
                organization=organization.slug,
                occurred_on=occurred_on,
            )
            audit.record(
                conn,
                organization_id=organization.id,
                at=now,
                actor=actor,
                action="event.emitted",
                reason=f"{event_type} of {external_id} by request",
                details={"event": event_id, "type": event_type, "external_id": external_id},
            )
    except psycopg.errors.CheckViolation:
        raise ConfigurationError(
            f"{event_type!r} is no type of event: words with dots, such as invoice.paid"
        ) from None
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.RaiseException) as error:
        raise ConfigurationError(f"{error.diag.message_primary}. {error.diag.message_hint}") from (
            None
        )
    return event_id
