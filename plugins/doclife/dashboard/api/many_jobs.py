"""``/jobs/-/...`` of the JSON API: many jobs retried or cancelled, by number or by filter."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Id, Line
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import needs
from doclife.dashboard.jobs.deeds import RETRIED, beyond
from doclife.dashboard.jobs.filtering import narrowing, read_filter
from doclife.dashboard.visit import Here
from doclife.lifecycle import queue

router = APIRouter(route_class=OnceRoute, tags=["jobs"])


class Chosen(BaseModel):
    """Some jobs by their numbers, or all that the rest describes, as `GET /jobs` lists them."""

    model_config = ConfigDict(extra="forbid")

    reason: Line
    job_ids: Annotated[list[Id] | None, Field(max_length=1000)] = None
    search: Line | None = None
    kind: Line | None = None
    endpoint: Line | None = None
    error: Line | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Chosen":
        named = (self.search, self.kind, self.endpoint, self.error)
        if self.job_ids is not None and any(named):
            raise ValueError("name jobs by their numbers or describe them, not both")
        return self


class RetriedJobs(Chosen):
    """Which given-up jobs are tried again."""

    state: Literal["failed", "cancelled"] | None = Field(
        default=None, description="Null: by number both, else those that failed."
    )


class JobIds(BaseModel):
    """The jobs to which it was done."""

    job_ids: list[int]


@router.post("/jobs/-/retry", dependencies=[needs(Deed.SEND)])
def retry_many(here: Here, body: RetriedJobs) -> JobIds:
    """Let given-up jobs be tried again; those beyond the caller's rights are left as they are."""
    states = RETRIED if body.job_ids is not None else ("failed",)
    done = queue.retry_jobs(
        here.conn,
        organization=here.tenant.slug,
        job_ids=body.job_ids,
        without=beyond(here),
        states=states if body.state is None else (body.state,),
        reason=body.reason,
        actor=here.actor,
        now=here.now,
        **narrowing(_filter(body)),
    )
    return JobIds(job_ids=done)


@router.post("/jobs/-/cancel", dependencies=[needs(Deed.SEND)])
def cancel_many(here: Here, body: Chosen) -> JobIds:
    """Cancel jobs that wait; what is being sent or has ended is left as it is."""
    done = queue.cancel_jobs(
        here.conn,
        organization=here.tenant.slug,
        job_ids=body.job_ids,
        reason=body.reason,
        actor=here.actor,
        now=here.now,
        **narrowing(_filter(body)),
    )
    return JobIds(job_ids=done)


def _filter(body: Chosen) -> dict[str, str]:
    return read_filter(
        q=body.search or "",
        state="",
        kind=body.kind or "",
        endpoint=body.endpoint or "",
        error=body.error or "",
    )
