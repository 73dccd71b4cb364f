"""One job: what it carries, every attempt, and what became of it."""

import json
import re

from fastapi import APIRouter, HTTPException, Response

from doclife.dashboard import moments
from doclife.dashboard.jobs.listing import STATES
from doclife.dashboard.visit import Here, Visit
from doclife.errors import ConfigurationError
from doclife.lifecycle.jobs import JobStory, tell_job

router = APIRouter()

OUTCOMES = {
    "sent": ("success", "Sent"),
    "retry": ("waiting", "Retry"),
    "dead": ("failed", "Given up"),
    "unknown": ("unknown", "Unknown"),
}
"""Kind and word of what an attempt came to."""
# Whoever has such a link acts for the one it was written to.
_SEALED = re.compile(r"(/public/(?:keep|unsubscribe)/)[^\s\"<>\\]+")


@router.get("/jobs/{job_id}")
def show(here: Here, job_id: int) -> Response:
    """Show a job."""
    return page(here, job_id)


def page(here: Visit, job_id: int, *, error: str | None = None, status: int = 200) -> Response:
    """Return the page of a job, with what is wrong with a deed."""
    story = find(here, job_id)
    return here.page(
        "jobs/show.html.j2",
        status=status,
        job=story.job,
        payload=payload_text(story),
        attempts=story.attempts[::-1],
        events=story.events,
        pill=STATES[story.job["state"]],
        outcomes=OUTCOMES,
        duration=moments.duration,
        error=error,
    )


def find(here: Visit, job_id: int) -> JobStory:
    """Return a job of the organization that the person looks at."""
    missing = HTTPException(404, f"There is no job {job_id} here")
    if not 0 < job_id < 2**63:
        raise missing
    try:
        story = tell_job(here.conn, job_id=job_id, now=here.now)
    except ConfigurationError:
        raise missing from None
    if story.job["organization"] != here.tenant.slug:
        raise missing
    return story


def payload_text(story: JobStory) -> str | None:
    """Return what a job carries, as text to read; sealed links are not shown."""
    payload = story.job["payload"]
    if payload is None:
        return None
    text = json.dumps(payload, indent=2, ensure_ascii=False, sort_keys=True)
    return _SEALED.sub(r"\1(hidden)", text)
