"""Reports: those that were made, with their files, and a button that asks for one."""

import os
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_id
from doclife.dashboard.stores import document_stores
from doclife.dashboard.visit import Here, Visit
from doclife.delivery.paper import read_font
from doclife.errors import ConfigurationError
from doclife.lifecycle.reporting import (
    ReportRow,
    ask_for_report,
    find_report,
    list_reports,
    print_report,
)
from doclife.lifecycle.reporting import read_report as read_file

router = APIRouter()

Cursor = Annotated[str, Query(max_length=500)]
FILES = {
    "page": ("html", "text/html; charset=utf-8"),
    "table": ("csv", "text/csv; charset=utf-8"),
    "pdf": ("pdf", "application/pdf"),
}
"""What a report's files are called and are, by the end of their address."""


@router.get("/reports")
def index(here: Here, cursor: Cursor = "") -> Response:
    """Show the reports of the organization, the newest first."""
    rows = list_reports(
        here.conn, organization=here.tenant, before=read_id(cursor), size=PAGE_ROWS + 1
    )
    return here.page(
        "reports/list.html.j2",
        page=page_of(rows, limit=PAGE_ROWS, key=lambda row: row.report_id, cursor=cursor or None),
    )


@router.post("/reports", dependencies=[needs(Deed.SEND)])
def make(here: Here, days: Annotated[int, Form(ge=1, le=366)] = 7) -> Response:
    """Ask for a report over the last days; the queue makes it."""
    ask_for_report(
        here.conn,
        organization=here.tenant.slug,
        payload={"days": days, "send": "none"},
        actor=here.actor,
        now=here.now,
    )
    return here.redirect(
        "reports", flash="The report is asked for: the queue makes it in a moment."
    )


@router.get("/reports/{report_id}")
def show(here: Here, report_id: int) -> Response:
    """Show the numbers of a report, and where its files are."""
    return here.page("reports/show.html.j2", report=found(here, report_id))


@router.get("/reports/{report_id}/{kind}")
def download(here: Here, report_id: int, kind: str) -> Response:
    """Hand out one file of a report, after checking that it is what was written."""
    return file_of(here, found(here, report_id), kind)


def file_of(here: Visit, report: ReportRow, kind: str) -> Response:
    """Return what sends one file of a report.

    :raises HTTPException: 404, there is no such file.
    """
    if kind not in FILES:
        raise HTTPException(404, f"A report has a page, a table and a pdf, and no {kind}")
    ending, media_type = FILES[kind]
    stores = document_stores(here.conn)
    if kind == "pdf":
        font = read_font(os.environ)
        content = print_report(report, organization=here.tenant, stores=stores, font=font)
    else:
        content = read_file(report, is_table=kind == "table", stores=stores)
    name = f"{here.tenant.slug}_{report.starts_on}_{report.ends_on}_{report.job_id}.{ending}"
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox",
        },
    )


def found(here: Visit, report_id: int) -> ReportRow:
    """Return a report of the organization that the person looks at.

    :raises HTTPException: 404, it has none such.
    """
    try:
        return find_report(here.conn, organization=here.tenant, report_id=report_id)
    except ConfigurationError as error:
        raise HTTPException(404, f"There is no report {report_id} here") from error
