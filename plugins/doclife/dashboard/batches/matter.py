"""One matter: why it was opened, and the documents that are or were under it."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from doclife.dashboard.documents.listing import STATUSES
from doclife.dashboard.paging import PAGE_ROWS, Page, read_name, write_cursor
from doclife.dashboard.visit import Here, Visit
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle.matters import MatterReport, report_matter

router = APIRouter()

HOLDS = {
    "held": ("waiting", "Held"),
    "released": ("none", "Released"),
    "too_late": ("failed", "Too late"),
}
"""Kind and word of what a matter does to a document, as its pill shows it."""


@router.get("/matters")
def show(
    here: Here,
    name: Annotated[str, Query(max_length=500)],
    cursor: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """Show a matter with a page of its documents, by external id."""
    found = find_report(here, name, after=read_name(cursor), size=PAGE_ROWS)
    return here.page(
        "batches/matter.html.j2",
        matter=found.matter,
        condition=found.condition,
        page=Page(
            rows=found.documents,
            next_cursor=None if found.next_after is None else write_cursor(found.next_after),
            is_first=not cursor,
        ),
        holds=HOLDS,
        pills=STATUSES,
    )


def find_report(here: Visit, name: str, *, after: str | None, size: int) -> MatterReport:
    """Return a matter of the organization with a page of its documents.

    :raises HTTPException: 404, it has none of that name.
    """
    if text_fault(name) is not None:
        raise HTTPException(404, "There is no such matter here")
    try:
        return report_matter(
            here.conn, organization=here.tenant.slug, name=name, after=after, size=size
        )
    except ConfigurationError:
        raise HTTPException(404, f"There is no matter {name!r} here") from None
