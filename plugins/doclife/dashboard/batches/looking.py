"""The preview of a new batch: what it would do to the chosen documents, before anything is done."""

from dataclasses import dataclass

from fastapi import APIRouter, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.batches import wording
from doclife.dashboard.batches.asked import Asked, new_run, read, too_many
from doclife.dashboard.batches.choosing import choices
from doclife.dashboard.documents.listing import STATUSES
from doclife.dashboard.gate import needs
from doclife.dashboard.submitted import Pairs
from doclife.dashboard.visit import Here, Visit
from doclife.domain.batch_seal import seal
from doclife.errors import DoclifeError
from doclife.lifecycle.batching import BatchPreview, preview_batch
from doclife.lifecycle.choosing import Chosen, choose

router = APIRouter()

SHOWN = 25
"""Documents on a page of a preview."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a batch would come to, as a page shows it."""

    preview: BatchPreview
    seal: str
    """Of the documents and the deed that were looked at, and of what it would come to."""
    next_after: int | None
    """Where the next page of documents begins; None on the last."""
    is_first: bool


@router.post("/batches/preview", dependencies=[needs(Deed.RUN)])
def preview(here: Here, pairs: Pairs) -> Response:
    """Show what would be done to the chosen documents, and ask for what is missing."""
    asked = read(pairs)
    if not asked.is_all and not asked.document_ids:
        return choices(here, asked, error="Tick some documents first, or take all that match.")
    if too_many(asked) is not None:
        return choices(here, asked)
    return show(here, asked, after=_after(asked))


def show(
    here: Visit,
    asked: Asked,
    *,
    after: int = 0,
    error: str | None = None,
    note: str | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a deed with its preview, and with an error where something was refused."""
    chosen, look = None, None
    try:
        chosen = choose(here.conn, organization=here.tenant.slug, selection=asked.selection)
        if chosen.document_ids and asked.is_complete:
            look = look_at(here, asked, chosen, after=after)
    except DoclifeError as fault:
        # What keeps it from being previewed comes before what kept it from being done.
        error, status = str(fault), status if status != 200 else 422
    return here.page(
        "batches/new.html.j2",
        status=status,
        error=error,
        note_text=note,
        asked=asked,
        chosen=chosen,
        seen=look.seal if look else f"{chosen.through_id}-" if chosen and asked.is_all else "",
        deed=asked.known_deed,
        deeds=wording.DEEDS,
        words=wording,
        look=look,
        run=new_run(),
        pills=STATUSES,
        said=[(name.replace("_", " "), value) for name, value in asked.query.items() if value],
    )


def look_at(here: Visit, asked: Asked, chosen: Chosen, *, after: int = 0) -> Look:
    """Return what the batch would come to; nothing is kept of it."""
    request = asked.request
    found = preview_batch(
        here.conn,
        organization=here.tenant.slug,
        request=request,
        document_ids=chosen.document_ids,
        actor=here.actor,
        now=here.now,
        after=after,
        size=SHOWN + 1,
    )
    return Look(
        preview=found,
        seal=seal(request, chosen.document_ids, to_do=frozenset(found.to_do_ids)),
        next_after=found.documents[SHOWN - 1].document_id if len(found.documents) > SHOWN else None,
        is_first=after == 0,
    )


def _after(asked: Asked) -> int:
    text = asked.typed.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
