"""``/reports`` of the JSON API: those that were made, their files, and asking for one."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard import reports
from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Cursor, Limit
from doclife.dashboard.api.jobs import StoredJob
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_id
from doclife.dashboard.reports import FILES
from doclife.dashboard.visit import Here
from doclife.lifecycle.reporting import ask_for_report, list_reports

router = APIRouter(route_class=OnceRoute, tags=["reports"])

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as it was written.",
        "content": {kind: {"schema": {"type": "string"}} for _ending, kind in FILES.values()},
    }
}


class ReportBody(BaseModel):
    """A report that was made; its files are `/reports/{report_id}/page` and `.../table`."""

    model_config = ConfigDict(from_attributes=True)

    report_id: int
    job_id: int
    starts_on: date
    ends_on: date
    made_at: datetime
    requested_by: str
    html_uri: str
    html_bytes: int
    csv_uri: str
    csv_bytes: int
    summary: dict[str, Any]


class ReportsPage(BaseModel):
    """A page of reports, the newest first."""

    items: list[ReportBody]
    next_cursor: str | None


class NewReport(BaseModel):
    """A report over the last whole days."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Field(ge=1, le=366)] = 7


@router.get("/reports")
def list_all(here: Here, cursor: Cursor = "", limit: Limit = PAGE_ROWS) -> ReportsPage:
    """List the reports of the organization, the newest first."""
    rows = list_reports(here.conn, organization=here.tenant, before=read_id(cursor), size=limit + 1)
    page = page_of(rows, limit=limit, key=lambda row: row.report_id, cursor=cursor)
    return ReportsPage(
        items=[ReportBody.model_validate(row) for row in page.rows], next_cursor=page.next_cursor
    )


@router.post("/reports", status_code=status.HTTP_202_ACCEPTED, dependencies=[needs(Deed.SEND)])
def make(here: Here, body: NewReport) -> StoredJob:
    """Ask for a report; the queue makes it, and the job says when."""
    job_id = ask_for_report(
        here.conn,
        organization=here.tenant.slug,
        payload={"days": body.days, "send": "none"},
        actor=here.actor,
        now=here.now,
    )
    return StoredJob(job_id=job_id)


@router.get("/reports/{report_id}")
def show(here: Here, report_id: int) -> ReportBody:
    """Return the numbers of one report, and where its files are."""
    return ReportBody.model_validate(reports.found(here, report_id))


@router.get("/reports/{report_id}/{kind}", response_class=Response, responses=FILE)
def download(here: Here, report_id: int, kind: Literal["page", "table", "pdf"]) -> Response:
    """Return one file of a report, after checking that it is what was written; the PDF is made."""
    return reports.file_of(here, reports.found(here, report_id), kind)
