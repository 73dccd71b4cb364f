"""What people ask about documents: which there are, and everything about one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from doclife.domain.premis import premis_event
from doclife.errors import ConfigurationError
from doclife.store import catalogue, fixity, organizations
from doclife.store.catalogue import DocumentLine
from doclife.store.connection import Connection
from doclife.store.fixity import DamagedBytes

__all__ = ["DocumentFilter", "DocumentLine"]


LOOKED_AT_ONCE = 20_000
"""Documents that a search goes through in one statement, which may find what is asked for early."""
PATIENCE = timedelta(milliseconds=100)
"""How long a page is searched for before what was found till then is shown: the rest of a page, and
a busy database, fit into a second beside it."""
SHOWN_AS_UNKNOWN = 5
"""External ids that name nothing are quoted up to this many."""


@dataclass(frozen=True, kw_only=True)
class DocumentFilter:
    """Which documents to list; None does not filter."""

    status: str | None = None
    document_type: str | None = None
    owner: str | None = None
    tag: str | None = None
    search: str | None = None
    """A part of the title or of the external id."""
    expires_before: date | None = None
    is_held: bool | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentsPage:
    """A page of documents."""

    documents: Sequence[DocumentLine]
    next_after: str | None
    """Go on after this external id; None on the last page."""


@dataclass(frozen=True, kw_only=True)
class DocumentStory:
    """Everything about one document; the newest first."""

    facts: dict[str, Any]
    holds: Sequence[dict[str, Any]]
    decisions: Sequence[dict[str, Any]]
    """What plans decided about it and why, also where the answer was to leave it alone."""
    history: Sequence[dict[str, Any]]
    """The audit trail: who changed what and why, and what PREMIS calls that."""
    events: Sequence[dict[str, Any]]
    damages: Sequence[DamagedBytes]
    """Bytes of it that are known not to be the recorded ones."""


def list_documents(
    conn: Connection,
    *,
    organization: str,
    where: DocumentFilter,
    after: str | None = None,
    size: int = 50,
    patience: timedelta | None = None,
) -> DocumentsPage:
    """Return a page of documents by external id.

    :param after: ``next_after`` of the page before.
    :param patience: words, a status and holds are not in any index, and looked for part by part of
        the catalogue for so long: a page may have fewer than ``size``, even none, and still say
        where to go on. The document whose external id the words are is then the first of the first
        page. None looks through all, however long it takes.
    """
    tenant = organizations.find(conn, organization)
    parameters: dict[str, object] = {
        "organization_id": tenant.id,
        "status": where.status,
        "document_type": where.document_type,
        "owner": where.owner,
        "tag": where.tag,
        "search": where.search,
        "expires_before": where.expires_before,
        "is_held": where.is_held,
        "after": after,
        "through": None,
        "external_id": None,
        "without": None,
        # One more says whether there are more.
        "size": size + 1,
    }
    if patience is None or (where.search, where.status, where.is_held) == (None, None, None):
        return _page_of([], catalogue.list_page(conn, parameters), size=size, place=None)
    named: list[DocumentLine] = []
    if where.search is not None:
        if after is None:
            named = catalogue.list_page(conn, parameters | {"external_id": where.search})
        parameters["without"] = where.search
    found, place = _look_through(
        conn, tenant.id, parameters, after=after, size=size + 1 - len(named), patience=patience
    )
    return _page_of(named, found, size=size, place=place)


def _look_through(
    conn: Connection,
    organization_id: int,
    parameters: dict[str, object],
    *,
    after: str | None,
    size: int,
    patience: timedelta,
) -> tuple[list[DocumentLine], str | None]:
    """Return what is found, and where to go on when patience ended before the catalogue did."""
    ends = time.monotonic() + patience.total_seconds()
    found: list[DocumentLine] = []
    while True:
        # Between two external ids that are not far from each other no plan can read much.
        place = catalogue.find_place(conn, organization_id, after=after, most=LOOKED_AT_ONCE)
        window = {"after": after, "through": place, "size": size - len(found)}
        found += catalogue.list_page(conn, parameters | window)
        if place is None or len(found) == size or time.monotonic() > ends:
            return found, place
        after = place


def _page_of(
    named: list[DocumentLine], found: list[DocumentLine], *, size: int, place: str | None
) -> DocumentsPage:
    if len(named) + len(found) > size:
        found = found[: size - len(named)]
        # What was named stands before all others, wherever its own place is.
        place = found[-1].external_id if found else ""
    return DocumentsPage(documents=[*named, *found], next_after=place)


def tell_story(
    conn: Connection, *, organization: str, external_id: str, size: int = 50
) -> DocumentStory:
    """Return everything about one document.

    :param size: how many entries of each list at most.
    :raises ConfigurationError: the organization has no such document.
    """
    tenant = organizations.find(conn, organization)
    facts = catalogue.describe(conn, tenant.id, external_id)
    if facts is None:
        raise unknown_documents(organization, [external_id])
    document_id = facts["document_id"]
    return DocumentStory(
        facts=facts,
        holds=catalogue.list_holds(conn, document_id),
        decisions=catalogue.list_decisions(conn, document_id, size=size),
        history=[
            {**entry, "premis_event": premis_event(entry["action"])}
            for entry in catalogue.list_history(conn, document_id, size=size)
        ],
        events=catalogue.list_events(conn, document_id, size=size),
        damages=fixity.list_open(
            conn, organization_id=tenant.id, document_id=document_id, size=size
        ),
    )


def find_document_ids(
    conn: Connection, *, organization: str, external_ids: Sequence[str]
) -> list[int]:
    """Return the ids of the documents that are named, in that order.

    :raises ConfigurationError: some of them name nothing; nobody wants half a selection.
    """
    tenant = organizations.find(conn, organization)
    found = catalogue.find_ids(conn, tenant.id, external_ids)
    missing = [external_id for external_id in external_ids if external_id not in found]
    if missing:
        raise unknown_documents(organization, missing)
    return [found[external_id] for external_id in external_ids]


def unknown_documents(organization: str, external_ids: Sequence[str]) -> ConfigurationError:
    """Return the error for external ids that no document of the organization has."""
    quoted = ", ".join(repr(external_id) for external_id in external_ids[:SHOWN_AS_UNKNOWN])
    more = len(external_ids) - SHOWN_AS_UNKNOWN
    return ConfigurationError(
        f"organization {organization!r} has no document {quoted}"
        + (f" and {more} more" if more > 0 else "")
        + f". See: doclife documents list -o {organization}"
    )
