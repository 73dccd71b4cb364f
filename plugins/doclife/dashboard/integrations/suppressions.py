"""Addresses that get no mail: searched, added, and taken off again."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_name
from doclife.dashboard.visit import Here, Visit
from doclife.errors import DoclifeError
from doclife.lifecycle import suppressing

router = APIRouter()

Text = Annotated[str, Form(max_length=500)]
WHY = {
    "bounced": "it came back for good",
    "complained": "the reader complained",
    "unsubscribed": "signed off from summaries; warnings still go",
    "manual": "somebody asked for it",
}
NEEDS_REASON = "Say why: it is kept in the audit trail."


@router.get("/integrations/suppressions")
def show(
    here: Here,
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """Show a page of addresses that get no mail, by address."""
    return _page(here, q=q, cursor=cursor)


@router.post("/integrations/suppressions", dependencies=[needs(Deed.EDIT)])
def add(here: Here, address: Text = "", reason: Text = "") -> Response:
    """Let an address get no more mail."""
    if not reason.strip():
        return _page(here, address=address, error=NEEDS_REASON)
    try:
        is_new = suppressing.suppress(
            here.conn,
            organization=here.tenant,
            address=address.strip(),
            now=here.now,
            actor=here.actor,
            reason=reason.strip(),
        )
    except DoclifeError as error:
        return _page(here, address=address, reason=reason, error=str(error))
    words = "gets no more mail." if is_new else "got no mail already."
    return here.redirect("integrations/suppressions", flash=f"{address.strip()} {words}")


@router.post("/integrations/suppressions/remove", dependencies=[needs(Deed.EDIT)])
def remove(here: Here, address: Text = "", reason: Text = "") -> Response:
    """Let an address get mail again."""
    if not reason.strip():
        return _page(here, q=address, error=NEEDS_REASON)
    try:
        suppressing.release(
            here.conn,
            organization=here.tenant,
            address=address.strip(),
            now=here.now,
            actor=here.actor,
            reason=reason.strip(),
        )
    except DoclifeError as error:
        return _page(here, error=str(error))
    return here.redirect("integrations/suppressions", flash=f"{address.strip()} gets mail again.")


def _page(
    here: Visit,
    *,
    q: str = "",
    cursor: str = "",
    address: str = "",
    reason: str = "",
    error: str | None = None,
) -> Response:
    found = suppressing.list_suppressions(
        here.conn,
        organization=here.tenant,
        words=q.strip() or None,
        after=read_name(cursor),
        size=PAGE_ROWS + 1,
    )
    return here.page(
        "integrations/suppressions.html.j2",
        status=200 if error is None else 422,
        page=page_of(found, limit=PAGE_ROWS, key=lambda one: one.address, cursor=cursor),
        query={"q": q},
        why=WHY,
        address=address,
        reason=reason,
        error=error,
    )
