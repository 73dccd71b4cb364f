"""The private server, with the wheel's programs and, in full, with PostgreSQL 15's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psycopg
import pytest

from local import databases
from local.postgres import Postgres
from local.processes import find, identify
from local.system_programs import POSTGRES_15
from tests.conftest import admin_url, role_url

PROGRAMS = [
    pytest.param(None, id="PostgreSQL of the wheel"),
    pytest.param(POSTGRES_15, id="PostgreSQL 15", marks=pytest.mark.full),
]


@pytest.fixture(params=PROGRAMS)
def server(request, tmp_path):
    # As root, tmp_path is closed to the server's user: data and programs must go elsewhere.
    server = Postgres(tmp_path / "with a space" / "postgres", programs=request.param)
    server.start()
    yield server
    server.remove()


def execute(server: Postgres, query: str) -> list[tuple]:
    with psycopg.connect(server.url(), autocommit=True) as conn:
        cursor = conn.execute(query)
        return cursor.fetchall() if cursor.description else []


def test_data_and_port_survive_a_restart(server):
    execute(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    port = server.port

    server.stop()
    server.start()

    assert server.port == port
    assert execute(server, "SELECT answer FROM kept") == [(42,)]


def test_data_survives_a_kill(server):
    execute(server, "CREATE TABLE kept AS SELECT 42 AS answer")

    server.process.kill()
    server.process.wait()
    server.start()

    assert execute(server, "SELECT answer FROM kept") == [(42,)]


def test_nobody_gets_in_without_the_password(server):
    right = server.url()
    password = right.split(":")[2].split("@")[0]

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(right.replace(password, "guessed"))


def test_listens_on_this_machine_only(server):
    assert execute(server, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert execute(server, "SHOW unix_socket_directories") == [("",)]


def test_the_password_file_is_for_its_owner_only(server, tmp_path):
    file = tmp_path / "with a space" / "postgres" / "superuser.password"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_parent_folders_stay_as_closed_as_they_were(server, tmp_path):
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_stopping_leaves_no_process(server):
    postmaster = identify(server.process.pid)

    server.stop()

    assert find(postmaster) is None


def test_removing_leaves_no_file(tmp_path):
    server = Postgres(tmp_path / "postgres")
    server.start()

    server.remove()

    assert not (tmp_path / "postgres").exists()
    assert not server.data.exists()


def test_root_never_runs_the_server_itself(server):
    import psutil

    assert os.geteuid() != 0 or psutil.Process(server.process.pid).uids().effective != 0


def test_preparing_twice_changes_nothing(server):
    passwords = dict.fromkeys(databases.LOGINS, "secret")

    databases.prepare(server.url(), passwords=passwords)
    databases.prepare(server.url(), passwords=passwords)

    owners = execute(server, "SELECT datname, datdba::regrole::text FROM pg_database")
    assert {("airflow", "airflow"), ("documents", "doclife_admin")} <= set(owners)


def test_nobody_who_works_is_superuser(each_postgres):
    query = "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles"
    rights = {row[0]: row[1:] for row in execute(each_postgres, query)}

    assert rights["airflow"] == (False, False, False)
    assert rights["doclife_admin"] == (False, False, True)
    assert rights["doclife_airflow"] == (False, False, False)


def test_migrations_run_as_the_owner_and_let_tasks_work(each_postgres):
    from doclife.store.migrations import migrate

    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, "first_migration", owner=databases.ADMIN)
    url = admin_url(each_postgres, "first_migration")
    with psycopg.connect(url) as conn:
        migrate(conn)
    databases.let_tasks_work(url)

    tasks = role_url(each_postgres, "first_migration", role=databases.TASKS)
    with psycopg.connect(tasks) as conn:
        assert conn.execute("SELECT count(*) FROM doclife.documents").fetchone() == (0,)


def test_programs_that_are_not_there_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    with pytest.raises(Exception, match=r"PG_BIN=.* holds no initdb"):
        Postgres(Path(tmp_path / "postgres"))
