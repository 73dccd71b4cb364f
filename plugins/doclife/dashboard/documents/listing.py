"""The catalogue, searched and filtered."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from doclife.dashboard.batches.wording import DEEDS
from doclife.dashboard.paging import PAGE_ROWS, Page, read_name, write_cursor
from doclife.dashboard.visit import Here, Visit
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle.documents import (
    PATIENCE,
    DocumentFilter,
    DocumentLine,
    list_documents,
)

router = APIRouter()

Text = Annotated[str, Query(max_length=500)]

STATUSES = {
    "active": ("success", "Active"),
    "archived": ("deferred", "Archived"),
    "deleted": ("waiting", "In the trash"),
    "purging": ("running", "Being destroyed"),
    "purged": ("none", "Destroyed"),
}
"""Kind and word of each status, as its pill shows it."""
STATUS_CHOICES = (("", "Any status"), *((key, words) for key, (_, words) in STATUSES.items()))
HELD = {"yes": True, "no": False}
HELD_CHOICES = (("", "Held or not"), ("yes", "Under legal hold"), ("no", "Not held"))


@router.get("/documents")
def show(
    here: Here,
    q: Text = "",
    status: Text = "",
    document_type: Annotated[Text, Query(alias="type")] = "",
    owner: Text = "",
    tag: Text = "",
    held: Text = "",
    expires_before: Text = "",
    cursor: Text = "",
) -> Response:
    """Show a page of documents, in the order of their external ids."""
    query = {
        "q": q,
        "status": status,
        "type": document_type,
        "owner": owner,
        "tag": tag,
        "held": held,
        "expires_before": expires_before,
    }
    return here.page(
        "documents/list.html.j2",
        page=find_page(here, where=filter_of(query), cursor=cursor),
        query=query,
        is_filtered=any(query.values()),
        statuses=STATUS_CHOICES,
        held_choices=HELD_CHOICES,
        pills=STATUSES,
        deeds=[(deed.value, words.label) for deed, words in DEEDS.items()],
    )


def find_page(
    here: Visit, *, where: DocumentFilter, cursor: str, limit: int = PAGE_ROWS
) -> Page[DocumentLine]:
    """Return a page of the documents that the filters let through.

    It may have fewer than ``limit``, even none, and still say where to look further.
    """
    found = list_documents(
        here.conn,
        organization=here.tenant.slug,
        where=where,
        after=read_name(cursor),
        size=limit,
        patience=PATIENCE,
    )
    following = None if found.next_after is None else write_cursor(found.next_after)
    return Page(
        rows=found.documents,
        next_cursor=following,
        is_first=not cursor,
        is_partial=following is not None and len(found.documents) < limit,
    )


def filter_of(query: dict[str, str]) -> DocumentFilter:
    """Return what the fields of the search form ask for.

    :raises ConfigurationError: one of them cannot be searched for.
    """
    for text in query.values():
        if (fault := text_fault(text)) is not None:
            raise ConfigurationError(f"nothing can be searched for by a {fault}")
    words = {name: text.strip() or None for name, text in query.items()}
    if words["status"] not in (None, *STATUSES):
        raise ConfigurationError(f"documents are {', '.join(STATUSES)}, not {words['status']!r}")
    return DocumentFilter(
        status=words["status"],
        document_type=words["type"],
        owner=words["owner"],
        tag=words["tag"],
        search=words["q"],
        expires_before=_day(words["expires_before"]),
        is_held=None if words["held"] is None else HELD.get(words["held"]),
    )


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no date; write for example 2027-01-31") from None
