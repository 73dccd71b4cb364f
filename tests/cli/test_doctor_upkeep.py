"""doclife doctor: what decays and who reaches too far, broken for real and put right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from doclife.domain.checkup import Level
from doclife.lifecycle.checkup_upkeep import look_at_backup, look_at_proof, look_at_vacuum
from doclife.lifecycle.cleaning import prune_history
from doclife.store import clock
from doclife.store.connection import Connection, connect
from doclife.store.doctor import list_hold_backs
from doclife.store.sql import statement
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
    for command in finding["fix"].removeprefix("as owner: ").split("; "):
        owner.execute(command)


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


def test_rows_of_days_that_can_have_no_partition_any_more_are_left_alone(
    cli: Cli, owner: Connection
) -> None:
    owner.execute(
        "INSERT INTO job_history (id, organization_id, kind, attempts, created_at, finished_at)"
        " SELECT days, 1, 'email', 1, now(), now() - days * interval '1 day'"
        " FROM generate_series(0, 2) AS days"
    )
    [told] = findings(cli, "partitions")
    assert told["level"] == "warning"
    assert "Make none by hand for the others: CREATE and ATTACH fail" in told["fix"]

    prune_history(owner, now=clock.present(owner))

    [told] = findings(cli, "partitions")
    assert told["level"] == "ok"
    assert "job_history_default keeps rows of" in told["what"]
    assert "90 days later, and nothing is to be done" in told["what"]


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


def test_a_backup_that_is_too_old_is_told_with_how_to_make_one(
    cli: Cli, conn: Connection, tmp_path: Path
) -> None:
    [new] = findings(cli, "backup")
    cli("halt", "on", "--reason", "an entry for the audit trail")
    [never] = look_at_backup(conn, now=clock.present(conn) + timedelta(days=9), warning_days=8)

    made = cli.json("backup", "make", str(tmp_path / "backup"))

    taken_at = datetime.fromisoformat(made["backup"]["taken_at"])
    week = look_at_backup(conn, now=taken_at + timedelta(days=8, seconds=-1), warning_days=8)
    [old] = look_at_backup(conn, now=taken_at + timedelta(days=8), warning_days=8)
    assert (new["level"], new["what"]) == ("ok", "there is nothing to lose yet")
    assert (never.level, never.what) == (
        Level.WARNING,
        "none was ever made by doclife backup make, and those of other tools are not known here",
    )
    assert made["trace_fault"] is None
    assert [one.level for one in week] == [Level.OK]
    assert old.level is Level.WARNING
    assert "is 8 days old" in old.what
    assert "doclife backup make FOLDER" in str(old.fix)
    assert findings(cli, "backup")[0]["what"] == "the last one by doclife backup make is 0 min old"


def test_who_makes_backups_with_another_tool_is_not_warned(cli: Cli, conn: Connection) -> None:
    cli("halt", "on", "--reason", "an entry for the audit trail")
    elsewhere = Cli(cli.database, {"DOCLIFE_BACKUP_DAYS": "0"})

    [found] = findings(elsewhere, "backup")

    assert found["level"] == "ok"
    assert "another tool makes them" in found["what"]
    [late] = look_at_backup(conn, now=clock.present(conn) + timedelta(days=99), warning_days=0)
    assert late.level is Level.OK


def test_how_old_the_last_backup_is_costs_one_look_into_an_index(conn: Connection) -> None:
    with conn.transaction():
        # So few entries are read at once; of years of them the index is the only way.
        conn.execute("SET LOCAL enable_seqscan = off")
        conn.execute("SET LOCAL enable_sort = off")
        rows = conn.execute("EXPLAIN " + statement("doctor/describe_backups")).fetchall()

    assert "audit_entries_of_backups" in str(rows)
