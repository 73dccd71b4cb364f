"""The queue by state and kind, a list of its jobs, and the plans that run now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from doclife.dashboard import moments
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_id
from doclife.dashboard.visit import Here, Visit
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle.jobs import COMPLETED_WITHIN, count_jobs, list_jobs
from doclife.lifecycle.queue import KINDS
from doclife.store import progress
from doclife.store.progress import RunningPlan

router = APIRouter()

Text = Annotated[str, Query(max_length=500)]

RUNNING_SHOWN = 10
STATES = {
    "pending": ("queued", "Pending"),
    "processing": ("running", "Being sent"),
    "failed": ("failed", "Failed"),
    "cancelled": ("none", "Cancelled"),
    "completed": ("success", "Completed"),
}
"""Kind and word of each state, as its pill shows it."""
LISTED_STATES = ("pending", "processing", "failed", "cancelled")
"""Completed jobs are counted, and found by their number."""


@dataclass(frozen=True, kw_only=True)
class KindOfJob:
    """How many jobs of one kind are in each state."""

    kind: str
    counts: Mapping[str, int]

    def of(self, state: str) -> int:
        """How many are in a state."""
        return self.counts.get(state, 0)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A plan that is being applied, with its pace."""

    plan: RunningPlan
    percent: int
    pace: str
    """``41 items a second, about 1 min 50 s left``; empty while it cannot be told."""


@router.get("/jobs")
def show(
    here: Here,
    q: Text = "",
    state: Text = "",
    kind: Text = "",
    endpoint: Text = "",
    error: Text = "",
    cursor: Text = "",
) -> Response:
    """Show what runs, the queue by kind and state, and a page of jobs, the newest first."""
    query = read_filter(q=q, state=state, kind=kind, endpoint=endpoint, error=error)
    found = list_jobs(
        here.conn,
        now=here.now,
        organization=here.tenant.slug,
        state=query["state"] or None,
        before=read_id(cursor),
        size=PAGE_ROWS + 1,
        **narrowing(query),
    )
    kinds = _count(here)
    oldest = min(
        (row["oldest_at"] for row in kinds.rows if row["state"] == "pending"), default=None
    )
    return here.page(
        "jobs/list.html.j2",
        page=page_of(found, limit=PAGE_ROWS, key=lambda job: job["job_id"], cursor=cursor),
        query=query,
        is_filtered=any(query.values()),
        kinds=kinds.kinds,
        totals=kinds.totals,
        oldest=oldest,
        completed_days=COMPLETED_WITHIN.days,
        pills=STATES,
        states=[("", "Any state"), *((each, STATES[each][1]) for each in LISTED_STATES)],
        kind_choices=[("", "Any kind"), *((each, each) for each in KINDS)],
        running=running(here),
    )


@router.get("/jobs/running")
def show_running(here: Here) -> Response:
    """Return how far running plans have come, for the page that shows it."""
    return here.partial("jobs/running.html.j2", running=running(here))


def read_filter(*, q: str, state: str, kind: str, endpoint: str, error: str) -> dict[str, str]:
    """Return the fields of the search form, trimmed.

    :raises ConfigurationError: one of them cannot be searched for.
    """
    query = {"q": q, "state": state, "kind": kind, "endpoint": endpoint, "error": error}
    for text in query.values():
        if (fault := text_fault(text)) is not None:
            raise ConfigurationError(f"nothing can be searched for by a {fault}")
    query = {name: text.strip() for name, text in query.items()}
    if query["state"] and query["state"] not in LISTED_STATES:
        raise ConfigurationError(f"jobs are {', '.join(LISTED_STATES)}, not {state!r}")
    if query["kind"] and query["kind"] not in KINDS:
        raise ConfigurationError(f"{kind!r} is no kind of job; there are {', '.join(KINDS)}")
    return query


def narrowing(query: Mapping[str, str]) -> dict[str, Any]:
    """Return all of the filter but the state, as the queue's functions take it."""
    return {
        "kind": query["kind"] or None,
        "endpoint": query["endpoint"] or None,
        "words": query["q"] or None,
        "error": query["error"] or None,
    }


def running(here: Visit) -> list[Running]:
    """Return the plans that are being applied."""
    found = progress.list_running(here.conn, organization_id=here.tenant.id, size=RUNNING_SHOWN)
    return [
        Running(
            plan=plan,
            percent=plan.finished * 100 // plan.items if plan.items else 0,
            pace=pace_of(plan, now=here.now),
        )
        for plan in found
    ]


def pace_of(plan: RunningPlan, *, now: datetime) -> str:
    """Return the pace of a plan since it began, and how long it takes at that pace."""
    if plan.applying_at is None or not plan.finished:
        return ""
    seconds = (now - plan.applying_at).total_seconds()
    if seconds <= 0:
        return ""
    rate = plan.finished / seconds
    left = moments.duration((plan.items - plan.finished) / rate)
    said = f"{rate:,.0f} items a second" if rate >= 1 else f"{rate * 60:,.1f} items a minute"
    return f"{said}, about {left} left"


@dataclass(frozen=True, kw_only=True)
class _Counts:
    rows: list[dict[str, Any]]

    @property
    def kinds(self) -> list[KindOfJob]:
        names = sorted({row["kind"] for row in self.rows})
        return [
            KindOfJob(
                kind=name,
                counts={row["state"]: row["jobs"] for row in self.rows if row["kind"] == name},
            )
            for name in names
        ]

    @property
    def totals(self) -> KindOfJob:
        counts = {
            state: sum(row["jobs"] for row in self.rows if row["state"] == state)
            for state in STATES
        }
        return KindOfJob(kind="All", counts=counts)


def _count(here: Visit) -> _Counts:
    return _Counts(rows=count_jobs(here.conn, now=here.now, organization=here.tenant.slug))
