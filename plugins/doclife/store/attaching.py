"""Attached tables: what the database knows of them, and the statements that follow their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from doclife.domain.table_mapping import TableMapping
from doclife.store import audit_chain
from doclife.store.attached_sql import GeneratedSql
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundTable:
    """A table of an application, and what the present login may do with it."""

    table_oid: int
    is_table: bool
    may_read: bool
    may_attach: bool
    hides_rows: bool
    """Row-level security keeps rows from this login."""
    owner: str
    is_own: bool
    """The owner is the present login."""
    owner_may_create: bool
    """The owner may have functions in doclife's schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundColumn:
    """A column; the type as ``format_type`` writes it."""

    name: str
    type: str
    is_key: bool
    may_write: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachedTable:
    """A table that is followed, or was."""

    attached_id: int
    name: str
    table_schema: str
    table_name: str
    mapping: dict[str, Any]
    baseline_key: str | None
    baseline_rows: int
    baseline_ended_at: datetime | None
    attached_by: str
    attached_at: datetime
    detached_at: datetime | None
    problem_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RowProblem:
    """A row that the catalogue could not take over."""

    row_key: str
    """``*`` when a whole statement could not be read."""
    reason: str
    noticed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenOver:
    """What one batch came to."""

    documents: int
    """New or changed."""
    rows: int
    last_key: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadBytes:
    """A document whose bytes nobody has read."""

    external_id: str
    modified_on: date | None
    path: str


def find_table(conn: Connection, mapping: TableMapping) -> FoundTable | None:
    """Return the table of a mapping, or None when there is none of that name."""
    parameters = {"schema_name": mapping.schema_name, "table_name": mapping.table_name}
    found = fetch_rows(conn, statement("adopting/find_table"), parameters, FoundTable)
    return found[0] if found else None


def list_columns(conn: Connection, table_oid: int) -> list[FoundColumn]:
    """Return the columns of a table."""
    parameters = {"table_oid": table_oid}
    return fetch_rows(conn, statement("adopting/list_columns"), parameters, FoundColumn)


def record_attached(conn: Connection, mapping: TableMapping, *, now: datetime, actor: str) -> int:
    """Write down that a table is attached, and return its number."""
    return int(
        fetch_value(
            conn,
            statement("adopting/record_attached"),
            {
                "name": mapping.attachment,
                "schema_name": mapping.schema_name,
                "table_name": mapping.table_name,
                "mapping": Jsonb(mapping.model_dump(exclude_defaults=True)),
                "followed_fields": mapping.followed_fields,
                "prefix": mapping.prefix,
                "writes_back": bool(mapping.write_back.given()),
                "actor": actor,
                "now": now,
            },
        )
    )


def record_detached(conn: Connection, attached_id: int, *, now: datetime) -> None:
    """Write down that a table is followed no more."""
    conn.execute(statement("adopting/record_detached"), {"attached_id": attached_id, "now": now})


def list_attached(conn: Connection, name: str | None = None) -> list[AttachedTable]:
    """Return every table that is or was attached, or the one of that name."""
    return fetch_rows(conn, statement("adopting/list"), {"name": name}, AttachedTable)


def list_problems(conn: Connection, attached_id: int, *, size: int) -> list[RowProblem]:
    """Return rows that could not be taken over, the newest first."""
    parameters = {"attached_id": attached_id, "size": size}
    return fetch_rows(conn, statement("adopting/list_problems"), parameters, RowProblem)


def clear_statement_problem(conn: Connection, attached_id: int) -> None:
    """Forget that a statement could not be read, once every row was."""
    conn.execute(statement("adopting/clear_statement_problem"), {"attached_id": attached_id})


def install(conn: Connection, statements: Sequence[sql.Composed]) -> None:
    """Run what was generated for attaching or detaching."""
    for each in statements:
        conn.execute(each)


def take_over(
    conn: Connection,
    generated: GeneratedSql,
    *,
    attached_id: int,
    after: str | None,
    size: int,
    actor: str,
    is_baseline: bool,
    is_alone: bool,
    now: datetime,
) -> TakenOver:
    """Take over the rows that follow a key, in one transaction with how far that is.

    :param is_alone: nobody else audits meanwhile, so that this is not refused because of them.
    :raises psycopg.errors.SerializationFailure: the application changed one of them meanwhile; the
        batch was not taken over and can be tried again.
    """
    with conn.transaction():
        conn.execute(statement("adopting/begin_batch"))
        if is_alone:
            audit_chain.hold_chains(conn)
        conn.execute(statement("adopting/prepare_batch"))
        batch = generated.batch(after=after, size=size, actor=actor, is_baseline=is_baseline)
        row = conn.execute(batch).fetchone()
        assert row is not None, "an aggregate always has one row"
        taken = TakenOver(documents=row[0], rows=row[1], last_key=row[2])
        if is_baseline:
            conn.execute(
                statement("adopting/record_batch"),
                {
                    "attached_id": attached_id,
                    "last_key": taken.last_key,
                    "row_count": taken.rows,
                    "now": now,
                },
            )
    return taken


def note_removed(conn: Connection, generated: GeneratedSql, *, actor: str) -> int:
    """Note the documents whose row is gone, and return how many were not known to be."""
    return int(fetch_value(conn, generated.note_removed(actor=actor), {}) or 0)


def list_unread(
    conn: Connection, generated: GeneratedSql, *, organization_id: int
) -> list[UnreadBytes]:
    """Return the documents of an organization whose bytes nobody has read."""
    query = generated.without_bytes(organization_id=organization_id)
    return [
        UnreadBytes(external_id=row[0], modified_on=row[1], path=row[2])
        for row in conn.execute(query)
    ]
