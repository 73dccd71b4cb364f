"""What the rules will do month by month, as a plot and as a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from doclife.dashboard.plots import Bar, Plot, Series, stacked_bars
from doclife.dashboard.visit import Here
from doclife.lifecycle.forecasting import MONTHS_AHEAD, ForecastCount
from doclife.lifecycle.forecasting import forecast as look_ahead
from doclife.store import forecasts

router = APIRouter()

SERIES = (
    Series(key="ARCHIVE", title="Archive", css_class="ar-bar"),
    Series(key="DELETE", title="Delete", css_class="de-bar"),
    Series(key="PURGE", title="Purge", css_class="bad-bar"),
)
DRAWN = {one.key for one in SERIES}
"""Notices and calls do not change a document: only the table by rule counts them."""
MONTHS_PER_TICK = 3
OUTSIDE = {
    "overdue": "overdue now",
    "later": "later than shown",
    "never": "never: retained for good, or until an event",
    "held": "held: nobody knows when",
}


@dataclass(frozen=True, kw_only=True)
class RuleRow:
    """What one rule does with one action, in the months shown or outside of them."""

    rule: str
    mode: str | None
    action: str
    when: str
    documents: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class MonthRow:
    """One month in numbers."""

    month: date
    documents: Counter[str]
    """By action."""
    size_bytes: int


@router.get("/forecast")
def show(here: Here, rule: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Show 24 months ahead, from the forecast that the last night rebuilt."""
    found = look_ahead(
        here.conn,
        organization=here.tenant.slug,
        now=here.now,
        months=MONTHS_AHEAD,
        rule=rule or None,
    )
    names = [
        one.rule
        for one in forecasts.list_records(here.conn, organization_id=here.tenant.id, rule=None)
    ]
    acting = [one for one in found.counts if one.mode != "simulate"]
    simulated = [one for one in found.counts if one.mode == "simulate"]
    months = by_month(found.months, [one for one in acting if one.action in DRAWN])
    sums = sum((month.documents for month in months), Counter[str]())
    return here.page(
        "forecast/show.html.j2",
        found=found,
        plot=_plot(months, sums) if sums else None,
        series=SERIES,
        months=months,
        sums=sums,
        rows=by_rule(acting),
        simulated=by_rule(simulated),
        unknown=[one for one in found.rules if one.unknown_count],
        query={"rule": rule},
        rule_choices=[("", "All rules"), *((name, name) for name in names)],
    )


def by_month(months: Sequence[date], counts: Sequence[ForecastCount]) -> list[MonthRow]:
    """Return every month in order, also those in which nothing happens."""
    rows = {month: MonthRow(month=month, documents=Counter(), size_bytes=0) for month in months}
    sizes: Counter[date] = Counter()
    for one in counts:
        if one.month in rows:
            rows[one.month].documents[one.action] += one.documents
            sizes[one.month] += one.size_bytes
    return [replace(row, size_bytes=sizes[row.month]) for row in rows.values()]


def by_rule(counts: Sequence[ForecastCount]) -> list[RuleRow]:
    """Return what each rule does within the months shown, and outside of them."""
    documents: Counter[tuple[str, str | None, str, str]] = Counter()
    sizes: Counter[tuple[str, str | None, str, str]] = Counter()
    for one in counts:
        name = f"{one.rule}@{one.version}" if one.rule else "in the trash now"
        key = (name, one.mode, one.action, OUTSIDE.get(one.bucket, "in these months"))
        documents[key] += one.documents
        sizes[key] += one.size_bytes
    return [
        RuleRow(
            rule=key[0],
            mode=key[1],
            action=key[2],
            when=key[3],
            documents=documents[key],
            size_bytes=sizes[key],
        )
        for key in documents
    ]


def _plot(months: Sequence[MonthRow], sums: Counter[str]) -> Plot:
    bars = [
        Bar(
            label=f"{row.month:%b %Y}",
            tick=f"{row.month:%b %Y}" if number % MONTHS_PER_TICK == 0 else None,
            values=row.documents,
        )
        for number, row in enumerate(months)
    ]
    in_all = ", ".join(f"{one.title.lower()} {sums[one.key]:,}" for one in SERIES)
    return stacked_bars(bars, SERIES, label=f"Documents a month for {len(bars)} months: {in_all}")
