"""Whose approval counts, whoever writes it: four eyes, and Airflow alone."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from local import databases
from local.postgres import Postgres
from tests.conftest import role_url

AUTHOR, REQUESTER = "user:rita", "user:olga"


@pytest.fixture
def plan_id(conn: psycopg.Connection) -> int:
    """A plan of Rita's rule that Olga asked for; it waits for two stages."""
    rule_id = conn.execute(
        "INSERT INTO rules (organization_id, name) VALUES (1, 'drafts') RETURNING id"
    ).fetchone()[0]
    version_id = conn.execute(
        "INSERT INTO rule_versions (rule_id, version, mode, definition, source, author)"
        " VALUES (%s, 1, 'enforce', '{}', '', %s) RETURNING id",
        (rule_id, AUTHOR),
    ).fetchone()[0]
    plan = conn.execute(
        "INSERT INTO plans (organization_id, kind, rule_version_id, dag_id, run_id, requested_by,"
        " mode, as_of, created_at) VALUES (1, 'rule', %s, 'd', 'r', %s, 'enforce', now(), now())"
        " RETURNING id",
        (version_id, REQUESTER),
    ).fetchone()[0]
    conn.execute(
        "UPDATE plans SET state = 'needs_approval', approval_reason = 'asked', required_stages = 2"
        " WHERE id = %s",
        (plan,),
    )
    return plan


@pytest.fixture
def worker(postgres: Postgres, database: str):
    """What Airflow's tasks log in as."""
    url = role_url(postgres, database.rsplit("/", 1)[1], role=databases.TASKS)
    with psycopg.connect(url, autocommit=True, options="-c search_path=doclife") as connection:
        yield connection


def decide(conn, plan_id, decision="approve", *, by, stage=1, valid=True) -> None:
    conn.execute(
        "INSERT INTO plan_decisions (plan_id, stage, decision, decided_by, is_valid,"
        " invalid_reason) VALUES (%s, %s, %s, %s, %s, %s)",
        (plan_id, stage, decision, by, valid, None if valid else "no"),
    )


def move(conn, plan_id, state) -> None:
    conn.execute("UPDATE plans SET state = %s WHERE id = %s", (state, plan_id))


@pytest.mark.parametrize(
    "approver",
    ["user:rita", "user:Rita", "user:rita@example.org", "user:olga", "cli:anna", "schedule"],
)
def test_the_author_the_requester_and_what_is_no_user_of_airflow_are_refused(
    plan_id, conn, worker, approver
):
    for connection in (conn, worker):
        with pytest.raises(CheckViolation) as refused:
            decide(connection, plan_id, by=approver)
        assert refused.value.diag.constraint_name == "four_eyes_see_more_than_two"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cli:maria", "user:maria", True),
        ("user:MARIA", "user:maria", True),
        ("user:maria@example.org", "cli:maria", True),
        ("user:maria@example.org", "user:maria@example.com", False),
        ("user:maria", "user:mario", False),
        ("user:", "user:", False),
        (None, "user:maria", False),
    ],
)
def test_people_are_the_same_however_they_came_in(conn, one, other, same):
    assert conn.execute("SELECT is_same_person(%s, %s)", (one, other)).fetchone()[0] is same


def test_one_person_approves_one_stage(plan_id, worker):
    decide(worker, plan_id, by="user:boss", stage=1)

    with pytest.raises(CheckViolation, match="another stage"):
        decide(worker, plan_id, by="user:boss", stage=2)
    decide(worker, plan_id, by="user:counsel", stage=2)
    move(worker, plan_id, "approved")


def test_one_approval_is_not_enough_for_two_stages(plan_id, worker):
    decide(worker, plan_id, by="user:boss", stage=1)
    decide(worker, plan_id, by="user:counsel", stage=1)

    with pytest.raises(CheckViolation, match="needs 2"):
        move(worker, plan_id, "approved")


def test_an_invalid_approval_is_kept_and_does_not_count(plan_id, worker):
    decide(worker, plan_id, by=AUTHOR, stage=1, valid=False)
    decide(worker, plan_id, by="user:counsel", stage=2)

    with pytest.raises(CheckViolation, match="needs 2"):
        move(worker, plan_id, "approved")


@pytest.mark.parametrize("decision", ["reject", "hold"])
def test_what_was_refused_after_the_approvals_is_not_applied(plan_id, worker, decision):
    decide(worker, plan_id, by="user:boss", stage=1)
    decide(worker, plan_id, by="user:counsel", stage=2)
    move(worker, plan_id, "approved")
    decide(worker, plan_id, decision, by="user:somebody", stage=2)

    with pytest.raises(CheckViolation, match="needs 2"):
        move(worker, plan_id, "applying")


def add_item(conn, plan_id) -> None:
    conn.execute(
        "WITH document AS (INSERT INTO documents (organization_id, external_id)"
        " VALUES (1, 'letter') RETURNING id, status, version)"
        " INSERT INTO plan_items (plan_id, document_id, action_index, action, status_before,"
        " document_version, is_reserving, reason)"
        " SELECT %s, id, 0, 'DELETE', status, version, true, 'due' FROM document",
        (plan_id,),
    )


def test_a_plan_takes_no_more_documents_once_somebody_is_asked(plan_id, conn, worker):
    for connection in (conn, worker):
        with pytest.raises(CheckViolation) as refused:
            add_item(connection, plan_id)
        assert refused.value.diag.constraint_name == "a_plan_is_complete_when_it_is_decided"


def test_what_a_rule_wants_reviewed_is_reviewed_whatever_its_plan_says(plan_id, conn, worker):
    version = conn.execute(
        "INSERT INTO rule_versions (rule_id, version, mode, definition, source, author)"
        " SELECT id, 2, 'enforce', '{\"review\": {\"stages\": [\"records\"]}}', '', %s"
        " FROM rules RETURNING id",
        (AUTHOR,),
    ).fetchone()[0]
    plan = worker.execute(
        "INSERT INTO plans (organization_id, kind, rule_version_id, dag_id, run_id, requested_by,"
        " mode, as_of, created_at) VALUES (1, 'rule', %s, 'd', 'r', %s, 'enforce', now(), now())"
        " RETURNING id",
        (version, REQUESTER),
    ).fetchone()[0]
    add_item(worker, plan)

    with pytest.raises(CheckViolation, match="needs 1") as refused:
        move(worker, plan, "applying")
    assert refused.value.diag.constraint_name == "an_applied_plan_was_approved"


def test_where_tasks_have_a_login_the_owner_of_the_tables_approves_nothing(plan_id, conn, worker):
    databases.let_only_tasks_approve(_url(conn))

    with pytest.raises(CheckViolation) as refused:
        decide(conn, plan_id, by="user:boss")
    assert refused.value.diag.constraint_name == "approvals_come_from_airflow"
    decide(conn, plan_id, by="user:boss", decision="reject")
    decide(worker, plan_id, by="user:boss")


def test_tasks_cannot_let_others_approve(worker):
    with pytest.raises(InsufficientPrivilege):
        worker.execute("UPDATE deployment SET approvals_by_tasks_only = false")


def _url(conn: psycopg.Connection) -> str:
    info = conn.info
    return f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
