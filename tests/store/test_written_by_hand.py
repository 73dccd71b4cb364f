"""What no task, application or owner writes by hand: facts, held bytes, bags, outcomes."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import errors

from .conftest import Catalogue, insert

WRITERS = ["owner", "worker", "application"]
REFUSED = (
    errors.CheckViolation,
    errors.ForeignKeyViolation,
    errors.InsufficientPrivilege,
    errors.RestrictViolation,
)


def write(catalogue: Catalogue, role: str, query: Any, **values: object) -> None:
    """Try to write something by hand; it must be refused."""
    connection = catalogue.as_role(role)
    with pytest.raises(REFUSED), connection.transaction():
        connection.execute(query, values)


def archived_and_held(catalogue: Catalogue) -> tuple[int, int, int]:
    """Return a held document with a copy in a bag and no original, the copy, and the bag."""
    original = catalogue.stored_object()
    document = catalogue.document(stored_object_id=original)
    store = catalogue.value("SELECT id FROM stores")
    bag = insert(
        catalogue.owner,
        "archive_bags",
        organization_id=1,
        store_id=store,
        uri=f"file:///documents/default/bag-{document}",
        state="sealed",
        sealed_at="2026-03-02",
    )
    copy = catalogue.stored_object(
        bag_id=bag, uri=f"file:///documents/default/bag-{document}/data/1"
    )
    plan = catalogue.applying(document, "ARCHIVE")
    catalogue.owner.execute(
        "UPDATE documents SET status = 'archived', archived_at = now(), archived_object_id = %s,"
        " stored_object_id = NULL WHERE id = %s",
        (copy, document),
    )
    catalogue.finish(plan)
    catalogue.hold(document)
    return document, copy, bag


def facts(catalogue: Catalogue, document: int) -> Any:
    """Return everything about a document, its bytes, its holds and its history."""
    return catalogue.owner.execute(
        "SELECT to_jsonb(document) - 'updated_at', to_jsonb(object), to_jsonb(bag),"
        " (SELECT jsonb_agg(to_jsonb(hold)) FROM matter_documents AS hold"
        "  WHERE hold.document_id = document.id),"
        " (SELECT jsonb_agg(to_jsonb(item)) FROM plan_items AS item"
        "  WHERE item.document_id = document.id),"
        " (SELECT jsonb_agg(to_jsonb(entry)) FROM audit_entries AS entry"
        "  WHERE entry.document_id = document.id),"
        " (SELECT jsonb_agg(to_jsonb(event)) FROM events AS event"
        "  WHERE event.document_id = document.id)"
        " FROM documents AS document"
        " JOIN stored_objects AS object ON object.id = document.archived_object_id"
        " JOIN archive_bags AS bag ON bag.id = object.bag_id WHERE document.id = %s",
        (document,),
    ).fetchone()


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM documents WHERE id = %(document)s",
        "TRUNCATE documents CASCADE",
        "DELETE FROM matter_documents WHERE document_id = %(document)s",
        "TRUNCATE matters CASCADE",
        "DELETE FROM matters",
        "DELETE FROM organizations",
        "TRUNCATE organizations CASCADE",
        "DELETE FROM stored_objects WHERE id = %(copy)s",
        "TRUNCATE stored_objects CASCADE",
        "DELETE FROM archive_bags WHERE id = %(bag)s",
        "TRUNCATE stores CASCADE",
        "UPDATE documents SET hold_count = 0 WHERE id = %(document)s",
        "UPDATE documents SET status = 'deleted', status_before = 'archived', deleted_at = now(),"
        " purge_after = current_date, hold_count = 0 WHERE id = %(document)s",
        "UPDATE documents SET status = 'purging', status_before = 'archived', purging_at = now()"
        " WHERE id = %(document)s",
        "UPDATE documents SET archived_object_id = NULL WHERE id = %(document)s",
        "UPDATE documents SET archived_object_id = NULL, status = 'active', archived_at = NULL"
        " WHERE id = %(document)s",
        "UPDATE stored_objects SET reference_count = 0 WHERE id = %(copy)s",
        "UPDATE stored_objects SET removing_since = now() WHERE id = %(copy)s",
        "UPDATE stored_objects SET removed_at = now() WHERE id = %(copy)s",
        "UPDATE stored_objects SET uri = uri || 'x' WHERE id = %(copy)s",
        "UPDATE archive_bags SET state = 'writing' WHERE id = %(bag)s",
        "UPDATE archive_bags SET state = 'removed' WHERE id = %(bag)s",
        "UPDATE archive_bags SET uri = uri || '1' WHERE id = %(bag)s",
        "UPDATE matter_documents SET too_late_since = now() WHERE document_id = %(document)s",
        "UPDATE matter_documents SET document_id = %(other)s WHERE document_id = %(document)s",
        "UPDATE matter_documents SET matter_id = %(matter)s WHERE document_id = %(document)s",
        "DELETE FROM plan_items WHERE document_id = %(document)s",
        "UPDATE plan_items SET state = 'failed', reason_code = 'x'"
        " WHERE document_id = %(document)s",
        "UPDATE plan_items SET reason = 'another' WHERE document_id = %(document)s",
        "DELETE FROM audit_entries WHERE document_id = %(document)s",
        "UPDATE audit_entries SET document_id = NULL WHERE document_id = %(document)s",
    ],
)
def test_no_hand_destroys_a_held_document_or_its_history(
    catalogue: Catalogue, role: str, query: str
) -> None:
    document, copy, bag = archived_and_held(catalogue)
    other = catalogue.document()
    before = facts(catalogue, document)

    write(
        catalogue,
        role,
        query,
        document=document,
        copy=copy,
        bag=bag,
        other=other,
        matter=catalogue.hold(other),
    )

    assert facts(catalogue, document) == before


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("column", ["removing_since", "removed_at"])
def test_nobody_condemns_the_original_of_a_held_document(
    catalogue: Catalogue, role: str, column: str
) -> None:
    original = catalogue.stored_object()
    catalogue.hold(catalogue.document(stored_object_id=original))

    write(
        catalogue,
        role,
        f"UPDATE stored_objects SET {column} = now() WHERE id = %(original)s",
        original=original,
    )


def test_nothing_is_removed_because_something_else_is(catalogue: Catalogue) -> None:
    cascading = catalogue.owner.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = 'doclife'::regnamespace"
        " AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r'))"
        " AND conparentid = 0"
    ).fetchall()

    assert [one for one in cascading if one[0] in DESTRUCTIBLE] == []


DESTRUCTIBLE = {
    "documents",
    "stored_objects",
    "archive_bags",
    "matters",
    "matter_documents",
    "plans",
    "plan_items",
    "plan_decisions",
    "audit_entries",
    "events",
}


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    "change",
    [
        "registered_at = '2001-01-01'",
        "created_at = '2001-01-01'",
        "field_changed_at = '{}'",
        "title = 'another', field_changed_at = '{}'",
        "anchor_floors = '{}'",
        "version = 0",
        "is_baseline = true",
    ],
)
def test_what_a_document_is_judged_by_is_never_written(
    catalogue: Catalogue, role: str, change: Any
) -> None:
    document = catalogue.document(expires_on="2030-01-01")
    catalogue.owner.execute(
        "UPDATE documents SET expires_on = '2026-01-01' WHERE id = %s", (document,)
    )

    write(catalogue, role, f"UPDATE documents SET {change} WHERE id = %(id)s", id=document)


@pytest.mark.parametrize("role", ["worker", "application"])
def test_only_the_owner_brings_over_what_was_registered_before(
    catalogue: Catalogue, role: str
) -> None:
    query = (
        "INSERT INTO documents (organization_id, external_id, registered_at)"
        " VALUES (1, %(id)s, '2001-01-01')"
    )

    write(catalogue, role, query, id=f"early by {role}")
    catalogue.owner.execute(query, {"id": f"early for {role}"})


def test_a_held_document_is_restored_from_the_archive_on_its_original(
    catalogue: Catalogue,
) -> None:
    document, copy, _bag = archived_and_held(catalogue)
    original = catalogue.stored_object()

    catalogue.worker.execute(
        "UPDATE documents SET stored_object_id = %s WHERE id = %s", (original, document)
    )
    catalogue.worker.execute(
        "UPDATE documents SET status = 'active', archived_at = NULL, archived_object_id = NULL"
        " WHERE id = %s",
        (document,),
    )

    assert catalogue.column(document, "status") == "active"
    assert catalogue.value("SELECT reference_count FROM stored_objects WHERE id = %s", copy) == 0


def test_a_held_document_in_the_trash_keeps_its_copy_beside_its_original(
    catalogue: Catalogue,
) -> None:
    document, copy, _bag = archived_and_held(catalogue)
    catalogue.owner.execute(
        "UPDATE matter_documents SET released_at = now(), released_by = 'user:olga'"
        " WHERE document_id = %s",
        (document,),
    )
    catalogue.moved(document, "deleted")
    catalogue.hold(document)
    catalogue.worker.execute(
        "UPDATE documents SET stored_object_id = %s WHERE id = %s",
        (catalogue.stored_object(), document),
    )

    write(
        catalogue,
        "worker",
        "UPDATE documents SET status = 'active', status_before = NULL, archived_object_id = NULL"
        " WHERE id = %(document)s",
        document=document,
    )

    assert catalogue.value("SELECT reference_count FROM stored_objects WHERE id = %s", copy) == 1


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    "place",
    [
        "file:///elsewhere/report",
        "file:///documents-of-another/report",
        "file:///documents/default/bag-{bag}/data/1",
    ],
)
def test_nobody_registers_bytes_of_another_store_or_out_of_a_bag(
    catalogue: Catalogue, role: str, place: str
) -> None:
    """Whoever purged that document would destroy what is not its own."""
    bag, _copy, _ = archived_and_held(catalogue)

    write(
        catalogue,
        role,
        "INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
        " SELECT id, %(uri)s, 1, decode(repeat('00', 32), 'hex') FROM stores",
        uri=place.format(bag=bag) + role,
    )


def test_a_task_can_do_its_work_on_bytes_and_bags(catalogue: Catalogue) -> None:
    bytes_ = catalogue.stored_object()
    store = catalogue.value("SELECT id FROM stores")
    bag = insert(
        catalogue.worker, "archive_bags", organization_id=1, store_id=store, uri="unplaced:1"
    )

    catalogue.worker.execute(
        "UPDATE archive_bags SET uri = 'file:///documents/a/bag-1' WHERE id = %s", (bag,)
    )
    catalogue.worker.execute(
        "UPDATE archive_bags SET state = 'sealed', sealed_at = now() WHERE id = %s", (bag,)
    )
    catalogue.worker.execute(
        "UPDATE stored_objects SET removing_since = now() WHERE id = %s", (bytes_,)
    )
    catalogue.worker.execute(
        "UPDATE stored_objects SET removed_at = now() WHERE id = %s", (bytes_,)
    )

    assert catalogue.value("SELECT state FROM archive_bags WHERE id = %s", bag) == "sealed"
