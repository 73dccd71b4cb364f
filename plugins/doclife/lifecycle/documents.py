"""What people ask about documents: which there are, and everything about one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from doclife.errors import ConfigurationError
from doclife.store import catalogue, organizations
from doclife.store.catalogue import DocumentLine
from doclife.store.connection import Connection

__all__ = ["DocumentFilter", "DocumentLine"]


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
class DocumentStory:
    """Everything about one document; the newest first."""

    facts: dict[str, Any]
    holds: Sequence[dict[str, Any]]
    decisions: Sequence[dict[str, Any]]
    """What plans decided about it and why, also where the answer was to leave it alone."""
    history: Sequence[dict[str, Any]]
    """The audit trail: who changed what and why."""
    events: Sequence[dict[str, Any]]


def list_documents(
    conn: Connection,
    *,
    organization: str,
    where: DocumentFilter,
    after: str | None = None,
    size: int = 50,
) -> list[DocumentLine]:
    """Return a page of documents by external id; ``after`` is the last one of the page before."""
    tenant = organizations.find(conn, organization)
    return catalogue.list_page(
        conn,
        {
            "organization_id": tenant.id,
            "status": where.status,
            "document_type": where.document_type,
            "owner": where.owner,
            "tag": where.tag,
            "search": where.search,
            "expires_before": where.expires_before,
            "is_held": where.is_held,
            "after": after,
            "size": size,
        },
    )


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
        history=catalogue.list_history(conn, document_id, size=size),
        events=catalogue.list_events(conn, document_id, size=size),
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
