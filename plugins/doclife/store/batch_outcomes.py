"""What a batch on chosen documents would come to, in a working table of one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeCount:
    """How many of the chosen documents come to the same."""

    code: str | None
    """Why they would be left alone; None: it would be done to them."""
    documents: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenDocument:
    """One chosen document and what a batch would come to for it."""

    document_id: int
    external_id: str
    title: str | None
    status: str
    size_bytes: int | None
    code: str | None
    """Why it would be left alone; None: it would be done."""
    reason: str | None
    """The same in words, where a plan says it."""
    blocking_rule: str | None
    """``name@version`` of the rule that keeps it."""


def list_foreign(
    conn: Connection, *, organization_id: int, document_ids: Sequence[int], size: int
) -> list[int]:
    """Return the first of these ids that name no document of the organization."""
    parameters = {
        "organization_id": organization_id,
        "document_ids": list(document_ids),
        "size": size,
    }
    return [row[0] for row in conn.execute(statement("batches/list_foreign"), parameters)]


def begin(conn: Connection) -> None:
    """Make the working table of this transaction, empty; it empties itself at its end."""
    conn.execute(statement("batches/create_outcomes"))
    conn.execute(statement("batches/empty_outcomes"))


def note_planned(
    conn: Connection, *, plan_id: int, organization_id: int, document_ids: Sequence[int]
) -> None:
    """Note what a stored plan says about the documents, and why others are not in it."""
    parameters = {
        "plan_id": plan_id,
        "organization_id": organization_id,
        "document_ids": list(document_ids),
    }
    conn.execute(statement("batches/note_planned"), parameters)


def note_unplanned(
    conn: Connection,
    *,
    organization_id: int,
    document_ids: Sequence[int],
    deed: str,
    matter_id: int | None,
) -> None:
    """Note what holding, releasing or restoring the documents would come to.

    :param matter_id: None for a matter that is only to be opened, and for restoring.
    """
    parameters = {
        "organization_id": organization_id,
        "document_ids": list(document_ids),
        "deed": deed,
        "matter_id": matter_id,
    }
    conn.execute(statement("batches/note_unplanned"), parameters)


def count(conn: Connection) -> list[OutcomeCount]:
    """Return what was noted, added up."""
    return fetch_rows(conn, statement("batches/count_outcomes"), {}, OutcomeCount)


def list_to_do(conn: Connection) -> list[int]:
    """Return the documents to which it would be done, ascending."""
    return [row[0] for row in conn.execute(statement("batches/list_to_do"))]


def list_page(
    conn: Connection, *, after: int, size: int, codes: Collection[str] | None = None
) -> list[ChosenDocument]:
    """Return a page of what was noted.

    :param codes: only those that would be left alone for these reasons; None for all.
    """
    parameters = {"after": after, "size": size, "codes": None if codes is None else list(codes)}
    return fetch_rows(conn, statement("batches/list_outcomes"), parameters, ChosenDocument)
