"""``/jobs`` and ``/events`` of the JSON API: what waits to be delivered, and what has happened."""

import json
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Asked, Cursor, Limit, Line, Moment, Object, Why, check_kind
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import needs
from doclife.dashboard.jobs.deeds import RETRIED
from doclife.dashboard.jobs.filtering import find_page, read_filter
from doclife.dashboard.jobs.showing import find, payload_text
from doclife.dashboard.paging import PAGE_ROWS
from doclife.dashboard.visit import Here
from doclife.lifecycle import queue, requesting
from doclife.lifecycle.jobs import COUNTED_AT_MOST, count_jobs

router = APIRouter(route_class=OnceRoute, tags=["jobs"])


class ListedJob(BaseModel):
    """A job that waits, is being sent, or was given up."""

    model_config = ConfigDict(extra="ignore")

    job_id: int
    kind: str
    endpoint: str | None
    state: str
    attempts: int
    max_attempts: int
    run_at: datetime | None
    last_error: str | None
    requested_by: str
    plan_id: int | None
    created_at: datetime
    finished_at: datetime | None


class JobsPage(BaseModel):
    """A page of jobs, the newest first."""

    items: list[ListedJob]
    next_cursor: str | None


class ShownJob(BaseModel):
    """A job with what it carries, every attempt, and what the mail service told after."""

    job: dict[str, Any]
    payload: dict[str, Any] | None = Field(
        description="Null once a job is done; links that act for somebody are hidden."
    )
    attempts: list[dict[str, Any]]
    events: list[dict[str, Any]]


class JobCount(BaseModel):
    """How many jobs of a kind are in a state."""

    kind: str
    state: str
    jobs: int
    oldest_at: datetime | None
    is_whole: bool = Field(description="False: there are more, which were not counted.")


class JobCounts(BaseModel):
    """The queue in numbers; completed jobs are those of the last 7 days."""

    items: list[JobCount]


class NewJob(BaseModel):
    """A job to store."""

    model_config = ConfigDict(extra="forbid")

    kind: Line
    payload: Object
    run_at: Moment | None = Field(default=None, description="Not before; null is now.")
    priority: Annotated[int, Field(ge=0, le=32767, description="Lower first.")] = 100
    unique_key: Line | None = Field(
        default=None, description="Taken for 30 days; whoever gives it again gets the first job."
    )
    max_attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None


class StoredJob(BaseModel):
    """The number of a job."""

    job_id: int


class RetriedBody(BaseModel):
    """Whether a job is tried again."""

    retried: bool = Field(description="False: it had not been given up.")


class NewEvent(BaseModel):
    """Something that has happened to a document."""

    model_config = ConfigDict(extra="forbid")

    type: Line = Field(description="Words with dots, such as invoice.paid.")
    external_id: Line
    payload: Object = Field(default_factory=dict)
    occurred_on: date | None = Field(
        default=None, description="Null is today in the organization's zone."
    )


class StoredEvent(BaseModel):
    """The number of an event."""

    event_id: int


@router.get("/jobs")
def list_all(
    here: Here,
    search: Asked = "",
    state: Asked = "",
    kind: Asked = "",
    endpoint: Asked = "",
    error: Asked = "",
    cursor: Cursor = "",
    limit: Limit = PAGE_ROWS,
) -> JobsPage:
    """List unfinished and given-up jobs, the newest first; all that is asked for must fit."""
    query = read_filter(q=search, state=state, kind=kind, endpoint=endpoint, error=error)
    page = find_page(here, query, cursor=cursor, limit=limit)
    return JobsPage(items=[ListedJob(**job) for job in page.rows], next_cursor=page.next_cursor)


@router.get("/jobs/-/stats")
def stats(here: Here) -> JobCounts:
    """Count jobs by kind and state."""
    counts = count_jobs(
        here.conn, now=here.now, organization=here.tenant.slug, most=COUNTED_AT_MOST
    )
    return JobCounts(items=[JobCount(**count) for count in counts])


@router.get("/jobs/{job_id}")
def show(here: Here, job_id: int) -> ShownJob:
    """Return one job."""
    story = find(here, job_id)
    text = payload_text(story)
    return ShownJob(
        job={name: value for name, value in story.job.items() if name != "payload"},
        payload=None if text is None else json.loads(text),
        attempts=story.attempts,
        events=story.events,
    )


@router.post("/jobs", status_code=status.HTTP_201_CREATED, dependencies=[needs(Deed.SEND)])
def enqueue(here: Here, body: NewJob) -> StoredJob:
    """Store a job; archive and delete jobs need the right to run rules too."""
    check_kind(here, body.kind)
    job_id = requesting.request_job(
        here.conn,
        organization=here.tenant,
        kind=body.kind,
        payload=body.payload,
        run_at=body.run_at,
        priority=body.priority,
        unique_key=body.unique_key,
        max_attempts=body.max_attempts,
        timeout_seconds=body.timeout_seconds,
        actor=here.actor,
        now=here.now,
    )
    return StoredJob(job_id=job_id)


@router.post("/jobs/{job_id}/retry", dependencies=[needs(Deed.SEND)])
def retry(here: Here, job_id: int, body: Why) -> RetriedBody:
    """Let a job that was given up or cancelled be tried again."""
    check_kind(here, find(here, job_id).job["kind"])
    retried = queue.retry_jobs(
        here.conn,
        organization=here.tenant.slug,
        job_ids=[job_id],
        states=RETRIED,
        reason=body.reason,
        actor=here.actor,
        now=here.now,
    )
    return RetriedBody(retried=bool(retried))


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[needs(Deed.SEND)],
)
def cancel(here: Here, job_id: int, body: Why) -> None:
    """Cancel a job before it is sent; 409 when that is too late."""
    find(here, job_id)
    cancelled = queue.cancel_jobs(
        here.conn,
        organization=here.tenant.slug,
        job_ids=[job_id],
        reason=body.reason,
        actor=here.actor,
        now=here.now,
    )
    if not cancelled:
        raise HTTPException(409, f"Job {job_id} is being sent, or has ended")


@router.post(
    "/events",
    status_code=status.HTTP_201_CREATED,
    tags=["events"],
    # Retention counts from events, and rules run on them.
    dependencies=[needs(Deed.RUN)],
)
def emit(here: Here, body: NewEvent) -> StoredEvent:
    """Say that something has happened to a document, as an application does."""
    event_id = requesting.emit_event(
        here.conn,
        organization=here.tenant,
        event_type=body.type,
        external_id=body.external_id,
        payload=body.payload,
        occurred_on=body.occurred_on,
        actor=here.actor,
        now=here.now,
    )
    return StoredEvent(event_id=event_id)
