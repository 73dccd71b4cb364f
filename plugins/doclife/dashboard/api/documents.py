"""``/documents`` of the JSON API: which there are, why one is still here, hold and restore."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Asked, Cursor, Limit, Line, Why
from doclife.dashboard.api.once import OnceRoute, in_steps
from doclife.dashboard.documents.deeds import file_of
from doclife.dashboard.documents.listing import find_page
from doclife.dashboard.documents.showing import find
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS
from doclife.dashboard.rules.looking import moment_of
from doclife.dashboard.stores import document_stores
from doclife.dashboard.visit import Here
from doclife.domain.explanation import Explanation
from doclife.lifecycle import holding
from doclife.lifecycle.documents import DocumentFilter, DocumentLine, tell_story
from doclife.lifecycle.downloading import download
from doclife.lifecycle.explaining import explain_document
from doclife.lifecycle.holding import HoldOutcome
from doclife.lifecycle.undo import UndoOutcome, restore_documents

router = APIRouter(route_class=OnceRoute, tags=["documents"])

HISTORY_ROWS = 50


class DocumentsPage(BaseModel):
    """A page of documents, by external id."""

    items: list[DocumentLine]
    next_cursor: str | None


class ShownDocument(BaseModel):
    """A document with its holds and the newest of what was decided, done and said about it."""

    facts: dict[str, Any]
    holds: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    history: list[dict[str, Any]]
    events: list[dict[str, Any]]


class HoldBody(Why):
    """A matter to hold a document for; it is opened when it is new."""

    matter: Line


class ReleasedBody(BaseModel):
    """What a release has done."""

    released: int = Field(description="0: it was not under the matter.")


@router.get("/documents")
def list_documents(
    here: Here,
    search: Annotated[Asked, Query(description="A part of the title or external id.")] = "",
    status: Literal["active", "archived", "deleted", "purging", "purged"] | None = None,
    document_type: Asked = "",
    owner: Asked = "",
    tag: Asked = "",
    held: bool | None = None,
    expires_before: date | None = None,
    cursor: Cursor = "",
    limit: Limit = PAGE_ROWS,
) -> DocumentsPage:
    """List documents by external id; all that is asked for must fit."""
    where = DocumentFilter(
        status=status,
        document_type=document_type or None,
        owner=owner or None,
        tag=tag or None,
        search=search or None,
        expires_before=expires_before,
        is_held=held,
    )
    page = find_page(here, where=where, cursor=cursor, limit=limit)
    return DocumentsPage(items=list(page.rows), next_cursor=page.next_cursor)


@router.get("/documents/{document_id}")
def show_document(here: Here, document_id: int) -> ShownDocument:
    """Return one document."""
    story = tell_story(
        here.conn,
        organization=here.tenant.slug,
        external_id=find(here, document_id),
        size=HISTORY_ROWS,
    )
    return ShownDocument(
        facts=story.facts,
        holds=list(story.holds),
        decisions=list(story.decisions),
        history=list(story.history),
        events=list(story.events),
    )


@router.get("/documents/{document_id}/explain")
def explain(
    here: Here,
    document_id: int,
    as_of: Annotated[
        str, Query(max_length=40, description="A day or a moment, ISO 8601; empty is now.")
    ] = "",
) -> Explanation:
    """Say why a document is kept or will go, and when: every rule, condition, hold and plan."""
    return explain_document(
        here.conn,
        organization=here.tenant.slug,
        external_id=find(here, document_id),
        as_of=moment_of(here, as_of),
        now=here.now,
    )


@router.post("/documents/{document_id}/hold", dependencies=[needs(Deed.RUN)])
def hold(here: Here, document_id: int, body: HoldBody) -> HoldOutcome:
    """Put a document under a legal hold."""
    find(here, document_id)
    return holding.hold(
        here.conn,
        organization=here.tenant.slug,
        matter=body.matter,
        reason=body.reason,
        document_ids=[document_id],
        actor=here.actor,
        now=here.now,
    )


@router.post("/documents/{document_id}/release", dependencies=[needs(Deed.RUN)])
def release(here: Here, document_id: int, body: HoldBody) -> ReleasedBody:
    """Release a document from one legal hold; others keep it."""
    find(here, document_id)
    released = holding.release(
        here.conn,
        organization=here.tenant.slug,
        matter=body.matter,
        reason=body.reason,
        document_ids=[document_id],
        actor=here.actor,
        now=here.now,
    )
    return ReleasedBody(released=released)


@router.post("/documents/{document_id}/restore", dependencies=[needs(Deed.RUN), in_steps()])
def restore(here: Here, document_id: int, body: Why) -> UndoOutcome:
    """Take a document out of the trash or the archive, back into use."""
    find(here, document_id)
    return restore_documents(
        here.conn,
        organization=here.tenant.slug,
        document_ids=[document_id],
        now=here.now,
        actor=here.actor,
        reason=body.reason,
        stores=document_stores(here.conn),
    )


@router.post(
    "/documents/{document_id}/download",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The bytes, as a file.",
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
    dependencies=[needs(Deed.RUN)],
)
def take(here: Here, document_id: int) -> Response:
    """Send the bytes of a document; who took them is recorded, and so it is no GET.

    409 when there are none, or when they were only now asked for in a cold store.
    """
    find(here, document_id)
    found = download(
        here.conn,
        tenant=here.tenant,
        document_id=document_id,
        actor=here.actor,
        now=here.now,
        stores=document_stores(here.conn),
    )
    return file_of(found)
