"""A copy of the project in a folder of its own, started and watched as a person would."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from local.first_run import DAGS
from local.postgres import hidden_place
from local.state import ROOT

READY = "Ctrl-C stops everything"
LOCKS = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")
COPIED = ("run", "local", "plugins", "include", "pyproject.toml", *LOCKS)
TINY_DAG = """
from datetime import datetime
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import DAG, task

with DAG(dag_id={dag_id!r}, schedule=None, start_date=datetime(2026, 1, 1)):
    @task
    def look():
        with PostgresHook("documents").get_conn() as conn:
            row = conn.execute("SELECT current_user, count(*) FROM doclife.documents").fetchone()
        assert row[0] == {role!r}, row
    look()
"""


def zone_of_noon(now: datetime) -> str:
    """Return a zone where it is about noon: far from every schedule, whenever the tests run."""
    return f"Etc/GMT{now.hour - 12:+d}"


def zone_of_night(now: datetime) -> str:
    """Return a zone where it is about 3 o'clock: no day ends soon, nor do its summaries go out."""
    return f"Etc/GMT{(now.hour - 3 + 12) % 24 - 12:+d}"


class Checkout:
    """The copy; its .venv is the one that runs the tests.

    :param prefix: stands before every command, e.g. to run it as another user.
    """

    def __init__(self, folder: Path, *, installed: bool = True, prefix: Sequence[str] = ()) -> None:
        self.folder = folder
        self.prefix = prefix
        folder.mkdir(parents=True)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name)
            else:
                shutil.copy(ROOT / name, folder / name)
        (folder / "dags").mkdir()
        if installed:
            (folder / ".venv").mkdir()
            for part in Path(sys.prefix).iterdir():
                (folder / ".venv" / part.name).symlink_to(part)
            # What runs the tests is right, whatever its stamp says of a lock that is being changed.
            lock = folder / "requirements-local.txt"
            stamp = folder / ".venv" / ".requirements-local.sha256"
            stamp.unlink(missing_ok=True)
            stamp.write_text(hashlib.sha256(lock.read_bytes()).hexdigest())

    def add_tiny_dags(self, *, role: str = "doclife_airflow") -> None:
        """Give it four DAGs that only look at the documents, as this database role."""
        for dag_id in DAGS:
            self.add_dag(dag_id, TINY_DAG.format(dag_id=dag_id, role=role))

    def add_dag(self, dag_id: str, text: str) -> None:
        (self.folder / "dags" / f"{dag_id}.py").write_text(text)

    def call(
        self, *arguments: str, env: dict[str, str] | None = None, python: str = sys.executable
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [*self.prefix, python, str(self.folder / "run"), *arguments],
            env={**os.environ, **(env or {})},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def read(self, name: str) -> dict:
        return json.loads((self.folder / ".local" / name).read_text())

    def processes(self) -> list[psutil.Process]:
        """Return whatever runs in this folder, found by its working folder, not by our records."""
        places = (str(self.folder), str(hidden_place(self.folder / ".local" / "postgres")))
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                at = (process.cwd(), *process.cmdline())
                if process.status() != psutil.STATUS_ZOMBIE and any(
                    part.startswith(places) for part in at
                ):
                    found.append(process)
        return found

    def remove(self) -> None:
        """Leave nothing behind, also when a test failed half way."""
        if (self.folder / ".local").exists():
            self.call("reset", "--yes")
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Start:
    """One ``./run`` in the background."""

    def __init__(self, checkout: Checkout, *arguments: str, **env: str) -> None:
        self.checkout = checkout
        self._output = (checkout.folder / "output.txt").open("w+")
        self.process = subprocess.Popen(
            [*checkout.prefix, sys.executable, str(checkout.folder / "run"), *arguments],
            env={**os.environ, "TIME_ZONE": zone_of_noon(datetime.now(UTC)), **env},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def output(self) -> str:
        return (self.checkout.folder / "output.txt").read_text()

    def wait_until_ready(self, *, seconds: float = 280) -> str:
        gives_up_at = time.monotonic() + seconds
        while READY not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < gives_up_at, self.output()
            time.sleep(0.2)
        return self.output()

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=300)
        self._output.close()
        return code
