"""A copy of the project that is running, and the people who use it."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from local import databases
from local.ports import free_port
from local.processes import Identity, find
from local.state import ROOT
from tests.e2e.airflow_user import AirflowUser
from tests.local.checkout import Checkout, Start

NO_MAIL_SERVER = {
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "1",
    "EMAIL_FROM_ADDRESS": "doclife@example.org",
}
"""Mail waits in its jobs, where tests read it, because nobody answers; that costs no attempt."""
OURS = "organization_id = (SELECT id FROM organizations WHERE slug = 'papers')"
"""Documents of the organization that brings in papers."""


class Stack:
    """The running system, and the people who use it."""

    def __init__(self, home: Checkout) -> None:
        self.home = home
        self.port = free_port()
        self.archive = home.folder / "archive"
        self._begin()

    def _begin(self) -> None:
        self.started = Start(self.home, "--no-samples", PORT=str(self.port), **NO_MAIL_SERVER)
        self.started.wait_until_ready()
        self.documents_url = self.home.read("running.json")["documents_url"]

    def kill(self, component: str) -> None:
        """Kill one component, and wait until it has taken the others down."""
        process = find(Identity(**self.home.read("running.json")["components"][component]))
        assert process is not None
        process.kill()
        assert self.started.wait() == 1

    def start_again(self) -> None:
        """Start what was killed."""
        self._begin()

    def user(self, name: str) -> AirflowUser:
        """Log in as one of Airflow's users."""
        password = self.home.read("logins.json")[name]
        return AirflowUser(self.port, name=name, password=password)

    def doclife(self, *arguments: str | Path) -> Any:
        """Type one command, and return its JSON."""
        done = self.home.call("doclife", *map(str, arguments), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the catalogue."""
        with psycopg.connect(self.documents_url, options="-c search_path=doclife") as conn:
            return conn.execute(query, parameters or None).fetchall()

    def column(self, query: str, *parameters: object) -> list[Any]:
        """Ask the catalogue for one column."""
        return [row[0] for row in self.rows(query, *parameters)]

    def airflow_url(self) -> str:
        """Return the address of Airflow's own database."""
        return databases.as_role(
            self.documents_url,
            role=databases.AIRFLOW,
            password=self.home.read("secrets.json")[f"password_{databases.AIRFLOW}"],
            database=databases.METADATA,
        )

    def airflow_rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask Airflow's own database."""
        with psycopg.connect(self.airflow_url()) as conn:
            return conn.execute(query).fetchall()

    def statuses(self) -> dict[str, str]:
        """Return the status of every paper."""
        return dict(self.rows(f"SELECT external_id, status FROM documents WHERE {OURS}"))

    def tombstones(self, names: Iterable[str]) -> dict[str, str]:
        """Return by which keys destroyed papers are still known, by the names that they had."""
        return dict(
            self.rows(
                "SELECT name, tombstone_key(tombstone_salt, name)"
                " FROM deployment, unnest(%s::text[]) AS name",
                list(names),
            )
        )

    def traces(self) -> dict[str, int]:
        """Count what doing something twice would add to."""
        tables = (
            "plans", "plan_items", "audit_entries", "events", "jobs", "notices", "notifications",
            "archive_bags", "stored_objects",
        )  # fmt: skip
        return {table: self.column(f"SELECT count(*) FROM {table}")[0] for table in tables}


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Start a copy of the project in a folder, without samples; leave nothing of it behind."""
    home = Checkout(folder)
    try:
        shutil.copytree(
            ROOT / "dags",
            home.folder / "dags",
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        stack = Stack(home)
        yield stack
        assert stack.started.end(signal.SIGTERM) == 0, stack.started.output()
        assert home.processes() == []
    finally:
        home.remove()
