"""doclife doctor: what decays and who reaches too far, broken for real and put right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from doclife.domain.checkup import Level
from doclife.lifecycle.checkup_upkeep import look_at_proof, look_at_vacuum
from doclife.store import clock
from doclife.store.connection import Connection, connect
from doclife.store.doctor import list_hold_backs
from local.postgres import Postgres

from .conftest import Cli
from .test_doctor import findings, troubles

LOGIN = "too_far"


@pytest.fixture
def owner(conn: Connection) -> Connection:
    """Who may break what the doctor must find."""
    conn.execute("SET ROLE doclife_owner")
    return conn


@pytest.fixture
def login(postgres: Postgres) -> Iterator[str]:
    """A login of an application."""
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {LOGIN} LOGIN IN ROLE doclife_application")
        yield LOGIN
        superuser.execute(f"DROP ROLE {LOGIN}")


def put_right(owner: Connection, finding: dict) -> None:
    """Do what the doctor says, word by word."""
    for statement in finding["fix"].removeprefix("as owner: ").split("; "):
        owner.execute(statement)


@pytest.mark.parametrize(
    ("about", "level", "broken"),
    [
        ("rights", "fault", "REVOKE SELECT ON documents FROM doclife_worker"),
        ("functions", "fault", "ALTER FUNCTION cancel_job RESET search_path"),
        ("functions", "fault", "GRANT EXECUTE ON FUNCTION cancel_job TO PUBLIC"),
        ("vacuum", "warning", "ALTER TABLE jobs SET (autovacuum_enabled = false)"),
    ],
)
def test_what_was_broken_is_named_and_its_fix_puts_it_right(
    cli: Cli, owner: Connection, about: str, level: str, broken: str
) -> None:
    owner.execute(broken)
    exit_code = 1 if level == "fault" else 0

    [found] = [one for one in findings(cli, about, exit_code=exit_code) if one["level"] != Level.OK]
    assert found["level"] == level
    put_right(owner, found)

    assert about not in {name for name, _ in troubles(cli)}


def test_an_application_that_reaches_further_than_applications_is_a_fault(
    cli: Cli, owner: Connection, login: str, postgres: Postgres
) -> None:
    owner.execute(f"GRANT DELETE ON jobs TO {login}")
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        superuser.execute(f"GRANT doclife_worker TO {login}")

        told = [one["what"] for one in findings(cli, "applications", exit_code=1)]

        assert f"{login} itself may DELETE jobs" in told
        assert any(f"{login} is a member of doclife_application and of" in one for one in told)
        superuser.execute(f"REVOKE doclife_worker FROM {login}")
        owner.execute(f"REVOKE DELETE ON doclife.jobs FROM {login}")
    assert "applications" not in {name for name, _ in troubles(cli)}


def test_history_without_a_partition_to_lie_in_is_told(cli: Cli, owner: Connection) -> None:
    assert "partitions" not in {name for name, _ in troubles(cli)}, "before the first cleanup"

    owner.execute("SELECT make_history_partition('job_history', current_date)")
    owner.execute(
        "INSERT INTO job_history (id, organization_id, kind, attempts, created_at, finished_at)"
        " VALUES (1, 1, 'email', 1, now(), now() + interval '3 days')"
    )

    told = [one["what"] for one in findings(cli, "partitions")]
    assert any(one.startswith("job_history has partitions until") for one in told)
    assert any(one.startswith("job_history_default has rows") for one in told)


def test_a_database_that_is_newer_than_the_program_is_told(cli: Cli, owner: Connection) -> None:
    owner.execute("INSERT INTO schema_migrations (name, sha256) VALUES ('999_later.sql', 'x')")

    [found] = findings(cli, "migrations", exit_code=1)

    assert "999_later.sql was applied to this database but its file is gone" in found["what"]
    assert "older than the database: update it" in found["what"]


@contextmanager
def replication_slot(server: Postgres) -> Iterator[None]:
    """A slot that nobody reads."""
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        try:
            yield
        finally:
            superuser.execute("SELECT pg_drop_replication_slot('forgotten')")


def test_what_holds_vacuum_back_is_named_with_how_to_end_it(
    postgres: Postgres, conn: Connection, database: str
) -> None:
    now = clock.present(conn)
    with connect(database, application_name="forgotten report") as other, other.transaction():
        other.execute("SELECT 1")

        later = list(look_at_vacuum(conn, now=now + timedelta(hours=2)))
        much_later = list(look_at_vacuum(conn, now=now + timedelta(hours=25)))

        [told] = [one for one in later if "forgotten report" in one.what]
        assert told.level is Level.WARNING
        assert f"pg_terminate_backend({other.info.backend_pid})" in str(told.fix)
        assert [one.level for one in much_later if "forgotten report" in one.what] == [Level.FAULT]
    assert "held back" in {one.about for one in look_at_vacuum(conn, now=now)}
    with replication_slot(postgres):
        [slot] = [one for one in list_hold_backs(conn) if one.kind == "replication slot"]
        assert (slot.name, slot.detail) == ("forgotten", "without a reader")
        assert slot.kept_bytes is not None


def test_an_audit_chain_that_nobody_signs_is_told_after_a_night(cli: Cli, conn: Connection) -> None:
    cli("halt", "on", "--reason", "an entry for the audit trail")
    now = clock.present(conn)

    soon = [one.level for one in look_at_proof(conn, now=now + timedelta(hours=25))]
    late = list(look_at_proof(conn, now=now + timedelta(hours=27)))

    assert soon == [Level.OK, Level.OK]
    assert [one.about for one in late if one.level is Level.WARNING] == ["audit heads"]
    assert "doclife audit sign" in str(late[0].fix)
