"""What was planned and done: every plan, who started it and what came of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from doclife.dashboard.paging import PAGE_ROWS, page_of, read_id
from doclife.dashboard.plots import Bar, Plot, Series, stacked_bars
from doclife.dashboard.rules.listing import PLAN_STATES, plan_state
from doclife.dashboard.spreadsheets import csv_file
from doclife.dashboard.visit import Here, Visit
from doclife.domain.rule import Mode
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.store import stored_plans

router = APIRouter()

Text = Annotated[str, Query(max_length=500)]

DAYS_SHOWN = 30
DAYS_PER_TICK = 3
EXPORTED_AT_MOST = 100_000
"""Rows of a CSV file; older plans come with a filter."""
SERIES = (
    Series(key="done", title="Done", css_class="ok-bar"),
    Series(key="skipped", title="Skipped", css_class="skip-bar"),
    Series(key="failed", title="Failed", css_class="bad-bar"),
)
COLUMNS = (
    "plan_id", "rule", "kind", "mode", "state", "requested_by", "dag_id", "run_id", "created_at",
    "applying_at", "applied_at", "document_count", "total_bytes", "done_count", "skipped_count",
    "failed_count", "unknown_count", "blocked_count", "approval_reason",
)  # fmt: skip
FAILED = "failed"
"""A choice beside the states of plans: something in it failed."""


@router.get("/history")
def show(
    here: Here, q: Text = "", state: Text = "", mode: Text = "", cursor: Text = ""
) -> Response:
    """Show a page of plans, the newest first, and what the last 30 days came to."""
    found = _find(here, q=q, state=state, mode=mode, before=read_id(cursor), size=PAGE_ROWS + 1)
    query = {"q": q, "state": state, "mode": mode}
    return here.page(
        "history/list.html.j2",
        page=page_of(found, limit=PAGE_ROWS, key=lambda plan: plan["plan_id"], cursor=cursor),
        plot=_plot(here),
        series=SERIES,
        plan_state=plan_state,
        query=query,
        is_filtered=any(query.values()),
        states=[
            ("", "Any state"),
            (FAILED, "Something failed"),
            *((str(each), words) for each, (_kind, words) in PLAN_STATES.items()),
        ],
        modes=[("", "Any mode"), (Mode.ENFORCE, "enforce"), (Mode.SIMULATE, "simulate")],
    )


@router.get("/history/export")
def export(here: Here, q: Text = "", state: Text = "", mode: Text = "") -> Response:
    """Send the same list as CSV."""
    name = f"doclife-history-{here.tenant.slug}-{here.today}"
    return csv_file(name, COLUMNS, _all(here, q=q, state=state, mode=mode))


def _all(here: Visit, **filters: str) -> Iterator[dict[str, Any]]:
    before: int | None = None
    for _ in range(EXPORTED_AT_MOST // 1000):
        found = _find(here, **filters, before=before, size=1000)
        yield from found
        if len(found) < 1000:
            return
        before = found[-1]["plan_id"]


def _find(
    here: Visit, *, q: str, state: str, mode: str, before: int | None, size: int
) -> list[dict[str, Any]]:
    if (fault := text_fault(q)) is not None:
        raise ConfigurationError(f"nothing can be searched for by a {fault}")
    return stored_plans.list_plans(
        here.conn,
        organization=here.tenant.slug,
        state=None if state in ("", FAILED) else state,
        mode=mode or None,
        search=q.strip() or None,
        is_failed=state == FAILED,
        before=before,
        size=size,
    )


def _plot(here: Visit) -> Plot | None:
    since = here.today - timedelta(days=DAYS_SHOWN - 1)
    found = {
        each.day: each
        for each in stored_plans.count_by_day(
            here.conn, organization_id=here.tenant.id, since=since, time_zone=here.tenant.time_zone
        )
    }
    if not found:
        return None
    bars = []
    for number in range(DAYS_SHOWN):
        day = since + timedelta(days=number)
        of_day = found.get(day)
        bars.append(
            Bar(
                label=f"{day:%-d %b}",
                tick=f"{day:%-d %b}" if number % DAYS_PER_TICK == 0 else None,
                values={}
                if of_day is None
                else {
                    "done": of_day.done_count,
                    "skipped": of_day.skipped_count,
                    "failed": of_day.failed_count,
                },
            )
        )
    done, failed = (sum(bar.values.get(key, 0) for bar in bars) for key in ("done", "failed"))
    label = f"Documents a day for {DAYS_SHOWN} days: {done:,} done, {failed:,} failed"
    return stacked_bars(bars, SERIES, label=label)
