"""What people ask about the queue."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.store import delivery_events, job_reports, organizations
from doclife.store.connection import Connection
from doclife.store.job_reports import ChannelHealth

COMPLETED_WITHIN = timedelta(days=7)
"""How far back completed jobs are counted, so that counting stays quick whatever the history."""
COUNTED_AT_MOST = 10_000
"""Unfinished jobs that a page counts, and likewise of those given up."""
LOOKED_AT_ONCE = 10_000
"""Jobs that a search goes through in one statement, which may find what is asked for early."""
LOOKED_AT_MOST = 50_000
"""Jobs that a search goes through for one page, however few of them fit."""
CLOCKS_APART = timedelta(days=1)
"""More than the clock of who sends may be behind that of who stored the job."""


@dataclass(frozen=True, kw_only=True)
class JobStory:
    """One job, what it carries, every attempt to deliver it, and what was told about it after."""

    job: dict[str, Any]
    attempts: list[dict[str, Any]]
    events: list[dict[str, Any]]
    """What the mail service told about a mail."""


@dataclass(frozen=True, kw_only=True)
class JobsPage:
    """A page of jobs."""

    jobs: list[dict[str, Any]]
    next_before: int | None
    """Go on with ids smaller than this; None on the last page."""


def list_jobs(
    conn: Connection,
    *,
    now: datetime,
    organization: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    endpoint: str | None = None,
    words: str | None = None,
    error: str | None = None,
    before: int | None = None,
    size: int = 50,
    most: int | None = None,
) -> JobsPage:
    """Return a page of unfinished and given-up jobs, the newest first.

    :param endpoint: name of the endpoint that calls go to.
    :param words: found anywhere in what a job carries, its last error or its unique key, in any
        case of letters.
    :param error: likewise, in its last error alone.
    :param before: ``next_before`` of the page before.
    :param most: only about so many are looked at: a page may have fewer than ``size``, even none,
        and still say where to go on. None for all, however long it takes.
    """
    if organization is not None:
        organizations.find(conn, organization)
    found: list[dict[str, Any]] = []
    place = before
    for _ in range(1 if most is None else max(1, most // LOOKED_AT_ONCE)):
        begins = place
        place = (
            None
            if most is None
            else job_reports.find_place(conn, before=begins, most=LOOKED_AT_ONCE)
        )
        found += job_reports.list_page(
            conn,
            organization=organization,
            state=state,
            kind=kind,
            endpoint=endpoint,
            words=words,
            error=error,
            before=begins,
            down_to=place,
            now=now,
            # One more says whether there are more.
            size=size + 1 - len(found),
        )
        if len(found) > size:
            return JobsPage(jobs=found[:size], next_before=found[size - 1]["job_id"])
        if place is None:
            break
    return JobsPage(jobs=found, next_before=place)


def tell_job(conn: Connection, *, job_id: int, now: datetime) -> JobStory:
    """Return everything about one job; its payload as JSON.

    :raises ConfigurationError: there is none of that number.
    """
    job = job_reports.describe(conn, job_id=job_id, now=now)
    if job is None:
        raise ConfigurationError(f"there is no job {job_id}. See: doclife jobs list")
    payload = json.loads(job["payload"]) if job["payload"] is not None else None
    return JobStory(
        job={**job, "payload": payload},
        attempts=job_reports.list_attempts(conn, job_id, since=job["created_at"] - CLOCKS_APART),
        events=delivery_events.list_of_job(conn, job_id),
    )


def count_jobs(
    conn: Connection, *, now: datetime, organization: str | None = None, most: int | None = None
) -> list[dict[str, Any]]:
    """Return how many jobs there are of each kind and state; completed ones of the last 7 days.

    :param most: only the oldest so many unfinished jobs are counted, and the newest so many of
        those given up; None for all, however long it takes. ``is_whole`` says where there are more.
    """
    if organization is not None:
        organizations.find(conn, organization)
    since = (now.astimezone(UTC) - COMPLETED_WITHIN).date()
    return job_reports.count_by_state(
        conn, organization=organization, now=now, completed_since=since, most=most
    )


def channel_health(conn: Connection, *, organization: Organization) -> list[ChannelHealth]:
    """Return how mail and Slack messages of an organization have fared; endpoints know theirs."""
    return job_reports.list_channel_health(conn, organization_id=organization.id)
