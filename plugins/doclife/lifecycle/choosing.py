"""Chooses documents for a batch: those that a person ticked, or all that a search finds."""

from collections.abc import Sequence
from dataclasses import dataclass

from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.documents import SHOWN_AS_UNKNOWN, DocumentFilter, list_documents
from doclife.store import batch_outcomes, organizations
from doclife.store.connection import Connection

MOST_TICKED = 1000
"""Documents that one request can name: a form carries them from page to page."""
MOST_DOCUMENTS = 100_000
"""Documents of one batch: judged in one statement, within the time that a browser waits. What is
more than that is the work of a rule."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which documents: named ones, or all that a search finds."""

    document_ids: Sequence[int] = ()
    where: DocumentFilter | None = None
    """None for the named ones."""
    through_id: int | None = None
    """Of what a search finds, only documents up to this id: what is registered while somebody
    looks at a preview does not slip into the batch. None for all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The documents of a selection, at one moment."""

    document_ids: Sequence[int]
    """Ascending, each once."""

    @property
    def through_id(self) -> int:
        """The last id; 0 when there is none."""
        return self.document_ids[-1] if self.document_ids else 0


def choose(conn: Connection, *, organization: str, selection: Selection) -> Chosen:
    """Return the documents of a selection.

    :raises ConfigurationError: a named document is not the organization's; nobody wants half a
        selection, and ids of other organizations are answered like those of none.
    :raises RefusedError: there are more than a batch takes.
    """
    if selection.where is None:
        return _named(conn, organization=organization, document_ids=selection.document_ids)
    found = list_documents(
        conn, organization=organization, where=selection.where, size=MOST_DOCUMENTS
    )
    ids = sorted(
        one.document_id
        for one in found.documents
        if selection.through_id is None or one.document_id <= selection.through_id
    )
    if found.next_after is not None:
        raise RefusedError(
            f"more than {MOST_DOCUMENTS:,} documents match, which one batch does not take: narrow "
            "the search, or let a rule do it."
        )
    return Chosen(document_ids=ids)


def _named(conn: Connection, *, organization: str, document_ids: Sequence[int]) -> Chosen:
    ids = sorted(set(document_ids))
    if len(ids) > MOST_TICKED:
        raise RefusedError(
            f"{len(ids):,} documents are named; at most {MOST_TICKED:,} at a time. Choose all that "
            "a search finds instead, or do it in parts."
        )
    tenant = organizations.find(conn, organization)
    foreign = batch_outcomes.list_foreign(
        conn, organization_id=tenant.id, document_ids=ids, size=SHOWN_AS_UNKNOWN
    )
    if foreign:
        raise ConfigurationError(
            f"organization {organization!r} has no document {', '.join(map(str, foreign))}: "
            "nothing was done"
        )
    return Chosen(document_ids=ids)
