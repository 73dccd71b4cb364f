"""``/audit`` of the JSON API: who changed what, when and why, and that nobody changed that."""

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from doclife.dashboard.api.asking import Asked, Cursor, Limit
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.far_calls import VERIFICATION
from doclife.dashboard.paging import LARGEST_ID, PAGE_ROWS, page_of, read_id
from doclife.dashboard.visit import Here
from doclife.domain.premis import PremisEvent, premis_event
from doclife.lifecycle.auditing import Verification, verify_chain
from doclife.store import audit
from doclife.store.audit import AuditEntry

router = APIRouter(route_class=OnceRoute, tags=["audit"])

Number = Annotated[int, Query(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditLine(AuditEntry):
    """One change, and what it is called in digital preservation."""

    premis_event: PremisEvent | None
    """Of http://id.loc.gov/vocabulary/preservation/eventType; null: no preservation event."""


class AuditPage(BaseModel):
    """A page of the audit trail, the newest first."""

    items: list[AuditLine]
    next_cursor: str | None


@router.get("/audit")
def list_audit(
    here: Here,
    document_id: Number | None = None,
    plan_id: Number | None = None,
    actor: Annotated[Asked, Query(description="As it stands there, e.g. user:olga.")] = "",
    cursor: Cursor = "",
    limit: Limit = PAGE_ROWS,
) -> AuditPage:
    """List changes, the newest first; all that is asked for must fit."""
    found = audit.list_page(
        here.conn,
        organization_id=here.tenant.id,
        document_id=document_id,
        plan_id=plan_id,
        actor=actor or None,
        before=read_id(cursor),
        size=limit + 1,
    )
    page = page_of(found, limit=limit, key=lambda entry: entry.entry_id, cursor=cursor)
    lines = [
        AuditLine(**asdict(entry), premis_event=premis_event(entry.action)) for entry in page.rows
    ]
    return AuditPage(items=lines, next_cursor=page.next_cursor)


@router.get("/audit/verify", dependencies=[VERIFICATION])
def verify_audit(here: Here) -> Verification:
    """Verify the organization's whole audit chain, and name what does not fit.

    Takes some seconds for a million entries, so one is verified at a time in each process; 503 to
    whoever asks meanwhile. Heads that left the database earlier are known only
    to whoever has them: doclife audit verify --heads, or the auditors' own program.
    """
    return verify_chain(here.conn, here.tenant, now=here.now)
