"""``/schedules`` of the JSON API: jobs that are stored, and rules that are planned, by cron."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Cursor, Limit, Line, Object, check_kind
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_name
from doclife.dashboard.visit import Here, Visit
from doclife.domain.text import text_fault
from doclife.lifecycle import scheduling
from doclife.store import schedules
from doclife.store.schedules import Schedule

router = APIRouter(route_class=OnceRoute, tags=["schedules"])


class ScheduleBody(BaseModel):
    """A job that is stored, or a rule that is planned, again and again."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    cron: str
    time_zone: str
    kind: str
    payload: dict[str, Any]
    missed_runs: str
    rule_id: int | None = Field(description="The rule it is of; null for one that stores jobs.")
    is_active: bool
    last_run_at: datetime | None
    next_run_at: datetime | None
    last_state: str | None


class SchedulesPage(BaseModel):
    """A page of the scheduled jobs of an organization, by name."""

    items: list[ScheduleBody]
    next_cursor: str | None


class ChangedSchedule(BaseModel):
    """What to store again and again, and when."""

    model_config = ConfigDict(extra="forbid")

    cron: Line = Field(description="Five fields, e.g. `0 8 * * mon`.")
    time_zone: Line | None = Field(default=None, description="Null is the organization's.")
    kind: Line
    payload: Object
    missed_runs: Literal["skip", "latest", "all"] = "latest"


class NewSchedule(ChangedSchedule):
    """A job to store again and again."""

    name: Line


class RunBody(BaseModel):
    """What running one now has stored."""

    job_id: int | None = Field(description="Null: it is of a rule, which is due now.")


@router.get("/schedules")
def list_schedules(here: Here, cursor: Cursor = "", limit: Limit = PAGE_ROWS) -> SchedulesPage:
    """List the scheduled jobs, and the rules with a cron of their own."""
    found = schedules.list_page(
        here.conn, organization=here.tenant.slug, after=read_name(cursor), size=limit + 1
    )
    page = page_of(found, limit=limit, key=lambda one: one.name, cursor=cursor)
    return SchedulesPage(items=[_body(one) for one in page.rows], next_cursor=page.next_cursor)


@router.post("/schedules", status_code=status.HTTP_201_CREATED, dependencies=[needs(Deed.EDIT)])
def add_schedule(here: Here, body: NewSchedule) -> ScheduleBody:
    """Schedule a job; archive and delete jobs need the right to run rules too."""
    check_kind(here, body.kind)
    added = scheduling.add_schedule(
        here.conn,
        organization=here.tenant.slug,
        name=body.name,
        cron=body.cron,
        time_zone=body.time_zone or here.tenant.time_zone,
        kind=body.kind,
        payload=body.payload,
        missed_runs=body.missed_runs,
        actor=here.actor,
        now=here.now,
    )
    return _body(added)


@router.get("/schedules/{name}")
def show_schedule(here: Here, name: str) -> ScheduleBody:
    """Return one scheduled job."""
    return _body(_find(here, name))


@router.put("/schedules/{name}", dependencies=[needs(Deed.EDIT)])
def change_schedule(here: Here, name: str, body: ChangedSchedule) -> ScheduleBody:
    """Change what is stored and when; what was missed before is not made up for."""
    found = _find(here, name)
    check_kind(here, found.kind)
    check_kind(here, body.kind)
    changed = scheduling.change_schedule(
        here.conn,
        found,
        cron=body.cron,
        time_zone=body.time_zone or here.tenant.time_zone,
        kind=body.kind,
        payload=body.payload,
        missed_runs=body.missed_runs,
        actor=here.actor,
        now=here.now,
    )
    return _body(changed)


@router.post("/schedules/{name}/pause", dependencies=[needs(Deed.EDIT)])
def pause(here: Here, name: str) -> ScheduleBody:
    """Let no more jobs come of it until it is resumed."""
    scheduling.pause(here.conn, _find(here, name), actor=here.actor, now=here.now)
    return _body(_find(here, name))


@router.post("/schedules/{name}/resume", dependencies=[needs(Deed.EDIT)])
def resume(here: Here, name: str) -> ScheduleBody:
    """Let it go on; the times of the pause are not made up for."""
    scheduling.resume(here.conn, _find(here, name), actor=here.actor, now=here.now)
    return _body(_find(here, name))


@router.post("/schedules/{name}/run", dependencies=[needs(Deed.SEND)])
def run_now(here: Here, name: str) -> RunBody:
    """Store its job once more now; what changes documents needs the right to run rules too."""
    found = _find(here, name)
    check_kind(here, "delete" if found.rule_id is not None else found.kind)
    return RunBody(job_id=scheduling.run_now(here.conn, found, actor=here.actor, now=here.now))


@router.delete(
    "/schedules/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[needs(Deed.EDIT)],
)
def cancel(here: Here, name: str) -> None:
    """Forget it; the jobs that it has stored stay. 409 when it is of a rule."""
    scheduling.cancel(here.conn, _find(here, name), actor=here.actor, now=here.now)


def _find(here: Visit, name: str) -> Schedule:
    found = []
    if text_fault(name) is None:
        found = schedules.list_all(here.conn, organization=here.tenant.slug, name=name)
    if not found:
        raise HTTPException(404, f"There is no schedule {name!r} here")
    return found[0]


def _body(schedule: Schedule) -> ScheduleBody:
    return ScheduleBody.model_validate(schedule)
