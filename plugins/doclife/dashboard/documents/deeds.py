"""What a person does to one document: hold, release, restore, take its bytes to look at."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Response
from fastapi.responses import StreamingResponse

from doclife.dashboard.access import Deed
from doclife.dashboard.documents.showing import find, page
from doclife.dashboard.gate import needs
from doclife.dashboard.stores import document_stores
from doclife.dashboard.visit import Here
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle import holding
from doclife.lifecycle.downloading import Download, download
from doclife.lifecycle.undo import UndoOutcome, restore_documents

router = APIRouter()

Line = Annotated[str, Form(max_length=500)]


@router.post("/documents/{document_id}/hold", dependencies=[needs(Deed.RUN)])
def hold(here: Here, document_id: int, matter: Line, reason: Line) -> Response:
    """Put a document under a legal hold; the matter is opened when it is new."""
    find(here, document_id)
    try:
        outcome = holding.hold(
            here.conn,
            organization=here.tenant.slug,
            matter=_said(matter, "the matter"),
            reason=_said(reason, "the reason"),
            document_ids=[document_id],
            actor=here.actor,
            now=here.now,
        )
    except DoclifeError as error:
        return page(here, document_id, error=str(error), status=409)
    if outcome.too_late:
        words = "Too late: its destruction had begun. The matter lists it."
    elif outcome.already:
        words = f"It is under {matter} already."
    else:
        words = f"Held under {matter}."
    return here.redirect(f"documents/{document_id}", flash=words)


@router.post("/documents/{document_id}/release", dependencies=[needs(Deed.RUN)])
def release(here: Here, document_id: int, matter: Line, reason: Line) -> Response:
    """Release a document from one legal hold; others keep it."""
    find(here, document_id)
    try:
        released = holding.release(
            here.conn,
            organization=here.tenant.slug,
            matter=matter,
            document_ids=[document_id],
            actor=here.actor,
            now=here.now,
            reason=_said(reason, "the reason"),
        )
    except DoclifeError as error:
        return page(here, document_id, error=str(error), status=409)
    words = f"Released from {matter}." if released else f"It was not under {matter}."
    return here.redirect(f"documents/{document_id}", flash=words)


@router.post("/documents/{document_id}/restore", dependencies=[needs(Deed.RUN)])
def restore(here: Here, document_id: int, reason: Line) -> Response:
    """Take a document out of the trash or the archive, back into use."""
    find(here, document_id)
    try:
        outcome = restore_documents(
            here.conn,
            organization=here.tenant.slug,
            document_ids=[document_id],
            now=here.now,
            actor=here.actor,
            reason=_said(reason, "the reason"),
            stores=document_stores(here.conn),
        )
    except DoclifeError as error:
        return page(here, document_id, error=str(error), status=409)
    return here.redirect(f"documents/{document_id}", flash=_restored(outcome))


@router.post("/documents/{document_id}/download", dependencies=[needs(Deed.RUN)])
def take(here: Here, document_id: int) -> Response:
    """Send the bytes of a document, as a file and never as a page; who took them is recorded."""
    find(here, document_id)
    try:
        found = download(
            here.conn,
            tenant=here.tenant,
            document_id=document_id,
            actor=here.actor,
            now=here.now,
            stores=document_stores(here.conn),
        )
    except DoclifeError as error:
        return page(here, document_id, error=str(error), status=409)
    return file_of(found)


def file_of(found: Download) -> Response:
    """Return what sends a download piece by piece; a browser keeps it and does not show it."""
    return StreamingResponse(
        _bytes(found),
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(found.size_bytes),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.external_id, '')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _bytes(found: Download) -> Iterator[bytes]:
    for chunk in found.chunks:
        yield bytes(chunk)


def _restored(outcome: UndoOutcome) -> str:
    if outcome.undone:
        return "Restored. Rules leave it alone until its reprieve ends."
    if outcome.waiting:
        return "Its bytes lie in a cold store and were asked for; a later night restores it."
    if outcome.too_late_count:
        return "Too late: its destruction had begun."
    if outcome.failures:
        return f"Not restored: {outcome.failures[0]}"
    return "It is neither in the trash nor archived, so there is nothing to restore."


def _said(text: str, what: str) -> str:
    words = text.strip()
    if not words:
        raise ConfigurationError(f"say {what}: it is kept in the audit trail")
    if (fault := text_fault(words)) is not None:
        raise ConfigurationError(f"{what} cannot hold a {fault}")
    return words
