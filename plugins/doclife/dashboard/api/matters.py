"""``/matters`` of the JSON API: why documents are held, and which."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from doclife.dashboard.api.asking import Asked, Cursor, Limit
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.batches.matter import find_report
from doclife.dashboard.paging import PAGE_ROWS, read_name, write_cursor
from doclife.dashboard.visit import Here
from doclife.lifecycle import matters
from doclife.lifecycle.matters import MatterLine

router = APIRouter(route_class=OnceRoute, tags=["documents"])


class MattersBody(BaseModel):
    """The matters of an organization: the open ones first, then the newest."""

    items: list[MatterLine]
    next_cursor: None = None


class MatterPage(BaseModel):
    """A matter with a page of the documents that are or were under it, by external id."""

    matter: MatterLine
    condition: str | None = Field(
        description="What also catches documents that are registered or changed later."
    )
    items: list[dict[str, Any]]
    next_cursor: str | None


@router.get("/matters")
def list_matters(
    here: Here,
    closed: Annotated[bool, Query(description="Those that were released too.")] = False,
) -> MattersBody:
    """List matters with how many documents each holds."""
    found = matters.list_matters(here.conn, organization=here.tenant.slug, with_closed=closed)
    return MattersBody(items=found)


@router.get("/matters/-/documents")
def show_matter(
    here: Here, name: Asked, cursor: Cursor = "", limit: Limit = PAGE_ROWS
) -> MatterPage:
    """Return a matter by its name, which may hold any character, with a page of its documents."""
    found = find_report(here, name, after=read_name(cursor), size=limit)
    return MatterPage(
        matter=found.matter,
        condition=found.condition,
        items=list(found.documents),
        next_cursor=None if found.next_after is None else write_cursor(found.next_after),
    )
