"""The real dashboard, behind Airflow's real auth manager, over a real catalogue.

===============  ==================================================================================
fixture          is
===============  ==================================================================================
world            lifecycle's small world (documents, rules, plans) in this test's own database
people           whoever is asked for, at a browser: ``people("olga")``
admin, olga,     somebody's browser: ``admin`` (admin), ``olga`` (op, a records officer), ``bob``
bob, vic         (user), ``vic`` (viewer, who may only read)
stranger         a browser without a login
===============  ==================================================================================

The clock of the pages is the database's: give rows their times relative to ``here_and_now``.
"""

from __future__ import annotations

from tests import airflow_environment  # before anything of Airflow

# isort: split
import importlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    # Starlette's test client warns when it is imported.
    warnings.simplefilter("ignore")
    importlib.import_module("starlette.testclient")

from airflow.api_fastapi.app import init_auth_manager, lifespan
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.utils.db import initdb
from fastapi import FastAPI
from fastapi.testclient import TestClient

from doclife.dashboard.app import PREFIX, make_app
from doclife.store import clock
from doclife.store.connection import Connection, connect
from local import databases
from local.guard import Guard
from local.postgres import Postgres
from tests.conftest import _copy, _drop, role_url
from tests.dashboard.api_server import ApiServer, serving
from tests.dashboard.browsers import Browser
from tests.dashboard.scene import set_scene
from tests.lifecycle import conftest as lifecycle_conftest

world = lifecycle_conftest.world

ROLES = {"admin": "ADMIN", "olga": "OP", "bob": "USER", "vic": "VIEWER"}

People = Callable[[str], Browser]


@pytest.fixture(scope="session")
def _airflow_database() -> None:
    """Airflow's own database, which the auth manager asks for revoked logins."""
    initdb()


@pytest.fixture(scope="session")
def airflow_with_dags(_airflow_database: None) -> None:
    """The same with our DAGs read into it, as the dag-processor does."""
    from tests.dags.airflow_runs import read_dags, register_bundle

    register_bundle()
    read_dags(airflow_environment.DAGS_FOLDER)


@pytest.fixture
def airflow(_airflow_database: None, database: str, postgres: Postgres) -> Iterator[TestClient]:
    """An api-server with only the auth manager and the dashboard, with production's rights."""
    url = role_url(postgres, database.rsplit("/", 1)[1], role=databases.TASKS)
    host = FastAPI(lifespan=lifespan)
    init_auth_manager(host)
    host.mount(PREFIX, make_app(database=lambda: url))
    with TestClient(host, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def dead_airflow(_airflow_database: None) -> Iterator[TestClient]:
    """The same over a catalogue that does not answer."""
    host = FastAPI(lifespan=lifespan)
    init_auth_manager(host)
    nowhere = "host=127.0.0.1 port=1 dbname=documents user=nobody connect_timeout=1"
    host.mount(PREFIX, make_app(database=lambda: nowhere))
    with TestClient(host, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def people(airflow: TestClient) -> People:
    """Return what gives somebody a browser with a login."""

    def at_browser(name: str, role: str | None = None) -> Browser:
        user = SimpleAuthManagerUser(username=name, role=role or ROLES[name])
        return Browser(airflow, user=user)

    return at_browser


@pytest.fixture
def admin(people: People) -> Browser:
    return people("admin")


@pytest.fixture
def olga(people: People) -> Browser:
    return people("olga")


@pytest.fixture
def bob(people: People) -> Browser:
    return people("bob")


@pytest.fixture
def vic(people: People) -> Browser:
    return people("vic")


@pytest.fixture
def stranger(airflow: TestClient) -> Browser:
    return Browser(airflow, user=None)


@pytest.fixture
def here_and_now(conn: Connection) -> datetime:
    """The present, as the pages take it."""
    return clock.present(conn)


def value(conn: Connection, query: Any, *parameters: object) -> Any:
    """Return the first column of the first row."""
    row = conn.execute(query, parameters).fetchone()
    return None if row is None else row[0]


@pytest.fixture(scope="session")
def airflow_server(
    guard: Guard, postgres: Postgres, migrated_template: str, airflow_with_dags: None
) -> Iterator[ApiServer]:
    """An api-server over a catalogue in which something has happened."""
    name = "seen_in_a_browser"
    owner = _copy(postgres, migrated_template, name)
    with tempfile.TemporaryDirectory(prefix="doclife-test-api-") as folder:
        home = Path(folder)
        (home / "files").mkdir()
        with connect(owner) as conn:
            set_scene(conn, home / "files")
        url = role_url(postgres, name, role=databases.TASKS)
        with serving(home, documents_url=url, guard=guard) as running:
            yield running
    _drop(postgres, name)
