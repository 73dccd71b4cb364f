"""The list of rules: what each does, how it ran last, when it runs next and what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from airflow import settings
from fastapi import APIRouter, Query, Response

from doclife.dashboard.paging import PAGE_ROWS, Page, page_of, read_name
from doclife.dashboard.rules import wording
from doclife.dashboard.visit import Here, Visit
from doclife.domain.actions import ActionType
from doclife.domain.cron import next_time
from doclife.domain.organization import Organization
from doclife.domain.plan import PlanState
from doclife.domain.rule import Mode, Rule, TriggerType
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.store import rule_list
from doclife.store.rule_list import RuleRow

router = APIRouter()

NIGHT = "0 3 * * *"
"""When ``execute_automation_rules`` plans rules that have no cron of their own."""
PLAN_STATES = {
    PlanState.PLANNED: ("queued", "Planned"),
    PlanState.NEEDS_APPROVAL: ("waiting", "Waits"),
    PlanState.APPROVED: ("queued", "Approved"),
    PlanState.REJECTED: ("none", "Rejected"),
    PlanState.SUPERSEDED: ("none", "Superseded"),
    PlanState.LAPSED: ("none", "Lapsed"),
    PlanState.APPLYING: ("running", "Applying"),
    PlanState.APPLIED: ("success", "Done"),
    PlanState.UNDONE: ("deferred", "Undone"),
}


@dataclass(frozen=True, kw_only=True)
class ListedRule:
    """One row of the list, in words."""

    row: RuleRow
    rule: Rule
    next_run_at: datetime | None
    state: tuple[str, str] | None
    """Kind and word of its newest plan; None: it never ran."""

    @property
    def next_words(self) -> str:
        """What stands where there is no moment."""
        if self.rule.mode is Mode.OFF:
            return "never, it is off"
        if not self.rule.actions:
            return "it only retains"
        return "on the next event"


def plan_state(
    state: str, *, mode: str, is_tripped: bool = False, failed: int = 0
) -> tuple[str, str]:
    """Return kind and word for the state of a plan, as its pill shows it."""
    if mode == Mode.SIMULATE:
        return "none", "Simulated"
    if state == PlanState.NEEDS_APPROVAL and is_tripped:
        return "failed", "Breaker"
    if failed:
        return "failed", f"{failed:,} failed"
    return PLAN_STATES[PlanState(state)]


def night_zone() -> ZoneInfo:
    """Return the time zone in which Airflow starts the night."""
    return ZoneInfo(str(settings.TIMEZONE))


def next_run(
    rule: Rule, *, tenant: Organization, night_zone: ZoneInfo, now: datetime
) -> datetime | None:
    """Return when a rule is looked at next; None when no clock says so.

    :param night_zone: in which Airflow starts the night.
    """
    if rule.mode is Mode.OFF or not rule.actions:
        return None
    trigger = rule.trigger
    if trigger.type is TriggerType.ON_EVENT and rule.retain is None:
        return None
    if trigger.cron is not None:
        zone = ZoneInfo(trigger.time_zone or tenant.time_zone)
        return next_time(trigger.cron, zone=zone, after=now)
    return next_time(NIGHT, zone=night_zone, after=now)


def find_page(
    here: Visit,
    *,
    search: str = "",
    mode: str = "",
    action: str = "",
    trigger: str = "",
    cursor: str = "",
    limit: int = PAGE_ROWS,
) -> Page[ListedRule]:
    """Return a page of the rules that the filters let through."""
    after = read_name(cursor) or ""
    if (fault := text_fault(search)) is not None:
        raise ConfigurationError(f"nothing can be searched for by a {fault}")
    found = rule_list.list_page(
        here.conn,
        here.tenant.id,
        today=here.today,
        search=search.strip() or None,
        mode=mode or None,
        action=action or None,
        trigger=trigger or None,
        after=after,
        size=limit + 1,
    )
    rows = [_listed(row, here) for row in found]
    return page_of(rows, limit=limit, key=lambda one: one.rule.name, cursor=cursor)


@router.get("/rules")
def show(
    here: Here,
    q: str = "",
    mode: str = "",
    action: str = "",
    trigger: str = "",
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Show a page of the rules in use."""
    page = find_page(here, search=q, mode=mode, action=action, trigger=trigger, cursor=cursor)
    query = {"q": q, "mode": mode, "action": action, "trigger": trigger}
    return here.page(
        "rules/list.html.j2",
        page=page,
        query=query,
        is_filtered=any(query.values()),
        modes=_options("Any mode", list(Mode)),
        actions=_options("Any action", list(ActionType)),
        triggers=[("", "Any trigger"), *wording.TRIGGERS_IN_WORDS.items()],
    )


def _listed(row: RuleRow, here: Visit) -> ListedRule:
    rule = Rule.from_document(row.definition)
    state = None
    if row.plan_state is not None:
        state = plan_state(
            row.plan_state,
            mode=row.plan_mode or "",
            is_tripped=row.is_tripped,
            failed=row.failed_count or 0,
        )
    return ListedRule(
        row=row,
        rule=rule,
        next_run_at=next_run(rule, tenant=here.tenant, night_zone=night_zone(), now=here.now),
        state=state,
    )


def _options(anything: str, words: Sequence[str]) -> list[tuple[str, str]]:
    return [("", anything), *((str(word), str(word)) for word in words)]
