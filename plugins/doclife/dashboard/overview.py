"""What needs a person today: four numbers, and what matters in order of urgency."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from doclife.dashboard.erasure.listing import SOON
from doclife.dashboard.integrations.listing import slack_integrations
from doclife.dashboard.plans.titles import title_of
from doclife.dashboard.rules.listing import plan_state
from doclife.dashboard.visit import Here, Visit
from doclife.lifecycle import belts, erasure_requests, notifications
from doclife.lifecycle.fixity_report import in_words
from doclife.store import fixity, reports, stored_plans
from doclife.store.reports import Today

router = APIRouter()

MOST_COUNTED = 10_001
"""More than that is ``10,000+``."""
FAILED_WITHIN = timedelta(days=7)
SHOWN_OF_A_KIND = 3
LATEST_PLANS = 6


@dataclass(frozen=True, kw_only=True)
class Matter:
    """One thing that matters today."""

    icon: str
    tone: str
    """``bad``, ``wrn`` or ``muted``."""
    title: str
    text: str
    link: str
    button: str
    is_first: bool = False
    """Whether a person should begin with it: the primary button."""


@router.get("/")
def show(here: Here) -> Response:
    """Show the summary cards and what matters today."""
    today = reports.count_today(
        here.conn,
        organization_id=here.tenant.id,
        today=here.today,
        failed_since=here.now - FAILED_WITHIN,
        most=MOST_COUNTED,
    )
    unread = notifications.count_unread(
        here.conn, organization=here.tenant, recipients=here.recipients
    )
    return here.page(
        "overview.html.j2",
        today_counts=today,
        slack=slack_integrations(active=today.slack_active, paused=today.slack_paused),
        unread=sum(unread.values()),
        alerts=unread.get("alert", 0),
        count=at_most,
        matters=list(_matters(here, today)),
        plans=stored_plans.list_plans(here.conn, organization=here.tenant.slug, size=LATEST_PLANS),
        plan_state=plan_state,
    )


def at_most(number: int, *, most: int = MOST_COUNTED) -> str:
    """Return a number whose counting ended somewhere: ``1,234`` or ``10,000+``."""
    return f"{most - 1:,}+" if number >= most else f"{number:,}"


def _matters(here: Visit, today: Today) -> Iterator[Matter]:
    tripped = [
        plan
        for plan in belts.list_tripped(here.conn, now=here.now, organization=here.tenant.slug)
        if plan.state == "needs_approval"
    ][:SHOWN_OF_A_KIND]
    for stopped in tripped:
        yield Matter(
            icon="stop",
            tone="bad",
            title=f"A breaker stopped {stopped.rule or stopped.kind}",
            text=f"{'; '.join(map(str, stopped.trips))}. Nothing was done.",
            link=here.link(f"plans/{stopped.plan_id}"),
            button="See why",
        )
    yield from _damaged(here)
    yield from _to_be_answered(here)
    yield from _waiting(here, today, known={plan.plan_id for plan in tripped})
    if today.jobs_failed:
        yield Matter(
            icon="hook",
            tone="bad",
            title=f"{_things(today.jobs_failed, 'job')} failed for good within 7 days",
            text="They are kept whole; look at the last error, then retry them.",
            link=here.link("jobs", state="failed"),
            button="See failed jobs",
        )
    if today.documents_expiring:
        yield Matter(
            icon="bell",
            tone="muted",
            title=f"{_things(today.documents_expiring, 'document')} "
            f"{'expires' if today.documents_expiring == 1 else 'expire'} within 30 days",
            text="What is still needed gets a later date, or a hold.",
            link=here.link(
                "documents",
                status="active",
                expires_before=(here.today + timedelta(days=31)).isoformat(),
            ),
            button="Show documents",
        )


def _damaged(here: Visit) -> Iterator[Matter]:
    found = fixity.list_open(
        here.conn, organization_id=here.tenant.id, document_id=None, size=SHOWN_OF_A_KIND
    )
    for damage in found:
        yield Matter(
            icon="alert",
            tone="bad",
            title=f"{damage.external_id} stands on damaged bytes",
            text=f"Since {damage.found_at:%Y-%m-%d}: {in_words(damage)}.",
            link=here.link(f"documents/{damage.document_id}"),
            button="See the document",
        )


def _to_be_answered(here: Visit) -> Iterator[Matter]:
    """Name requests by number: not everybody who sees this may know the persons."""
    found = erasure_requests.list_open(
        here.conn, organization=here.tenant, due_by=here.today + SOON, size=SHOWN_OF_A_KIND
    )
    for request in found:
        is_late = request.due_on < here.today
        yield Matter(
            icon="clock",
            tone="bad" if is_late else "wrn",
            title=f"Erasure request {request.request_id} "
            f"{'is late' if is_late else 'must be answered soon'}",
            text=f"The person must have an answer by {request.due_on}.",
            link=here.link(f"erasure/{request.request_id}"),
            button="See the request",
        )


def _waiting(here: Visit, today: Today, *, known: set[int]) -> Iterator[Matter]:
    waiting: list[dict[str, Any]] = stored_plans.list_plans(
        here.conn, organization=here.tenant.slug, state="needs_approval", size=2 * SHOWN_OF_A_KIND
    )
    shown = [plan for plan in waiting if plan["plan_id"] not in known][:SHOWN_OF_A_KIND]
    for plan in shown:
        yield Matter(
            icon="clock",
            tone="wrn",
            title=f"{title_of(plan)}: "
            f"{_things(plan['document_count'], 'document')} wait for approval",
            text=f"Plan {plan['plan_id']}: {plan['approval_reason']}.",
            link=here.link(f"plans/{plan['plan_id']}"),
            button="Review plan",
            is_first=plan is shown[0],
        )
    more = today.plans_waiting - len(shown) - len(known)
    if more > 0:
        yield Matter(
            icon="clock",
            tone="wrn",
            title=f"{_things(more, 'more plan')} wait for approval",
            text="A plan that nobody answers lapses after 7 days.",
            link=here.link("history", state="needs_approval"),
            button="See all",
        )


def _things(number: int, name: str) -> str:
    return f"{at_most(number)} {name}{'' if number == 1 else 's'}"
