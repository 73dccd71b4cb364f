"""Choosing documents for a new batch: searched, ticked page by page, carried along in the form."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.batches.asked import Asked, read, too_many
from doclife.dashboard.batches.wording import DEEDS
from doclife.dashboard.documents.listing import (
    HELD_CHOICES,
    STATUS_CHOICES,
    STATUSES,
    filter_of,
    find_page,
)
from doclife.dashboard.gate import needs
from doclife.dashboard.submitted import Pairs
from doclife.dashboard.visit import Here, Visit
from doclife.lifecycle.choosing import MOST_DOCUMENTS, MOST_TICKED

router = APIRouter()


@router.get("/batches/new", dependencies=[needs(Deed.RUN)])
def begin(
    here: Here, request: Request, cursor: Annotated[str, Query(max_length=2000)] = ""
) -> Response:
    """Show documents to choose from; the address may name a search, documents and a deed."""
    return choices(here, read(request.query_params.multi_items()), cursor=cursor)


@router.post("/batches/choose", dependencies=[needs(Deed.RUN)])
def choose(here: Here, pairs: Pairs) -> Response:
    """Show another page or another search, with what was ticked so far."""
    asked = read(pairs)
    step = asked.typed.get("step", "search")
    return choices(here, asked, cursor=asked.typed.get("next", "") if step == "next" else "")


def choices(
    here: Visit, asked: Asked, *, cursor: str = "", error: str | None = None, status: int = 200
) -> Response:
    """Return the page on which documents are ticked."""
    page = find_page(here, where=filter_of(dict(asked.query)), cursor=cursor)
    shown = {one.document_id for one in page.rows}
    fault = error or too_many(asked)
    return here.page(
        "batches/choose.html.j2",
        status=422 if fault and status == 200 else status,
        error=fault,
        page=page,
        query=asked.query,
        is_filtered=any(asked.query.values()),
        deed=asked.known_deed,
        deeds=[(deed.value, words.label) for deed, words in DEEDS.items()],
        ticked=frozenset(asked.document_ids),
        elsewhere=[number for number in asked.document_ids if number not in shown],
        statuses=STATUS_CHOICES,
        held_choices=HELD_CHOICES,
        pills=STATUSES,
        most_ticked=MOST_TICKED,
        most_documents=MOST_DOCUMENTS,
    )
