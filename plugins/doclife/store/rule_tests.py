"""Documents of tests of rules, and what the compiled rules say of them; always rolled back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """What a rule wants of a document and when; without a date it cannot tell."""

    document_id: int
    action: str
    due_on: date | None
    is_unknown: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Protection:
    """The longest retention of a document."""

    document_id: int
    rule_version_id: int
    retain_until: date


def insert_documents(
    conn: Connection, *, organization_id: int, store: str, documents: Sequence[dict[str, Any]]
) -> dict[str, int]:
    """Register documents and return their ids by external id."""
    parameters = {
        "organization_id": organization_id,
        "store": store,
        "documents": Jsonb([{**one, "position": at} for at, one in enumerate(documents)]),
    }
    rows = conn.execute(statement("rule_tests/insert_documents"), parameters).fetchall()
    return {external_id: document_id for document_id, external_id in rows}


def insert_events(
    conn: Connection, *, organization_id: int, events: Sequence[dict[str, Any]]
) -> None:
    """Let things have happened to documents, in this order."""
    parameters = {"organization_id": organization_id, "events": Jsonb(list(events))}
    conn.execute(statement("rule_tests/insert_events"), parameters)


def list_hits(conn: Connection, hits: Fragment) -> list[Hit]:
    """Return what a compiled rule wants, also what is not due and where it cannot tell."""
    query = composed("rule_tests/list_hits", hits=hits.text)
    return fetch_rows(conn, query, hits.parameters, Hit)


def list_protections(
    conn: Connection, *, organization_id: int, protections: Fragment
) -> list[Protection]:
    """Return the longest retention of every document that has one."""
    query = composed("rule_tests/list_protections", protections=protections.text)
    parameters = {**protections.parameters, "organization_id": organization_id}
    return fetch_rows(conn, query, parameters, Protection)


def list_held(conn: Connection, *, organization_id: int) -> list[int]:
    """Return the documents that are under a legal hold."""
    parameters = {"organization_id": organization_id}
    return [row[0] for row in conn.execute(statement("rule_tests/list_held"), parameters)]
