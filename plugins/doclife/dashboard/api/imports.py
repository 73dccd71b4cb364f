"""``/imports`` of the JSON API: how far imports have come, and how the others ended."""

from fastapi import APIRouter
from pydantic import BaseModel

from doclife.dashboard.api.asking import Limit
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.paging import PAGE_ROWS
from doclife.dashboard.visit import Here
from doclife.lifecycle import import_running
from doclife.lifecycle.import_running import ImportRun

router = APIRouter(route_class=OnceRoute, tags=["documents"])


class ImportsBody(BaseModel):
    """The newest imports, the newest first; older ones stand in the audit trail."""

    items: list[ImportRun]
    next_cursor: None = None


@router.get("/imports")
def list_imports(here: Here, limit: Limit = PAGE_ROWS) -> ImportsBody:
    """List imports: what there is to read, what is done, and whether the process lives."""
    found = import_running.list_imports(here.conn, organization=here.tenant.slug, size=limit)
    return ImportsBody(items=list(found))
