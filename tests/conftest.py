"""One private PostgreSQL for the whole test session, and an empty migrated database per test.

===============  =========  ==========================================================
fixture          lives for  is
===============  =========  ==========================================================
postgres         session    the server (local.postgres.Postgres) of the wheel
each_postgres    session    the same, and in full runs a PostgreSQL 15 of the system too
each_database    test       URL of an empty migrated database on each of them
database_url     session    URL of a migrated database; for tests that only read
database         test       URL of an empty migrated database of its own
conn             test       a psycopg connection to ``database``; commits as you say
===============  =========  ==========================================================

URLs log in as ``doclife_admin``, the owner of the catalogue, who is no superuser.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from local import databases
from local.guard import Guard
from local.postgres import Postgres
from local.system_programs import POSTGRES_15
from tests.s3_server import (  # noqa: F401 - fixtures: an S3 server and buckets in it
    bucket,
    s3_client,
    s3_options,
    s3_server,
    versioned_bucket,
)

TEMPLATE = "migrated_template"
PASSWORDS = {name: f"test-{name}" for name in databases.LOGINS}
# A test server may forget everything when the machine stops.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# Whether a change is refused depends on the change alone: not on chance, nor on a busy machine.
# With more rounds than usual, examples are other ones in every run.
settings.register_profile(
    "doclife",
    deadline=None,
    derandomize=int(os.environ.get("DOCLIFE_ROUNDS", "200")) <= 200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("doclife")

_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def guard() -> Iterator[Guard]:
    """End the servers of this session also when pytest itself is killed."""
    guard = Guard()
    yield guard
    guard.dismiss()


@pytest.fixture(scope="session")
def postgres(guard: Guard) -> Iterator[Postgres]:
    """The private server of this session."""
    yield from _server(guard, programs=None)


@pytest.fixture(
    scope="session",
    params=["wheel", pytest.param("15", marks=pytest.mark.full)],
    ids=["PostgreSQL of the wheel", "PostgreSQL 15"],
)
def each_postgres(request: pytest.FixtureRequest, guard: Guard) -> Iterator[Postgres]:
    """A server of each version that we promise to work on."""
    if request.param == "wheel":
        yield request.getfixturevalue("postgres")
    else:
        yield from _server(guard, programs=POSTGRES_15)


def _server(guard: Guard, *, programs: Path | None) -> Iterator[Postgres]:
    home = Path(tempfile.mkdtemp(prefix="doclife-test-"))
    home.chmod(0o711)  # as root the server runs as another user, who must get through
    server = Postgres(home, programs=programs, settings=FORGETFUL, watch=guard.watch_database)
    try:
        server.start()
        databases.prepare(server.url(), passwords=PASSWORDS)
        yield server
    finally:
        server.remove()
        shutil.rmtree(home, ignore_errors=True)


def admin_url(server: Postgres, database: str) -> str:
    """Return the URL of a database for the owner of the catalogue."""
    return role_url(server, database, role=databases.ADMIN)


def role_url(server: Postgres, database: str, *, role: str) -> str:
    """Return the URL of a database for one of the login roles."""
    return databases.as_role(server.url(), role=role, password=PASSWORDS[role], database=database)


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """Name of a migrated database that nobody connects to, so that it can be copied."""
    return _migrated(postgres, TEMPLATE)


def _migrated(server: Postgres, name: str) -> str:
    from doclife.store.migrations import migrate

    with psycopg.connect(server.url(), autocommit=True) as superuser:
        databases.create_database(superuser, name, owner=databases.ADMIN)
    with psycopg.connect(admin_url(server, name)) as conn:
        migrate(conn)
    databases.let_tasks_work(admin_url(server, name))
    return name


@pytest.fixture(scope="session")
def database_url(postgres: Postgres, migrated_template: str) -> str:
    """URL of one migrated database for the whole session: leave it as you found it."""
    return _copy(postgres, migrated_template, "shared_by_tests")


@pytest.fixture
def database(postgres: Postgres, migrated_template: str) -> Iterator[str]:
    """URL of an empty migrated database that is this test's own."""
    name = f"test_{next(_database_numbers)}"
    yield _copy(postgres, migrated_template, name)
    _drop(postgres, name)


@pytest.fixture(scope="session")
def each_template(each_postgres: Postgres) -> str:
    """Name of a migrated database on each server, to be copied."""
    return _migrated(each_postgres, "each_template")


@pytest.fixture
def each_database(each_postgres: Postgres, each_template: str) -> Iterator[str]:
    """URL of an empty migrated database that is this test's own, on each server."""
    name = f"test_{next(_database_numbers)}"
    yield _copy(each_postgres, each_template, name)
    _drop(each_postgres, name)


def _drop(server: Postgres, name: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    """A prepared connection to this test's own database, as every doclife session has."""
    from doclife.store.connection import connect

    with connect(database, application_name="doclife tests") as connection:
        yield connection


def _copy(server: Postgres, template: str, name: str) -> str:
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(databases.ADMIN)
            )
        )
    url = admin_url(server, name)
    with psycopg.connect(url, autocommit=True) as owner:
        # A copied database starts halted; the tests' copies are meant.
        owner.execute("UPDATE doclife.deployment SET cluster_identity = doclife.cluster_identity()")
    return url
