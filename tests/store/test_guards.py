"""What the database itself refuses, whoever writes: a task, an application, or the owner's psql."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, RestrictViolation
from psycopg.types.json import Jsonb

from .conftest import MOVES, NOW, Catalogue, insert

WRITERS = ["owner", "worker"]
EVERYBODY = [*WRITERS, "application"]


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    ("way", "status"),
    [
        ((), "archived"),
        ((), "deleted"),
        (("archived",), "deleted"),
        (("deleted",), "purging"),
    ],
)
def test_only_a_plan_being_applied_takes_a_document_towards_destruction(
    catalogue: Catalogue, role: str, way: tuple[str, ...], status: str
) -> None:
    document = catalogue.moved(catalogue.document(), *way)

    with pytest.raises(CheckViolation, match="only through a plan that is being applied"):
        catalogue.move(document, status, role=role)


@pytest.mark.parametrize("state", ["planned", "needs_approval", "rejected", "applied", "undone"])
def test_a_plan_in_any_other_state_moves_nothing(catalogue: Catalogue, state: str) -> None:
    document = catalogue.document()
    plan = catalogue.plan()
    catalogue.item(plan, document, "DELETE")
    for step in {
        "planned": [],
        "needs_approval": ["needs_approval"],
        "rejected": ["needs_approval", "rejected"],
        "applied": ["applying", "applied"],
        "undone": ["applying", "undone"],
    }[state]:
        catalogue.owner.execute(
            "UPDATE plans SET state = %s, approval_reason = 'too many' WHERE id = %s", (step, plan)
        )

    with pytest.raises(CheckViolation, match="only through a plan"):
        catalogue.move(document, "deleted")


@pytest.mark.parametrize("other", ["ARCHIVE", "NOTIFY", "PURGE", "REMOVE_ORIGINAL"])
def test_a_plan_for_something_else_moves_nothing(catalogue: Catalogue, other: str) -> None:
    document = catalogue.document()
    catalogue.applying(document, other)

    with pytest.raises(CheckViolation, match="only through a plan"):
        catalogue.move(document, "deleted")


def test_an_item_that_reserves_nothing_moves_nothing(catalogue: Catalogue) -> None:
    """Nobody would ask for the approvals of a plan that claims to destroy nothing."""
    document = catalogue.document()
    plan = catalogue.plan()
    catalogue.item(plan, document, "DELETE", is_reserving=False)
    catalogue.owner.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))

    with pytest.raises(CheckViolation, match="only through a plan"):
        catalogue.move(document, "deleted")


def test_what_a_plan_has_done_it_cannot_do_again(catalogue: Catalogue) -> None:
    document = catalogue.document()
    plan = catalogue.applying(document, "DELETE")
    catalogue.move(document, "deleted")
    catalogue.owner.execute(
        "UPDATE plan_items SET state = 'done', finished_at = now() WHERE plan_id = %s", (plan,)
    )
    catalogue.move(document, "active")

    with pytest.raises(CheckViolation, match="only through a plan"):
        catalogue.move(document, "deleted")


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("status", ["archived", "deleted", "purging", "purged"])
def test_no_document_is_born_in_the_trash(catalogue: Catalogue, role: str, status: str) -> None:
    tombstone = {"tags": None} if status == "purged" else {}
    with pytest.raises(CheckViolation, match="begins as active"):
        insert(
            catalogue.as_role(role),
            "documents",
            organization_id=1,
            external_id="born",
            status=status,
            status_before="active" if status in ("deleted", "purging") else None,
            archived_at=NOW,
            deleted_at=NOW,
            purge_after=NOW.date(),
            purging_at=NOW,
            purged_at=NOW,
            **tombstone,
        )


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(("way", "status"), [((), "deleted"), (("deleted",), "purging")])
def test_a_held_document_never_enters_the_trash_or_goes_further(
    catalogue: Catalogue, role: str, way: tuple[str, ...], status: str
) -> None:
    document = catalogue.moved(catalogue.document(), *way)
    catalogue.hold(document)
    catalogue.applying(document, "DELETE" if status == "deleted" else "PURGE")

    with pytest.raises(CheckViolation, match="legal hold"):
        catalogue.move(document, status, role=role)


@pytest.mark.parametrize("role", WRITERS)
def test_a_hold_is_taken_off_in_its_matter_only(catalogue: Catalogue, role: str) -> None:
    document = catalogue.document()
    matter = catalogue.hold(document)

    refusal = CheckViolation if role == "owner" else InsufficientPrivilege
    with pytest.raises(refusal):
        catalogue.as_role(role).execute(
            "UPDATE documents SET hold_count = 0 WHERE id = %s", (document,)
        )
    catalogue.worker.execute(
        "UPDATE matter_documents SET released_at = now(), released_by = 'user:olga'"
        " WHERE matter_id = %s",
        (matter,),
    )
    assert catalogue.column(document, "hold_count") == 0


def test_two_holds_of_one_document_are_counted_and_released_one_by_one(
    catalogue: Catalogue,
) -> None:
    document = catalogue.document()
    matters = [catalogue.hold(document), catalogue.hold(document)]

    counts = [catalogue.column(document, "hold_count")]
    for matter in matters:
        catalogue.owner.execute(
            "UPDATE matter_documents SET released_at = now(), released_by = 'user:olga'"
            " WHERE matter_id = %s",
            (matter,),
        )
        counts.append(catalogue.column(document, "hold_count"))

    assert counts == [2, 1, 0]


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("way", [(), ("archived",), ("deleted",)])
def test_purged_comes_after_purging_and_never_otherwise(
    catalogue: Catalogue, role: str, way: tuple[str, ...]
) -> None:
    document = catalogue.moved(catalogue.document(), *way)

    with pytest.raises(CheckViolation, match="cannot go from"):
        catalogue.move(document, "purged", role=role)


@pytest.mark.parametrize("way", [("deleted", "purging"), ("deleted", "purging", "purged")])
def test_what_is_being_destroyed_is_never_said_to_be_held(
    catalogue: Catalogue, way: tuple[str, ...]
) -> None:
    document = catalogue.moved(catalogue.document(), *way)

    with pytest.raises(CheckViolation, match="a_held_document_is_never_purged"):
        catalogue.owner.execute("UPDATE documents SET hold_count = 1 WHERE id = %s", (document,))


@pytest.mark.parametrize("role", WRITERS)
def test_what_is_purged_never_comes_back(catalogue: Catalogue, role: str) -> None:
    document = catalogue.moved(catalogue.document(), "deleted", "purging", "purged")

    with pytest.raises(CheckViolation, match="cannot go from purged to active"):
        catalogue.move(document, "active", role=role)


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize(
    "table",
    ["documents", "audit_entries", "rule_versions", "plan_decisions", "matter_documents"],
)
@pytest.mark.parametrize("query", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_history_is_never_removed(catalogue: Catalogue, role: str, table: str, query: Any) -> None:
    with pytest.raises((RestrictViolation, InsufficientPrivilege)) as caught:
        catalogue.as_role(role).execute(query.format(table))

    if role == "owner":
        assert caught.type is RestrictViolation


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize(
    "query",
    [
        "UPDATE audit_entries SET reason = 'nothing happened'",
        "UPDATE rule_versions SET mode = 'enforce'",
        "UPDATE plan_decisions SET decision = 'approve'",
        "UPDATE certificates SET body = '{}'",
    ],
)
def test_history_is_never_rewritten(catalogue: Catalogue, role: str, query: Any) -> None:
    with pytest.raises((RestrictViolation, InsufficientPrivilege)):
        catalogue.as_role(role).execute(query)


@pytest.mark.parametrize("role", ["worker", "application"])
@pytest.mark.parametrize(
    "query",
    [
        "UPDATE organizations SET max_documents_per_day = 1000000",
        "UPDATE organizations SET cooling_off_days = 0",
        "UPDATE deployment SET max_fraction_per_day = 1",
        "UPDATE deployment SET cluster_identity = cluster_identity()",
        "DELETE FROM documents",
        "DELETE FROM audit_entries",
        "DELETE FROM notices",
        "DELETE FROM plan_items",
        "ALTER TABLE documents DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TRIGGER guard_document_status ON documents",
        "CREATE OR REPLACE FUNCTION doclife.halt_reason() RETURNS text LANGUAGE sql"
        " AS 'SELECT NULL'",
        "CREATE TABLE doclife.mine (id int)",
    ],
)
def test_no_task_widens_its_own_limits(catalogue: Catalogue, role: str, query: Any) -> None:
    with pytest.raises(InsufficientPrivilege):
        catalogue.as_role(role).execute(query)


# ------------------------------------------------------------------------------------- plans


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    "change",
    [
        "rule_version_id = NULL, kind = 'purge'",
        "mode = 'simulate'",
        "as_of = as_of - interval '1 day'",
        "created_at = now()",
        "requested_by = 'user:somebody else'",
        "run_id = 'another'",
        "selection_key = 'another'",
        """options = '{"store": "another"}'""",
        "organization_id = organization_id + 1",
    ],
)
def test_what_a_plan_was_made_from_is_fixed(catalogue: Catalogue, role: str, change: str) -> None:
    plan = catalogue.plan()
    query: Any = f"UPDATE plans SET {change} WHERE id = {plan}"

    with pytest.raises(CheckViolation, match="was made from cannot change"):
        catalogue.as_role(role).execute(query)


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("stages", [0, 1, 2])
def test_nobody_approves_by_writing_the_state(catalogue: Catalogue, role: str, stages: int) -> None:
    plan = waiting(catalogue, stages=stages)
    conn = catalogue.as_role(role)

    with pytest.raises(CheckViolation, match=r"needs \d approval"):
        conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan,))
    with pytest.raises(CheckViolation, match="cannot go from needs_approval to applying"):
        conn.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))


def test_approvals_once_needed_stay_needed(catalogue: Catalogue) -> None:
    plan = waiting(catalogue, stages=2)

    with pytest.raises(CheckViolation, match="cannot change"):
        catalogue.owner.execute("UPDATE plans SET required_stages = 1 WHERE id = %s", (plan,))


@pytest.mark.parametrize(
    "decisions",
    [
        [{"decision": "approve"}],
        [{"decision": "approve"}, {"decision": "approve"}],
        [{"decision": "approve"}, {"decision": "approve", "stage": 3}],
        [
            {"decision": "approve"},
            {
                "decision": "approve",
                "stage": 2,
                "is_valid": False,
                "invalid_reason": "author",
            },
        ],
        [
            {"decision": "approve"},
            {"decision": "approve", "stage": 2},
            {"decision": "reject"},
        ],
    ],
    ids=["one of two", "one stage twice", "no such stage", "one does not count", "a refusal"],
)
def test_every_stage_must_approve_and_nobody_reject(
    catalogue: Catalogue, decisions: list[dict[str, Any]]
) -> None:
    plan = waiting(catalogue, stages=2)
    for decision in decisions:
        decide(catalogue, plan, **decision)

    with pytest.raises(CheckViolation, match=r"needs 2 approval\(s\)"):
        catalogue.owner.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan,))


def test_a_refusal_after_the_approval_still_stops_it(catalogue: Catalogue) -> None:
    plan = waiting(catalogue, stages=1)
    decide(catalogue, plan, decision="approve")
    catalogue.owner.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan,))
    decide(catalogue, plan, decision="reject")

    with pytest.raises(CheckViolation, match="needs 1 approval"):
        catalogue.owner.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("state", ["approved", "applying", "applied", "undone"])
def test_no_plan_is_born_approved(catalogue: Catalogue, role: str, state: str) -> None:
    with pytest.raises(CheckViolation, match="begins as planned"):
        insert(
            catalogue.as_role(role),
            "plans",
            organization_id=1,
            kind="purge",
            dag_id="test",
            run_id=f"born {state} of {role}",
            requested_by="user:olga",
            mode="enforce",
            as_of=NOW,
            created_at=NOW,
            state=state,
        )


def test_nothing_is_applied_while_halted(catalogue: Catalogue) -> None:
    plan = catalogue.plan()
    with catalogue.owner.transaction(force_rollback=True):
        catalogue.owner.execute("UPDATE switches SET is_on = true, reason = 'odd'")
        with pytest.raises(CheckViolation, match="odd"), catalogue.owner.transaction():
            catalogue.owner.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))


def test_a_copied_database_starts_halted(catalogue: Catalogue) -> None:
    name = "a_clone"
    with psycopg.connect(catalogue.server.url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name} TEMPLATE store_template")
    clone = Catalogue(
        server=catalogue.server,
        database=name,
        owner=(conn := Catalogue.another(_named(catalogue, name))),
        worker=conn,
        application=conn,
    )
    with conn:
        plan = clone.plan()
        with pytest.raises(CheckViolation, match="doclife adopt"):
            conn.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))

        conn.execute("UPDATE deployment SET cluster_identity = cluster_identity()")
        conn.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))


def test_the_future_is_only_simulated(catalogue: Catalogue) -> None:
    as_of = catalogue.value("SELECT now() + interval '1 minute'")
    plan = catalogue.plan(as_of=as_of, created_at=as_of)

    with pytest.raises(CheckViolation, match="in the future"):
        catalogue.owner.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))


def test_a_simulation_is_never_applied(catalogue: Catalogue) -> None:
    plan = catalogue.plan(mode="simulate")

    with pytest.raises(CheckViolation, match="a_simulation_is_never_applied"):
        catalogue.owner.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan,))


def test_a_document_has_one_open_destructive_item(catalogue: Catalogue) -> None:
    document = catalogue.document()
    catalogue.item(catalogue.plan(), document, "DELETE")

    with pytest.raises(psycopg.errors.UniqueViolation, match="one_open_destructive_item"):
        catalogue.item(catalogue.plan(), document, "ARCHIVE")


def test_a_simulation_reserves_nothing(catalogue: Catalogue) -> None:
    document = catalogue.document()
    catalogue.item(catalogue.plan(mode="simulate"), document, "DELETE", is_reserving=False)

    catalogue.item(catalogue.plan(), document, "DELETE")


def waiting(catalogue: Catalogue, *, stages: int) -> int:
    """Store a plan that waits for a person."""
    plan = catalogue.plan()
    catalogue.owner.execute(
        "UPDATE plans SET state = 'needs_approval', approval_reason = 'too many',"
        " required_stages = %s WHERE id = %s",
        (stages, plan),
    )
    return plan


def decide(catalogue: Catalogue, plan_id: int, **columns: Any) -> None:
    decided_by = f"user:x{columns.get('stage', 1)}"
    insert(catalogue.owner, "plan_decisions", plan_id=plan_id, decided_by=decided_by, **columns)


def _named(catalogue: Catalogue, database: str) -> Catalogue:
    return Catalogue(
        server=catalogue.server,
        database=database,
        owner=catalogue.owner,
        worker=catalogue.worker,
        application=catalogue.application,
    )


# ------------------------------------------------------------------------------------- bytes


def test_the_database_counts_who_refers_to_bytes(catalogue: Catalogue) -> None:
    first, second = catalogue.stored_object(), catalogue.stored_object()

    def counts() -> tuple[int, int]:
        query = "SELECT reference_count FROM stored_objects WHERE id = %s"
        return catalogue.value(query, first), catalogue.value(query, second)

    document = catalogue.document(stored_object_id=first)
    catalogue.document(stored_object_id=first)
    assert counts() == (2, 0)

    set_columns(catalogue, document, stored_object_id=second)
    assert counts() == (1, 1)

    set_columns(catalogue, document, archived_object_id=second)
    assert counts() == (1, 2)

    set_columns(catalogue, document, stored_object_id=None)
    assert counts() == (1, 1)


def test_bytes_being_destroyed_take_no_reference(catalogue: Catalogue) -> None:
    condemned = catalogue.stored_object(removing_since=NOW)
    document = catalogue.document()

    with pytest.raises(CheckViolation, match="are being destroyed since"):
        catalogue.document(stored_object_id=condemned)
    with pytest.raises(CheckViolation) as caught:
        set_columns(catalogue, document, stored_object_id=condemned)

    assert caught.value.diag.constraint_name == "bytes_being_destroyed_take_no_reference"


def test_a_reference_waits_until_it_is_settled_whether_the_bytes_go(catalogue: Catalogue) -> None:
    object_id = catalogue.stored_object()
    with catalogue.another() as purge, catalogue.another() as import_:
        import_.execute("SET lock_timeout = '50ms'")
        with purge.transaction():
            purge.execute(
                "UPDATE stored_objects SET removing_since = now() WHERE id = %s", (object_id,)
            )
            with pytest.raises(psycopg.errors.LockNotAvailable):
                insert(
                    import_,
                    "documents",
                    organization_id=1,
                    external_id="meanwhile",
                    stored_object_id=object_id,
                )


# ------------------------------------------------------------------------- what changed, and when


def test_a_field_remembers_when_it_last_changed(catalogue: Catalogue) -> None:
    document = catalogue.document(title="a", metadata=Jsonb({"pages": 1, "kept": "x"}))
    assert catalogue.column(document, "field_changed_at") == {}

    set_columns(catalogue, document, title="b", metadata=Jsonb({"pages": 2, "kept": "x"}))

    assert set(catalogue.column(document, "field_changed_at")) == {"title", "metadata.pages"}
    assert catalogue.column(document, "version") == 2


def test_writing_the_same_again_is_no_change(catalogue: Catalogue) -> None:
    document = catalogue.document(title="a", tags=["x"], metadata=Jsonb({"a": 1}))

    set_columns(catalogue, document, title="a", tags=["x"], metadata=Jsonb({"a": 1}))

    assert catalogue.column(document, "version") == 1
    assert catalogue.column(document, "field_changed_at") == {}


def test_a_status_change_is_no_change_of_a_field(catalogue: Catalogue) -> None:
    document = catalogue.moved(catalogue.document(title="a"), "deleted")

    assert catalogue.column(document, "version") == 1


@pytest.mark.parametrize(
    ("dates", "floors"),
    [
        (["2030-01-01", "2031-01-01"], []),
        (["2030-01-01", "2029-01-01"], ["2030-01-01"]),
        (["2030-01-01", None], ["2030-01-01"]),
        (["2030-01-01", "2029-01-01", "2028-01-01"], ["2030-01-01", "2029-01-01"]),
        (["2030-01-01", "2029-01-01", "2032-01-01", "2025-01-01"], ["2032-01-01"]),
        (["2030-01-01", "2029-01-01", "2030-01-01", "2025-01-01"], ["2030-01-01"]),
        ([None, "2030-01-01"], []),
    ],
    ids=["later", "earlier", "emptied", "twice earlier", "later makes it moot", "back", "new"],
)
@pytest.mark.parametrize("field", ["expires_on", "metadata.contract_end"])
def test_a_date_that_moves_earlier_leaves_its_floor(
    catalogue: Catalogue, field: str, dates: list[str | None], floors: list[str]
) -> None:
    def columns(day: str | None) -> dict[str, Any]:
        if field == "expires_on":
            return {"expires_on": day}
        return {"metadata": Jsonb({"contract_end": day} if day else {})}

    document = catalogue.document(**columns(dates[0]))
    for day in dates[1:]:
        set_columns(catalogue, document, **columns(day))

    kept = catalogue.column(document, "anchor_floors").get(field, [])
    assert [floor["on"] for floor in kept] == floors


def test_a_tombstone_keeps_nothing_of_what_the_document_said(catalogue: Catalogue) -> None:
    document = catalogue.document(title="a", expires_on="2030-01-01")
    set_columns(catalogue, document, title="b", expires_on="2029-01-01")

    catalogue.moved(document, "deleted", "purging", "purged")

    assert catalogue.column(document, "field_changed_at") == {}
    assert catalogue.column(document, "anchor_floors") == {}


def test_a_tombstone_with_a_title_is_refused(catalogue: Catalogue) -> None:
    document = catalogue.moved(catalogue.document(title="a"), "deleted", "purging")
    query: Any = MOVES["purged"].replace("title = NULL,", "")

    with pytest.raises(CheckViolation, match="keeps_only_its_tombstone"):
        catalogue.owner.execute(query, (document,))


@pytest.mark.parametrize("column", ["created_on", "expires_on"])
@pytest.mark.parametrize("day", ["10000-01-01", "infinity", "-infinity", "0001-01-01 BC"])
def test_far_dates_are_refused_one_by_one(catalogue: Catalogue, column: str, day: str) -> None:
    with pytest.raises(CheckViolation, match="dates_are_within_years_1_to_9999"):
        catalogue.document(**{column: day})


def set_columns(catalogue: Catalogue, document_id: int, **columns: Any) -> None:
    """Change columns of a document as the owner."""
    changes = ", ".join(f"{name} = %({name})s" for name in columns)
    query: Any = f"UPDATE documents SET {changes} WHERE id = %(id)s"
    catalogue.owner.execute(query, {**columns, "id": document_id})
