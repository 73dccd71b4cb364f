"""What a person does to jobs: retry and cancel, one, some, or all that a filter finds."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import WHY_NOT, needs
from doclife.dashboard.jobs.filtering import (
    Asked,
    AskedFilter,
    Filter,
    Typed,
    TypedFilter,
    narrowing,
)
from doclife.dashboard.jobs.showing import find, page
from doclife.dashboard.visit import Here, Visit
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle import queue

router = APIRouter()

REASON = "asked for in the dashboard"
RETRY, CANCEL = "retry", "cancel"
RETRIED = ("failed", "cancelled")


@router.post("/jobs/selected", dependencies=[needs(Deed.SEND)])
def do_selected(
    here: Here,
    deed: Typed,
    query: TypedFilter,
    job: Annotated[list[int] | None, Form(max_length=1000)] = None,
) -> Response:
    """Retry or cancel the jobs that were ticked."""
    ids = [number for number in job or () if 0 < number < 2**63]
    if not ids:
        return here.redirect("jobs", flash="Tick some jobs first.", **query)
    if _known(deed) == RETRY:
        done = queue.retry_jobs(
            here.conn,
            organization=here.tenant.slug,
            job_ids=ids,
            without=beyond(here),
            states=RETRIED,
            reason=REASON,
            actor=here.actor,
            now=here.now,
        )
    else:
        done = queue.cancel_jobs(
            here.conn,
            organization=here.tenant.slug,
            job_ids=ids,
            reason=REASON,
            actor=here.actor,
            now=here.now,
        )
    return here.redirect("jobs", flash=_done(deed, len(done), asked=len(ids)), **query)


@router.get("/jobs/all", dependencies=[needs(Deed.SEND)])
def ask_all(here: Here, deed: Asked, query: AskedFilter) -> Response:
    """Say what would be retried or cancelled, and ask."""
    _check_state(_known(deed), query["state"])
    return _ask(here, deed, query)


@router.post("/jobs/all", dependencies=[needs(Deed.SEND)])
def do_all(here: Here, deed: Typed, query: TypedFilter, reason: Typed = "") -> Response:
    """Retry or cancel all that the filter finds, also what no page showed."""
    _check_state(_known(deed), query["state"])
    if not (said := reason.strip()):
        return _ask(here, deed, query, error="Say why: it is kept in the audit trail.", status=422)
    if deed == RETRY:
        done = queue.retry_jobs(
            here.conn,
            organization=here.tenant.slug,
            without=beyond(here),
            states=(query["state"] or "failed",),
            reason=said,
            actor=here.actor,
            now=here.now,
            **narrowing(query),
        )
    else:
        done = queue.cancel_jobs(
            here.conn,
            organization=here.tenant.slug,
            reason=said,
            actor=here.actor,
            now=here.now,
            **narrowing(query),
        )
    return here.redirect("jobs", flash=_done(deed, len(done)), **query)


@router.post("/jobs/{job_id}/retry", dependencies=[needs(Deed.SEND)])
def retry(here: Here, job_id: int) -> Response:
    """Let one job be tried again."""
    story = find(here, job_id)
    if story.job["kind"] in beyond(here):
        raise HTTPException(403, WHY_NOT[Deed.RUN])
    done = queue.retry_jobs(
        here.conn,
        organization=here.tenant.slug,
        job_ids=[job_id],
        states=RETRIED,
        reason=REASON,
        actor=here.actor,
        now=here.now,
    )
    words = f"Job {job_id} is tried again." if done else f"Job {job_id} has not been given up."
    return here.redirect(f"jobs/{job_id}", flash=words)


@router.post("/jobs/{job_id}/cancel", dependencies=[needs(Deed.SEND)])
def cancel(here: Here, job_id: int, reason: Typed = REASON) -> Response:
    """Cancel one job before it is sent."""
    find(here, job_id)
    try:
        queue.cancel_job(
            here.conn,
            job_id=job_id,
            reason=reason.strip() or REASON,
            actor=here.actor,
            now=here.now,
        )
    except DoclifeError as fault:
        return page(here, job_id, error=str(fault), status=409)
    return here.redirect(f"jobs/{job_id}", flash=f"Job {job_id} is cancelled; it can be retried.")


def beyond(here: Visit) -> Sequence[str]:
    """Return which kinds of jobs a person cannot set going again: somebody stopped them."""
    return () if here.may.run else queue.CHANGING


def _known(deed: str) -> str:
    if deed not in (RETRY, CANCEL):
        raise HTTPException(422, "Jobs are retried or cancelled here")
    return deed


def _check_state(deed: str, state: str) -> None:
    """Refuse what cannot be: the sentence beside the button would lie."""
    if deed == RETRY and state not in ("", *RETRIED):
        raise ConfigurationError("only failed and cancelled jobs are tried again: filter for those")
    if deed == CANCEL and state not in ("", "pending"):
        raise ConfigurationError("only waiting jobs can be cancelled: filter for pending ones")


def _ask(
    here: Visit, deed: str, query: Filter, *, error: str | None = None, status: int = 200
) -> Response:
    names = {
        "q": "that contain",
        "kind": "of kind",
        "endpoint": "to endpoint",
        "error": "with error",
    }
    return here.page(
        "jobs/all.html.j2",
        status=status,
        deed=deed,
        state="pending" if deed == CANCEL else query["state"] or "failed",
        query=query,
        said=[(words, query[name]) for name, words in names.items() if query[name]],
        most=queue.MAX_RETRIES,
        error=error,
    )


def _done(deed: str, count: int, *, asked: int | None = None) -> str:
    what = "tried again" if deed == RETRY else "cancelled"
    words = f"{count:,} {'job is' if count == 1 else 'jobs are'} {what}."
    if asked is not None and asked > count:
        why = "had not been given up" if deed == RETRY else "were being sent or had ended"
        words += f" The other {asked - count:,} {why}."
    return words
