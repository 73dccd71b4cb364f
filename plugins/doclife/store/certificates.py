"""Reads and writes certificates of destruction and what they list."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from doclife.domain.certificate import (
    Certificate,
    CertifiedPlan,
    Item,
    NotDestroyed,
    Series,
    TouchedStore,
)
from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import statement

ITEMS_AT_ONCE = 2000
"""Items that are held in memory while a certificate of any size is read."""


def list_due(conn: Connection) -> list[int]:
    """Return the purge plans that are done, destroyed something and have no certificate."""
    return [row[0] for row in conn.execute(statement("certificates/list_due"))]


def describe_plan(conn: Connection, plan_id: int) -> CertifiedPlan:
    """Return what a certificate says of its plan, which must exist."""
    [row] = fetch_dicts(conn, statement("certificates/describe_plan"), {"plan_id": plan_id})
    return CertifiedPlan(**{**row, "deployment_id": str(row["deployment_id"])})


def count_series(conn: Connection, plan_id: int) -> list[Series]:
    """Return what a plan destroyed, by type, rule and authority."""
    return fetch_rows(conn, statement("certificates/count_series"), {"plan_id": plan_id}, Series)


def count_stores(conn: Connection, plan_id: int) -> list[TouchedStore]:
    """Return what became of the bytes, by store."""
    return fetch_rows(
        conn, statement("certificates/count_stores"), {"plan_id": plan_id}, TouchedStore
    )


def list_not_destroyed(conn: Connection, plan_id: int) -> list[NotDestroyed]:
    """Return the documents of the plan that were not destroyed, by reason."""
    return fetch_rows(
        conn, statement("certificates/list_not_destroyed"), {"plan_id": plan_id}, NotDestroyed
    )


def iterate_items(conn: Connection, plan_id: int) -> Iterator[Item]:
    """Yield what a certificate lists, in its order, some thousand held at a time.

    Read it to its end in the transaction in which it was begun.
    """
    with conn.cursor(name="certificate_items", row_factory=class_row(Item)) as cursor:
        cursor.itersize = ITEMS_AT_ONCE
        yield from cursor.execute(statement("certificates/list_items"), {"plan_id": plan_id})


def insert(
    conn: Connection,
    *,
    organization_id: int,
    plan_id: int,
    issued_at: datetime,
    body: dict[str, Any],
    merkle_root: bytes,
    signature: bytes,
    public_key: bytes,
) -> bool:
    """Keep a certificate; False when the plan has one already."""
    parameters = {
        "organization_id": organization_id,
        "plan_id": plan_id,
        "issued_at": issued_at,
        "body": Jsonb(body),
        "merkle_root": merkle_root,
        "signature": signature,
        "public_key": public_key,
    }
    return fetch_value(conn, statement("certificates/insert"), parameters) is not None


def announce(
    conn: Connection,
    *,
    organization_id: int,
    plan_id: int,
    payload: dict[str, Any],
    occurred_on: date,
    now: datetime,
    actor: str,
) -> None:
    """Write the event that tells of a certificate."""
    conn.execute(
        statement("certificates/announce"),
        {
            "organization_id": organization_id,
            "plan_id": plan_id,
            "payload": Jsonb(payload),
            "occurred_on": occurred_on,
            "now": now,
            "actor": actor,
        },
    )


def list_page(
    conn: Connection, *, organization_id: int | None, before: int | None, size: int
) -> list[Certificate]:
    """Return a page of certificates, the newest plan first."""
    return _list(conn, organization_id=organization_id, plan_id=None, before=before, size=size)


def find(conn: Connection, plan_id: int) -> Certificate | None:
    """Return the certificate of a plan; None when it has none."""
    rows = _list(conn, organization_id=None, plan_id=plan_id, before=None, size=1)
    return rows[0] if rows else None


def _list(
    conn: Connection,
    *,
    organization_id: int | None,
    plan_id: int | None,
    before: int | None,
    size: int,
) -> list[Certificate]:
    parameters = {
        "organization_id": organization_id,
        "plan_id": plan_id,
        "before": before,
        "size": size,
    }
    return fetch_rows(conn, statement("certificates/list"), parameters, Certificate)


def find_of_document(conn: Connection, document_id: int) -> tuple[int, bool] | None:
    """Return the plan that purged a document, and whether its certificate is issued."""
    row = conn.execute(
        statement("certificates/find_of_document"), {"document_id": document_id}
    ).fetchone()
    return None if row is None else (row[0], row[1])


def list_unwritten(conn: Connection) -> list[int]:
    """Return the plans whose certificates are in no store yet."""
    return [row[0] for row in conn.execute(statement("certificates/list_unwritten"))]


def record_file(conn: Connection, *, plan_id: int, uri: str, written_at: datetime) -> None:
    """Note where a certificate was written to; once more does nothing."""
    parameters = {"plan_id": plan_id, "uri": uri, "written_at": written_at}
    conn.execute(statement("certificates/record_file"), parameters)
