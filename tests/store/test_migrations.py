"""The migration runner on each PostgreSQL: once, in order, whole, and only what was agreed."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from doclife.errors import ConfigurationError
from doclife.lifecycle.auditing import verify_chain
from doclife.store import organizations
from doclife.store.audit_chain import list_strays
from doclife.store.connection import connect, prepare
from doclife.store.migrations import SCHEMA_DIR, list_pending, migrate
from doclife.store.upgrading import upgrade
from local import databases
from local.postgres import Postgres
from tests.conftest import admin_url, role_url

_numbers = itertools.count(1)
NAMES = sorted(path.name for path in SCHEMA_DIR.glob("*.sql"))

Open = Callable[..., psycopg.Connection]


@pytest.fixture
def database(each_postgres: Postgres) -> Iterator[str]:
    """Name of an empty database of this test's own."""
    name = f"migrations_{next(_numbers)}"
    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, name, owner=databases.ADMIN)
        yield name
        superuser.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def open_as(each_postgres: Postgres, database: str) -> Iterator[Open]:
    """Open a connection as the owner of the database or as another role."""
    opened = []

    def open_(role: str | None = None) -> psycopg.Connection:
        url = admin_url(each_postgres, database)
        if role:
            url = role_url(each_postgres, database, role=role)
        opened.append(psycopg.connect(url, autocommit=True))
        return opened[-1]

    yield open_
    for conn in opened:
        conn.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    return shutil.copytree(SCHEMA_DIR, tmp_path / "schema")


def applied(conn: psycopg.Connection) -> list[str]:
    rows = conn.execute("SELECT name FROM doclife.schema_migrations ORDER BY applied_at, name")
    return [name for (name,) in rows]


def test_each_file_is_applied_once_and_in_order(open_as: Open) -> None:
    conn = open_as()
    assert list_pending(conn) == NAMES

    assert migrate(conn) == NAMES
    assert migrate(conn) == []
    assert applied(conn) == NAMES
    assert list_pending(conn) == []


def test_a_changed_file_is_refused(open_as: Open, files: Path) -> None:
    conn = open_as()
    migrate(conn, directory=files)
    with (files / NAMES[3]).open("a") as file:
        file.write("-- one more thing\n")

    for look in (migrate, list_pending):
        with pytest.raises(
            ConfigurationError, match=f"{NAMES[3]} has changed since it was applied"
        ):
            look(conn, directory=files)


def test_a_missing_file_is_refused(open_as: Open, files: Path) -> None:
    conn = open_as()
    migrate(conn, directory=files)
    (files / NAMES[-1]).unlink()

    with pytest.raises(ConfigurationError, match="its file is gone"):
        migrate(conn, directory=files)


def test_a_file_that_comes_too_late_is_refused(open_as: Open, files: Path) -> None:
    conn = open_as()
    migrate(conn, directory=files)
    (files / "0025_forgotten.sql").write_text("SELECT 1;\n")

    with pytest.raises(ConfigurationError, match=r"0025_forgotten\.sql sorts before"):
        migrate(conn, directory=files)


def test_an_empty_folder_is_no_schema(open_as: Open, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is include/ mounted"):
        migrate(open_as(), directory=tmp_path)


def test_two_at_once_apply_each_file_once(open_as: Open) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(migrate, [open_as(), open_as(), open_as()]))

    assert sorted(itertools.chain(*done)) == NAMES
    assert applied(open_as()) == NAMES


def test_a_failing_file_leaves_nothing_of_itself_and_the_next_run_goes_on(
    open_as: Open, files: Path
) -> None:
    conn = open_as()
    good = (files / NAMES[4]).read_text()
    (files / NAMES[4]).write_text("CREATE TABLE half (id int);\nSELECT 1 / 0;\n")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(conn, directory=files)
    assert applied(conn) == NAMES[:4]
    assert conn.execute("SELECT to_regclass('doclife.half')").fetchone() == (None,)

    (files / NAMES[4]).write_text(good)
    assert migrate(conn, directory=files) == NAMES[4:]


def test_a_killed_run_leaves_whole_files_and_the_next_goes_on(
    open_as: Open, files: Path, each_postgres: Postgres
) -> None:
    """The server ends the session in the middle of a file, as it does when its client is gone."""
    good = (files / NAMES[5]).read_text()
    (files / NAMES[5]).write_text(good + "\nSELECT pg_sleep(30);\n")
    mortal = open_as()
    with (
        psycopg.connect(each_postgres.url(), autocommit=True) as superuser,
        ThreadPoolExecutor(1) as pool,
    ):
        run = pool.submit(migrate, mortal, directory=files)
        sleeping = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity" + (
            " WHERE pid = %s AND wait_event = 'PgSleep'"
        )
        while superuser.execute(sleeping, (mortal.info.backend_pid,)).fetchone() is None:
            assert not run.done()
        with pytest.raises(psycopg.OperationalError):
            run.result()

    (files / NAMES[5]).write_text(good)
    assert migrate(open_as(), directory=files) == NAMES[5:]


def test_who_may_not_create_roles_is_told_what_to_ask_for(
    open_as: Open, each_postgres: Postgres, database: str, files: Path
) -> None:
    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
                sql.Identifier(database), sql.Identifier(databases.AIRFLOW)
            )
        )
    first = files / NAMES[0]
    first.write_text(first.read_text().replace("doclife_reader", "doclife_missing"))

    with pytest.raises(psycopg.errors.RaiseException) as caught:
        migrate(open_as(databases.AIRFLOW), directory=files)

    assert "role doclife_missing is missing and airflow may not create roles" in str(caught.value)
    assert "ALTER ROLE airflow CREATEROLE" in str(caught.value.diag.message_hint)


