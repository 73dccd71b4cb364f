"""A real Airflow around each test: metadata database, parsed DAGs, a catalogue to work on."""

from __future__ import annotations

import tests.airflow_environment as environment  # first: it sets what Airflow reads on import

# isort: split
import importlib
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local import databases
from local.postgres import Postgres


@pytest.fixture(scope="session")
def airflow_metadata() -> None:
    """Airflow's own database, empty and migrated."""
    from airflow.utils.db import initdb

    from tests.dags.airflow_runs import register_bundle

    with warnings.catch_warnings():
        # Starlette's test client, through which tasks talk to Airflow here, warns when imported.
        warnings.simplefilter("ignore")
        importlib.import_module("airflow.api_fastapi.execution_api.app")
    initdb()
    register_bundle()


@pytest.fixture(scope="session")
def dags(airflow_metadata: None) -> dict:
    """Our DAGs, and those that users might write (somebodys_dags/)."""
    from tests.dags.airflow_runs import read_dags

    return {
        **read_dags(environment.DAGS_FOLDER),
        **read_dags(environment.EXAMPLES_FOLDER),
    }


@pytest.fixture
def documents_connection(database: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let Airflow's tasks reach this test's catalogue, with the rights they have in production."""
    url = databases.as_role(
        postgres.url(),
        role=databases.TASKS,
        password=f"test-{databases.TASKS}",
        database=database.rsplit("/", 1)[1],
    )
    monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", url)
    return url


class Refusing(BaseHTTPRequestHandler):
    """Answers every call with an error."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.end_headers()
        self.wfile.write(b"no")

    def log_message(self, *_given: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[str]:
    """URL of a server that refuses everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
