"""Airflow's own api-server with the plugin, for real browsers. Nothing else of Airflow runs."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.guard import COMPONENT_GRACE_SECONDS, Guard
from local.ports import free_port
from local.processes import end_family
from tests import airflow_environment as environment

UP_WITHIN_SECONDS = 180.0
"""On an idle machine it takes 10 s."""
PREFIX = "/records/airflow"
"""Airflow below a path of its own, as behind a company's proxy: links must keep it."""
USERS = {"admin": "admin", "olga": "op", "bob": "user", "vic": "viewer"}


@dataclass(frozen=True)
class ApiServer:
    """Where it answers."""

    origin: str

    @property
    def url(self) -> str:
        """Where Airflow is, without a slash at the end."""
        return self.origin + PREFIX

    def path(self, path: str) -> str:
        """Return the address of a page of the dashboard itself, without Airflow around it."""
        return f"{self.url}/doclife{path}"

    def framed(self, path: str) -> str:
        """Return the address at which Airflow shows a page of the dashboard inside its own."""
        return f"{self.url}/plugin/doclife{PREFIX}/doclife{path}"


@contextmanager
def serving(home: Path, *, documents_url: str, guard: Guard) -> Iterator[ApiServer]:
    """Run an api-server over a catalogue until the end of the block.

    Airflow's metadata is a copy of this test process's own, with the DAGs read into it.
    """
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    _copy_metadata(home / "airflow.db")
    (home / "passwords.json").write_text(json.dumps({name: name for name in USERS}))
    settings = {
        **environment.SETTINGS,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__API__BASE_URL": origin + PREFIX,
        "AIRFLOW__API__SECRET_KEY": "only-for-tests",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in USERS.items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW_CONN_DOCUMENTS": documents_url,
    }
    command = [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1"]
    with (home / "api-server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "1"],
            env={**os.environ, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    watched = guard.watch_component(process.pid)
    try:
        _wait_until_up(process, f"{origin}{PREFIX}/api/v2/version", home / "api-server.log")
        yield ApiServer(origin)
    finally:
        end_family([watched], grace_seconds=COMPONENT_GRACE_SECONDS)
        process.wait()


def _copy_metadata(target: Path) -> None:
    with (
        sqlite3.connect(environment.HOME / "airflow.db") as source,
        sqlite3.connect(target) as copy,
    ):
        source.backup(copy)
    source.close()
    copy.close()


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    gives_up_at = time.monotonic() + UP_WITHIN_SECONDS
    while True:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert time.monotonic() < gives_up_at, log.read_text()[-3000:]
            time.sleep(0.2)