def test_a_second_database_of_the_server_shares_the_roles(
    open_as: Open, each_postgres: Postgres
) -> None:
    migrate(open_as())
    other = f"migrations_{next(_numbers)}"
    with psycopg.connect(each_postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, other, owner=databases.ADMIN)
        with psycopg.connect(admin_url(each_postgres, other), autocommit=True) as conn:
            assert migrate(conn) == NAMES
        superuser.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(other)))


def test_an_adopters_own_tables_are_not_shadowed(open_as: Open) -> None:
    conn = open_as()
    conn.execute("CREATE TABLE public.documents (theirs text)")
    conn.execute("INSERT INTO public.documents VALUES ('contract')")

    migrate(conn)

    with_new_session = open_as()
    assert with_new_session.execute("SELECT * FROM documents").fetchall() == [("contract",)]
    assert with_new_session.execute("SHOW search_path").fetchone() == ('"$user", public',)
    assert conn.execute(
        "SELECT count(*) FROM pg_db_role_setting AS setting"
        " JOIN pg_database ON pg_database.oid = setting.setdatabase"
        " WHERE datname = current_database()"
    ).fetchone() == (0,)
    assert conn.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    ).fetchone() == (1,)
    prepare(with_new_session, application_name="doclife")
    assert with_new_session.execute("SELECT count(*) FROM documents").fetchone() == (0,)


def test_everything_belongs_to_the_owners_role(open_as: Open) -> None:
    conn = open_as()
    migrate(conn)

    strangers = conn.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
        " AND relowner <> 'doclife_owner'::regrole"
        " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'doclife'::regnamespace"
        " AND proowner <> 'doclife_owner'::regrole"
    ).fetchall()

    assert strangers == []


def test_an_unreachable_database_is_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="cannot reach the documents database"):
        connect("postgresql://nobody@127.0.0.1:1/nothing")


@pytest.mark.parametrize("organizations", [1, 2])
def test_a_catalogue_of_before_is_enclosed_with_what_is_in_it(
    open_as: Open, files: Path, organizations: int
) -> None:
    """Rows, partitions and the views that applications use, from a time without tenants."""
    conn = open_as()
    later = [path for path in files.iterdir() if path.name > "032"]
    for path in later:
        path.rename(files.parent / path.name)
    migrate(conn, directory=files)
    conn.execute("SET search_path = doclife")
    for number in range(1, organizations + 1):
        if number > 1:
            conn.execute("INSERT INTO organizations (slug, name) VALUES ('second', 'Second')")
        conn.execute(
            "WITH store AS (INSERT INTO stores (name, root_uri)"
            " VALUES ('store ' || %(n)s, 'file:///' || %(n)s) RETURNING id),"
            " bytes AS (INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
            " SELECT id, 'file:///' || %(n)s || '/x', 1, decode(repeat('00', 32), 'hex')"
            " FROM store RETURNING id)"
            " INSERT INTO documents (organization_id, external_id, stored_object_id)"
            " SELECT %(n)s, 'x', id FROM bytes",
            {"n": number},
        )
    conn.execute("SELECT make_history_partition('job_history', current_date + 3)")
    conn.execute("CREATE SCHEMA legacy")
    conn.execute("CREATE VIEW legacy.queue_jobs AS SELECT * FROM doclife.jobs")

    for path in later:
        (files.parent / path.name).rename(path)
    assert migrate(conn, directory=files) == sorted(path.name for path in later)

    assert conn.execute(
        "SELECT bool_and(object.organization_id = document.organization_id), count(*)"
        " FROM doclife.documents AS document JOIN doclife.stored_objects AS object"
        " ON object.id = stored_object_id"
    ).fetchone() == (True, organizations)
    assert conn.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
        " AND relispartition AND relkind = 'r'"
        " AND (NOT relrowsecurity OR has_table_privilege('doclife_reader', oid, 'SELECT'))"
    ).fetchone() == (0,)
    assert conn.execute(
        "SELECT reloptions FROM pg_class WHERE oid = 'legacy.queue_jobs'::regclass"
    ).fetchone() == (["security_invoker=true"],)


def test_what_was_audited_before_the_chain_is_sealed_by_its_migration(
    open_as: Open, files: Path
) -> None:
    conn = open_as()
    later = [path for path in sorted(files.glob("*.sql")) if path.name >= "029"]
    held_back = {path: path.read_bytes() for path in later}
    for path in later:
        path.unlink()
    migrate(conn, directory=files)
    prepare(conn, application_name="test")
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    conn.execute(
        "INSERT INTO audit_entries (organization_id, actor, action, reason)"
        " SELECT 1 + number %% 2, 'schedule', 'test.done', 'before'"
        " FROM generate_series(1, 20010) AS number",
        (),
    )
    for path, content in held_back.items():
        path.write_bytes(content)
    migrate(conn, directory=files)

    for organization in organizations.list_all(conn):
        assert list_strays(conn, organization.id) == []
        verified = verify_chain(conn, organization, now=datetime.now(UTC))
        assert (verified.fits, verified.entries, verified.batches) == (True, 10_006, 7)
    sealed = conn.execute("SELECT details FROM audit_entries WHERE action = 'audit.sealed'")
    assert [details["entries"] for (details,) in sealed] == [10_005, 10_005]


def test_what_is_done_on_the_first_day_has_partitions_to_lie_in(open_as: Open) -> None:
    conn = open_as()
    assert upgrade(conn) == NAMES
    assert upgrade(conn) == []
    kept = "SELECT count(*), min(relowner::regrole::text) FROM pg_class WHERE relname ~ %s"
    for table in ("job_history", "delivery_attempts"):
        days = conn.execute(kept, (f"^{table}_[0-9]{{8}}$",)).fetchone()
        assert days == (14, "doclife_owner")
