"""Whoever writes: nobody destroys a held document, what hangs on it, or what was written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from .conftest import NOW, Catalogue, insert

ROLES = ["worker", "application"]
EVERYBODY = ["owner", *ROLES]
REBUILT = {"dispositions", "documents_to_check"}
"""Read models and hints, which are made anew and say nothing that is not elsewhere."""


@dataclass(frozen=True)
class Held:
    """An archived document under a matter, with something in every table that knows documents."""

    document: int
    matter: int
    original: int
    copy: int
    bag: int


@pytest.fixture
def held(catalogue: Catalogue) -> Held:
    original = catalogue.stored_object()
    bag = insert(
        catalogue.owner,
        "archive_bags",
        organization_id=1,
        store_id=catalogue.value("SELECT id FROM stores"),
        uri=f"file:///documents/bag-{original}",
        state="sealed",
        sealed_at=NOW,
    )
    copy = catalogue.stored_object(uri=f"file:///documents/bag-{original}/data/1", bag_id=bag)
    document = catalogue.document(stored_object_id=original, metadata="{}")
    catalogue.owner.execute(
        "UPDATE documents SET archived_object_id = %s WHERE id = %s", (copy, document)
    )
    catalogue.moved(document, "archived")
    matter = catalogue.hold(document)
    insert(
        catalogue.owner,
        "events",
        organization_id=1,
        type="contract.ended",
        is_external=True,
        document_id=document,
        occurred_on=NOW.date(),
        actor="application",
    )
    return Held(document=document, matter=matter, original=original, copy=copy, bag=bag)


def tables_of_documents(catalogue: Catalogue) -> dict[str, str]:
    """Return every table that says something about documents, and the column that says which."""
    rows = catalogue.owner.execute(
        "SELECT relation.relname, attribute.attname FROM pg_attribute AS attribute"
        " INNER JOIN pg_class AS relation ON attribute.attrelid = relation.oid"
        " WHERE relation.relnamespace = 'doclife'::regnamespace AND relation.relkind IN ('r', 'p')"
        " AND NOT relation.relispartition AND attribute.attname = 'document_id'"
    ).fetchall()
    return {**dict(rows), "documents": "id"}


def rows_about(catalogue: Catalogue, held: Held) -> dict[str, int]:
    """Count what every table says about the document."""
    return {
        table: catalogue.value(
            sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(
                sql.Identifier(table), sql.Identifier(column)
            ),
            held.document,
        )
        for table, column in tables_of_documents(catalogue).items()
        if table not in REBUILT
    }


def attempt(conn: psycopg.Connection[Any], query: Any, *parameters: object) -> str:
    """Run a statement and return what kept it from being done, or how many rows it took."""
    try:
        with conn.transaction():
            return f"{conn.execute(query, parameters).rowcount} rows"
    except psycopg.Error as error:
        return type(error).__name__


def test_there_is_something_to_lose(catalogue: Catalogue, held: Held) -> None:
    counted = rows_about(catalogue, held)

    assert {"documents", "matter_documents", "events", "audit_entries", "plan_items"} <= {
        table for table, rows in counted.items() if rows
    }


@pytest.mark.parametrize("role", ROLES)
def test_no_row_about_a_held_document_is_deleted(
    catalogue: Catalogue, held: Held, role: str
) -> None:
    before = rows_about(catalogue, held)

    for table, column in tables_of_documents(catalogue).items():
        names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
        delete = sql.SQL("DELETE FROM {table} WHERE {column} = %s").format(**names)
        truncate = sql.SQL("TRUNCATE {table} CASCADE").format(**names)
        if table not in REBUILT:
            assert attempt(catalogue.as_role(role), delete, held.document) != "1 rows", table
        attempt(catalogue.as_role(role), truncate)

    assert rows_about(catalogue, held) == before


@pytest.mark.parametrize("table", ["documents", "matters", "matter_documents", "audit_entries"])
@pytest.mark.parametrize("how", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_not_even_the_owner_deletes_holds_or_what_they_hold(
    catalogue: Catalogue, held: Held, table: str, how: str
) -> None:
    before = rows_about(catalogue, held)
    query = sql.SQL(how).format(sql.Identifier(table))

    assert attempt(catalogue.owner, query) in ("RestrictViolation", "ForeignKeyViolation")
    assert rows_about(catalogue, held) == before


@pytest.mark.parametrize("role", EVERYBODY)
def test_no_cascade_leads_to_a_held_document(catalogue: Catalogue, held: Held, role: str) -> None:
    before = rows_about(catalogue, held)

    for table, row in (
        ("organizations", 1),
        ("stored_objects", held.original),
        ("stored_objects", held.copy),
        ("archive_bags", held.bag),
        ("matters", held.matter),
    ):
        query = sql.SQL("DELETE FROM {} WHERE id = %s").format(sql.Identifier(table))
        assert "rows" not in attempt(catalogue.as_role(role), query, row), table
    for table in ("organizations", "stored_objects", "archive_bags", "matters", "plans"):
        query = sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table))
        assert "rows" not in attempt(catalogue.as_role(role), query), table

    assert rows_about(catalogue, held) == before


UPDATES = {
    "into the trash": "UPDATE documents SET status = 'deleted', status_before = status,"
    " deleted_at = now(), purge_after = current_date WHERE id = %(document)s",
    "purging": "UPDATE documents SET status = 'purging', status_before = 'archived',"
    " purging_at = now() WHERE id = %(document)s",
    "a tombstone": "UPDATE documents SET status = 'purged', purged_at = now(), title = NULL,"
    " owner = NULL, tags = NULL, metadata = '{}', stored_object_id = NULL,"
    " archived_object_id = NULL WHERE id = %(document)s",
    "no holds": "UPDATE documents SET hold_count = 0 WHERE id = %(document)s",
    "no original": "UPDATE documents SET stored_object_id = NULL WHERE id = %(document)s",
    "no copy": "UPDATE documents SET archived_object_id = NULL WHERE id = %(document)s",
    "another id": "UPDATE documents SET external_id = 'x' WHERE id = %(document)s",
    "bytes condemned": "UPDATE stored_objects SET removing_since = now() WHERE id = %(original)s",
    "copy condemned": "UPDATE stored_objects SET removing_since = now() WHERE id = %(copy)s",
    "bytes removed": "UPDATE stored_objects SET removing_since = now(), removed_at = now()"
    " WHERE id = %(original)s",
    "bytes elsewhere": "UPDATE stored_objects SET uri = uri || 'x' WHERE id = %(original)s",
    "bag removed": "UPDATE archive_bags SET state = 'removed' WHERE id = %(bag)s",
    "hold of another": "UPDATE matter_documents SET document_id = document_id + 1"
    " WHERE matter_id = %(matter)s",
    "too late": "UPDATE matter_documents SET too_late_since = now() WHERE matter_id = %(matter)s",
    "released by nobody": "UPDATE matter_documents SET released_at = now()"
    " WHERE matter_id = %(matter)s",
    "closed while it holds": "UPDATE matters SET released_at = now(), released_by = 'user:olga'"
    " WHERE id = %(matter)s",
    "another reason": "UPDATE matters SET reason = 'none' WHERE id = %(matter)s",
    "a condition by nobody": """UPDATE matters SET condition = '{"field": "owner"}'"""
    " WHERE id = %(matter)s",
    "another past": "UPDATE audit_entries SET action = 'nothing' WHERE document_id = %(document)s",
    "another event": "UPDATE events SET type = 'nothing.happened' WHERE document_id = %(document)s",
    "another outcome": "UPDATE plan_items SET state = 'failed', reason_code = 'x', reason = 'x'"
    " WHERE document_id = %(document)s",
}
OWNERS = {"another id", "another event"}
"""What the owner of the catalogue, who may change any table anyway, is not kept from."""


@pytest.mark.parametrize(
    ("what", "role"),
    [
        (what, role)
        for what in UPDATES
        for role in EVERYBODY
        if role != "owner" or what not in OWNERS
    ],
)
def test_nobody_writes_a_held_document_away(
    catalogue: Catalogue, held: Held, what: str, role: str
) -> None:
    parameters = {name: getattr(held, name) for name in Held.__dataclass_fields__}
    conn = catalogue.as_role(role)
    before = rows_about(catalogue, held)

    with pytest.raises(
        (
            psycopg.errors.CheckViolation,
            psycopg.errors.RestrictViolation,
            psycopg.errors.InsufficientPrivilege,
        )
    ):
        conn.execute(UPDATES[what], parameters)

    assert catalogue.column(held.document, "status") == "archived"
    assert catalogue.column(held.document, "hold_count") == 1
    assert rows_about(catalogue, held) == before


def test_applications_see_and_touch_no_matter(catalogue: Catalogue, held: Held) -> None:
    for query in (
        "SELECT FROM matters",
        "SELECT FROM matter_documents",
        "INSERT INTO matters (organization_id, name, reason, created_by) VALUES (1, 'x', 'x', 'x')",
        "UPDATE matter_documents SET released_at = now(), released_by = 'me'",
    ):
        assert attempt(catalogue.application, query) == "InsufficientPrivilege"
    assert catalogue.column(held.document, "hold_count") == 1


@pytest.mark.parametrize("role", ["owner", "worker"])
def test_a_hold_written_by_hand_is_counted_and_written_down(
    catalogue: Catalogue, held: Held, role: str
) -> None:
    conn = catalogue.as_role(role)

    conn.execute(
        "UPDATE matter_documents SET released_at = now(), released_by = 'user:by-hand',"
        " release_reason = 'settled' WHERE matter_id = %s",
        (held.matter,),
    )
    released = catalogue.column(held.document, "hold_count")
    conn.execute(
        "UPDATE matter_documents SET released_at = NULL, released_by = NULL, added_by = 'user:b',"
        " release_reason = NULL WHERE matter_id = %s",
        (held.matter,),
    )

    assert (released, catalogue.column(held.document, "hold_count")) == (0, 1)
    for table, column in (("audit_entries", "action"), ("events", "type")):
        query: Any = (
            f"SELECT {column}, actor FROM {table}"
            f" WHERE document_id = %s AND {column} ~ 'held|released' ORDER BY id"
        )
        assert catalogue.owner.execute(query, (held.document,)).fetchall() == [
            ("document.held", "user:olga"),
            ("document.released", "user:by-hand"),
            ("document.held", "user:b"),
        ]
    assert catalogue.value(
        "SELECT reason FROM audit_entries WHERE document_id = %s AND action = 'document.released'",
        held.document,
    ).endswith(": settled")


def test_a_matter_holds_documents_of_its_own_organization_only(
    catalogue: Catalogue, held: Held
) -> None:
    other = insert(catalogue.owner, "organizations", slug=f"other-{held.document}", name="Other")
    document = catalogue.document(organization_id=other)

    with pytest.raises(psycopg.errors.CheckViolation, match="another organization"):
        insert(
            catalogue.worker,
            "matter_documents",
            returning="matter_id",
            matter_id=held.matter,
            document_id=document,
            added_by="user:olga",
        )


@pytest.mark.parametrize("role", ["owner", "worker"])
def test_a_closed_matter_stays_closed_and_takes_nobody(
    catalogue: Catalogue, held: Held, role: str
) -> None:
    conn = catalogue.as_role(role)
    by = "released_at = now(), released_by = 'user:olga'"
    conn.execute(f"UPDATE matter_documents SET {by} WHERE matter_id = %s", (held.matter,))
    conn.execute(f"UPDATE matters SET {by} WHERE id = %s", (held.matter,))

    with pytest.raises(psycopg.errors.CheckViolation, match="closed for good"):
        conn.execute(
            "UPDATE matters SET released_at = NULL, released_by = NULL WHERE id = %s",
            (held.matter,),
        )
    with pytest.raises(psycopg.errors.CheckViolation, match="is closed"):
        insert(
            conn,
            "matter_documents",
            returning="matter_id",
            matter_id=held.matter,
            document_id=catalogue.document(),
            added_by="user:olga",
        )
