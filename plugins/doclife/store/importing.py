"""Compares batches of found documents with the catalogue, and takes over what is new or changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """One document as it was found; the fields are the columns of imports/copy_rows, in order.

    None from ``title`` on means not given: what the catalogue says stays.

    :param line: tells the rows of a batch apart.
    :param written_on: day of ``modified_at``, for dates that are not given.
    """

    line: int
    external_id: str
    uri: str
    store_id: int
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None
    modified_at: datetime | None
    written_on: date | None
    default_title: str
    default_media_type: str | None
    title: str | None
    document_type: str | None
    owner: str | None
    tags: list[str] | None
    media_type: str | None
    metadata: Jsonb | None
    created_on: date | None
    modified_on: date | None
    last_accessed_on: date | None
    expires_on: date | None


@dataclass(frozen=True, kw_only=True)
class ImportContext:
    """What is the same for every row of an import.

    :param source: what was imported, for the audit trail.
    :param began_at: when the first byte was read.
    """

    organization_id: int
    today: date
    actor: str
    source: str
    is_baseline: bool
    began_at: datetime


@dataclass(frozen=True, kw_only=True)
class LeftAlone:
    """A row that was not taken over, and why, in one word of imports/compare."""

    uri: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class BatchOutcome:
    """How many rows became what."""

    new: int
    changed: int
    left_alone: list[LeftAlone]


@dataclass(frozen=True, kw_only=True)
class RecordedFacts:
    """What the catalogue says about bytes at one place."""

    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None
    modified_at: datetime | None


_values = attrgetter(*(field.name for field in fields(ImportRow)))


def create_rows(conn: Connection) -> None:
    """Make room for batches in this session; a second call changes nothing."""
    conn.execute(statement("imports/create_rows"))


def take_over(
    conn: Connection, rows: Sequence[ImportRow], context: ImportContext, *, is_durable: bool
) -> BatchOutcome:
    """Compare a batch with the catalogue and take over what is new or changed, in one transaction.

    The same batch again finds everything unchanged.

    :param is_durable: wait until the batch is on disk, and with it every batch before. Only the
        last one needs it: what a power cut takes from an unfinished import is imported again.
    """
    parameters: dict[str, Any] = {
        "organization_id": context.organization_id,
        "now": context.began_at,
        "began_at": context.began_at,
        "today": context.today,
        "actor": context.actor,
        "source": context.source,
        "is_baseline": context.is_baseline,
    }
    with conn.transaction():
        if not is_durable:
            conn.execute(statement("imports/commit_without_waiting"))
        conn.execute(statement("imports/clear_rows"))
        with conn.cursor() as cursor, cursor.copy(statement("imports/copy_rows")) as copy:
            for row in rows:
                copy.write_row(_values(row))
        compared = conn.execute(statement("imports/compare"), parameters).fetchone()
        assert compared is not None, "an aggregate always has one row"
        has_objects, has_new, has_changed, has_other_bytes = compared
        new = changed = 0
        if has_objects:
            conn.execute(statement("imports/record_objects"), parameters)
        if has_new:
            new = fetch_value(conn, statement("imports/insert_documents"), parameters)
        if has_changed:
            changed = fetch_value(conn, statement("imports/update_documents"), parameters)
        if has_other_bytes:
            conn.execute(statement("imports/update_sharers"), parameters)
        left_alone = fetch_rows(conn, statement("imports/list_left_alone"), {}, LeftAlone)
    return BatchOutcome(new=new, changed=changed, left_alone=left_alone)


def find_facts(conn: Connection, uris: Sequence[str]) -> dict[str, RecordedFacts]:
    """Return what is recorded about bytes by their place; places without bytes are left out."""
    query = statement("imports/find_facts")
    rows = fetch_rows(conn, query, {"uris": list(uris)}, RecordedFacts)
    return {row.uri: row for row in rows}


def find_duplicates(conn: Connection, names: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    """Return the names that more than one line has, with those lines; any number is fine.

    :param names: line and name of each row; read once.
    """
    conn.execute(statement("imports/create_names"))
    with conn.transaction():
        conn.execute(statement("imports/clear_names"))
        with conn.cursor() as cursor, cursor.copy(statement("imports/copy_names")) as copy:
            for name in names:
                copy.write_row(name)
        return dict(conn.execute(statement("imports/list_duplicates")).fetchall())


def is_bag(conn: Connection, uri: str) -> bool:
    """Tell whether a folder is an archive bag of ours."""
    return bool(fetch_value(conn, statement("bags/has_uri"), {"uri": uri}))
