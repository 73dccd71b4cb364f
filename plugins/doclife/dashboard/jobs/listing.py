"""The queue by state and kind, a list of its jobs, and the plans that run now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response

from doclife.dashboard import moments
from doclife.dashboard.jobs.filtering import LISTED_STATES, Asked, AskedFilter, find_page
from doclife.dashboard.jobs.importing import shown_imports
from doclife.dashboard.paging import PAGE_ROWS
from doclife.dashboard.visit import Here, Visit
from doclife.lifecycle.jobs import COMPLETED_WITHIN, COUNTED_AT_MOST, count_jobs
from doclife.lifecycle.queue import KINDS
from doclife.store import progress
from doclife.store.progress import RunningPlan

router = APIRouter()

RUNNING_SHOWN = 10
STATES = {
    "pending": ("queued", "Pending"),
    "processing": ("running", "Being sent"),
    "failed": ("failed", "Failed"),
    "cancelled": ("none", "Cancelled"),
    "completed": ("success", "Completed"),
}
"""Kind and word of each state, as its pill shows it."""


@dataclass(frozen=True, kw_only=True)
class KindOfJob:
    """How many jobs of one kind are in each state."""

    kind: str
    counts: Mapping[str, int]
    more: frozenset[str]
    """The states of which there are more than were counted."""

    def of(self, state: str) -> int:
        """How many are in a state, as far as they were counted."""
        return self.counts.get(state, 0)

    def text(self, state: str) -> str:
        """How many are in a state: ``1,234`` or ``10,000+``."""
        return f"{self.of(state):,}{'+' if state in self.more else ''}"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A plan that is being applied, with its pace."""

    plan: RunningPlan
    percent: int
    pace: str
    """``41 items a second, about 1 min 50 s left``; empty while it cannot be told."""


@router.get("/jobs")
def show(here: Here, query: AskedFilter, cursor: Asked = "") -> Response:
    """Show what runs, the queue by kind and state, and a page of jobs, the newest first."""
    kinds = _count(here)
    oldest = min(
        (row["oldest_at"] for row in kinds.rows if row["state"] == "pending"), default=None
    )
    return here.page(
        "jobs/list.html.j2",
        page=find_page(here, query, cursor=cursor, limit=PAGE_ROWS),
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
        imports=shown_imports(here),
    )


@router.get("/jobs/running")
def show_running(here: Here) -> Response:
    """Return how far running plans and imports have come, for the page that shows it."""
    return here.partial("jobs/running.html.j2", running=running(here), imports=shown_imports(here))


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
                more=self.more,
            )
            for name in names
        ]

    @property
    def totals(self) -> KindOfJob:
        counts = {
            state: sum(row["jobs"] for row in self.rows if row["state"] == state)
            for state in STATES
        }
        return KindOfJob(kind="All", counts=counts, more=self.more)

    @property
    def more(self) -> frozenset[str]:
        return frozenset(row["state"] for row in self.rows if not row["is_whole"])


def _count(here: Visit) -> _Counts:
    rows = count_jobs(here.conn, now=here.now, organization=here.tenant.slug, most=COUNTED_AT_MOST)
    return _Counts(rows=rows)
