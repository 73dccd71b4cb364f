"""A deployment of its own: PostgreSQL, stores, and one process of whichever release is in use."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.year.releases import CHECKOUT, Release
from local import databases
from local.postgres import Postgres
from tests.model.history_clock import read_history_clock, set_clock, use_history_clock

PASSWORDS = {name: f"year-{name}" for name in databases.LOGINS}
DATABASE = "year"


class Died(Exception):
    """The process was killed in the middle of a command."""


class System:
    """Passes commands on to doclife, which runs as a process that can be killed and replaced.

    :param server: a running one; the database is made, and stays until the server goes.
    :param folder: an empty one, for the stores.
    :param mail_port: of a server on this machine that takes mail.
    """

    def __init__(
        self, server: Postgres, folder: Path, *, now: datetime, seed: int, mail_port: int
    ) -> None:
        self.folder, self.now, self.seed, self.mail_port = folder, now, seed, mail_port
        self.stores = {name: folder / name for name in ("documents", "archive")}
        for path in self.stores.values():
            path.mkdir()
        databases.prepare(server.url(), passwords=PASSWORDS)
        with psycopg.connect(server.url(), autocommit=True) as superuser:
            databases.create_database(superuser, DATABASE, owner=databases.ADMIN)
        self._admin_url = self._url(server, databases.ADMIN)
        self._tasks_url = self._url(server, databases.TASKS)
        self.eyes = psycopg.connect(server.url(DATABASE), autocommit=True)
        """Looks at everything, and writes what applications write."""
        self._process: subprocess.Popen[str] | None = None
        self.release: Release | None = None
        self.kills = 0

    def close(self) -> None:
        """End the process; the database goes with its server."""
        self._end()
        self.eyes.close()

    def set_clock(self, now: datetime) -> None:
        """Move to a later moment."""
        self.now = now
        set_clock(self.eyes, now)

    def upgrade(self, release: Release) -> list[str]:
        """Put a newer release in the place of the one in use; return the migrations it brought."""
        self._end()
        self.release = release
        applied: list[str] = self.call("migrate", url=self._admin_url)["applied"]
        databases.let_tasks_work(self._admin_url)
        use_history_clock(self.eyes)
        read_history_clock(self.eyes)
        return applied

    def call(
        self,
        command: str,
        *,
        dies_after: int | None = None,
        dies_applying: int | None = None,
        **arguments: Any,
    ) -> Any:
        """Have doclife do something at the present moment of the history; return its answer.

        :param dies_after: it is killed after so many words with database and stores.
        :param dies_applying: the same, counted from where its plans are begun.
        :raises Died: it was killed; the next call finds a new process.
        """
        process = self._process or self._start()
        told = {"do": command, "now": self.now.isoformat(), **arguments}
        deaths = {"dies_after": dies_after, "dies_applying": dies_applying}
        told |= {name: steps for name, steps in deaths.items() if steps is not None}
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told, default=str) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if line:
            if dies_after is not None or dies_applying is not None:
                self._end()  # it lived, and would die of the next command
            return json.loads(line)
        self._end()
        if process.returncode != -9:
            raise SystemExit(f"{command} at {self.now} failed: see above")
        self.kills += 1
        self._wait_until_noticed()
        raise Died(command)

    def _start(self) -> subprocess.Popen[str]:
        assert self.release is not None
        settings = {
            "url": self._tasks_url,
            "now": self.now.isoformat(),
            "seed": self.seed,
            "mail_port": self.mail_port,
            "signing_key": base64.b64encode(random.Random(self.seed).randbytes(32)).decode(),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.year.service", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": f"{self.release.tree / 'plugins'}:{CHECKOUT}"},
        )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _wait_until_noticed(self) -> None:
        """Wait until the server has let go of what the dead process held."""
        until = time.monotonic() + 60
        query = "SELECT FROM pg_stat_activity WHERE application_name LIKE 'doclife year%'"
        while self.eyes.execute(query).fetchone() is not None:
            if time.monotonic() > until:
                raise SystemExit("the server keeps the sessions of a process that is dead")
            time.sleep(0.02)

    @staticmethod
    def _url(server: Postgres, role: str) -> str:
        return databases.as_role(
            server.url(), role=role, password=PASSWORDS[role], database=DATABASE
        )
