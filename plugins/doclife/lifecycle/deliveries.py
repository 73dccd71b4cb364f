"""The log of deliveries, and webhook calls that are sent again: one, or all of a time."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from doclife.domain.organization import Organization
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle.endpoints import find_endpoint
from doclife.lifecycle.jobs import JobStory, tell_job
from doclife.store import audit, deliveries
from doclife.store.connection import Connection
from doclife.store.deliveries import DeliveryRow, Place, Selection

BATCH_SIZE = 5_000
OUTCOMES = ("sent", "retry", "dead", "unknown")
SEARCHED = 5_000
"""Who searches for words has at most so many attempts looked at, the newest ones of the time: a
page answers also when a year holds millions without the word."""


class ResendState(StrEnum):
    """Which calls are sent again, by where they are now."""

    FAILED = "failed"
    """Given up."""
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    """Delivered, and perhaps lost by the receiver since. They are there as long as the history."""
    PENDING = "pending"
    """They wait for their next attempt, which comes now."""


def list_deliveries(
    conn: Connection,
    *,
    organization: Organization,
    endpoint: str | None = None,
    outcomes: Sequence[str] | None = None,
    words: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: DeliveryRow | None = None,
    size: int = 50,
) -> list[DeliveryRow]:
    """Return attempts to call endpoints, the newest first.

    :param outcomes: of ``OUTCOMES``; None for all.
    :param words: found in number, status, error or answer, in any case of letters; looked for in
        the newest ``SEARCHED`` of each endpoint.
    :param since: aware; made not before. ``until``: made before.
    :param before: the last one of the page before; None to begin.
    :raises ConfigurationError: there is no such endpoint or outcome.
    """
    if endpoint is not None:
        find_endpoint(conn, organization=organization, name=endpoint)
    _check(outcomes, words)
    return deliveries.list_page(
        conn,
        Selection(organization_id=organization.id, endpoint=endpoint, since=since, until=until),
        outcomes=outcomes,
        words=words,
        before=_place(before),
        reach=size if words is None else SEARCHED,
        size=size,
    )


def list_channel(
    conn: Connection,
    *,
    organization: Organization,
    kind: str,
    outcomes: Sequence[str] | None = None,
    words: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: DeliveryRow | None = None,
    size: int = 50,
) -> list[DeliveryRow]:
    """Return attempts to send mails (``email``) or messages (``slack``), likewise."""
    _check(outcomes, words)
    return deliveries.list_of_channel(
        conn,
        organization_id=organization.id,
        kind=kind,
        outcomes=outcomes or OUTCOMES,
        words=words,
        since=since,
        until=until,
        before=_place(before),
        reach=size if words is None else SEARCHED,
        size=size,
    )


def _check(outcomes: Sequence[str] | None, words: str | None) -> None:
    for outcome in outcomes or ():
        if outcome not in OUTCOMES:
            raise ConfigurationError(f"{outcome!r} is no outcome; there are {', '.join(OUTCOMES)}")
    if words is not None and (fault := text_fault(words)) is not None:
        raise ConfigurationError(f"nothing can be searched for by a {fault}")


def _place(row: DeliveryRow | None) -> Place | None:
    return None if row is None else (row.attempted_at, row.job_id, row.attempt)


def tell_delivery(
    conn: Connection, *, organization: Organization, job_id: int, now: datetime
) -> JobStory:
    """Return one call: what it carries, and every attempt with the head of its answer.

    :raises ConfigurationError: the organization has no such call.
    """
    story = tell_job(conn, job_id=job_id, now=now)
    if story.job["kind"] != "webhook" or story.job["organization"] != organization.slug:
        raise ConfigurationError(
            f"job {job_id} is no webhook call of organization {organization.slug!r}. "
            "See: doclife deliveries list"
        )
    return story


def resend(
    conn: Connection,
    *,
    organization: Organization,
    now: datetime,
    actor: str,
    reason: str,
    job_ids: Sequence[int] | None = None,
    endpoint: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    states: Sequence[ResendState] = (ResendState.FAILED,),
) -> list[int]:
    """Send webhook calls again, and return their numbers.

    They keep them, and so their ``webhook-id``: a receiver that has one drops it, one that lost it
    takes it. What is on its way, or waits already, is left as it is; a second call finds the first
    one's waiting. Those of a disabled or paused endpoint wait until it is enabled.

    :param job_ids: only these; None for all that the rest describes.
    :param since: aware; when they were given up, delivered, or (pending) stored. ``until``: before.
    :raises ConfigurationError: nothing narrows it down, or there is no such endpoint.
    """
    if job_ids is None and endpoint is None and since is None:
        raise ConfigurationError(
            "which calls? Name some by their numbers, or an endpoint, or since when"
        )
    if endpoint is not None:
        find_endpoint(conn, organization=organization, name=endpoint)
    selection = Selection(
        organization_id=organization.id,
        job_ids=job_ids,
        endpoint=endpoint,
        since=since,
        until=until,
    )
    resent: set[int] = set()
    with conn.transaction():
        given_up = [
            state for state in states if state in (ResendState.FAILED, ResendState.CANCELLED)
        ]
        # First what waits: what comes back from elsewhere below has its turn now anyhow.
        if ResendState.PENDING in states:
            resent.update(deliveries.hasten(conn, selection))
        if given_up:
            resent.update(deliveries.resend_failed(conn, selection, states=given_up))
        if ResendState.COMPLETED in states:
            resent.update(_resend_completed(conn, selection, requested_by=actor))
        if resent:
            _record(
                conn, organization, selection, resent, states, now=now, actor=actor, reason=reason
            )
    return sorted(resent)


def _resend_completed(conn: Connection, selection: Selection, *, requested_by: str) -> list[int]:
    resent, after = [], 0
    while found := deliveries.resend_completed(
        conn, selection, after=after, size=BATCH_SIZE, requested_by=requested_by
    ):
        after = found[-1].job_id
        resent += [row.job_id for row in found if row.is_sent_again]
    return resent


def _record(
    conn: Connection,
    organization: Organization,
    selection: Selection,
    resent: set[int],
    states: Sequence[ResendState],
    *,
    now: datetime,
    actor: str,
    reason: str,
) -> None:
    details: dict[str, Any] = {
        "jobs": len(resent),
        "job_ids": sorted(resent)[:100],
        "states": [str(state) for state in states],
        "endpoint": selection.endpoint,
        "since": None if selection.since is None else selection.since.isoformat(),
        "until": None if selection.until is None else selection.until.isoformat(),
    }
    audit.record(
        conn,
        organization_id=organization.id,
        at=now,
        actor=actor,
        action="delivery.resent",
        reason=reason,
        details={name: value for name, value in details.items() if value is not None},
    )
