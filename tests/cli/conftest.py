"""The command line on a database of the test's own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from doclife.cli.app import app
from local.state import ROOT


@dataclass(frozen=True)
class Answer:
    """What one command said."""

    exit_code: int
    output: str
    errors: str

    @property
    def document(self) -> Any:
        """What was printed, which must be exactly one JSON document."""
        return json.loads(self.output)


def _take_the_terminal() -> None:
    """Let Ctrl-C at the terminal on stdin reach this process."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Whoever runs the tests in the background of a shell ignores it, which is inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Cli:
    """Runs commands as a user does, in this process."""

    database: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, exit_code: int = 0) -> Answer:
        """Run one command that must end with this exit code and without a traceback."""
        result = CliRunner().invoke(
            app,
            [str(argument) for argument in arguments],
            env={"DOCLIFE_DATABASE_URL": self.database, "COLUMNS": "200", **self.environment},
        )
        answer = Answer(result.exit_code, result.stdout, result.stderr)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in answer.errors
        assert answer.exit_code == exit_code, answer.errors + answer.output
        return answer

    def json(self, *arguments: str | Path, exit_code: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        return self(*arguments, "--json", exit_code=exit_code).document

    def on_a_terminal(
        self,
        *arguments: str | Path,
        typed: str = "",
        typed_when: Callable[[], bool] = lambda: True,
    ) -> tuple[int, str]:
        """Run a command as at a terminal; return its exit code and all that stood there.

        :param typed_when: asked until it is so; then ``typed`` is typed.
        """
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "doclife.cli", *map(str, arguments)],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / "plugins"),
                "DOCLIFE_DATABASE_URL": self.database,
                "TERM": "xterm-256color",
                "COLUMNS": "160",
                **self.environment,
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=_take_the_terminal,
        )
        os.close(theirs)
        while not typed_when() and process.poll() is None:
            time.sleep(0.1)
        os.write(ours, typed.encode())
        seen = b""
        with contextlib.suppress(OSError):  # how Linux says that the other side has gone
            while part := os.read(ours, 65536):
                seen += part
        os.close(ours)
        return process.wait(), seen.decode()


@pytest.fixture
def cli(database: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on an empty migrated database."""
    for name in [name for name in os.environ if name.startswith(("DOCLIFE_", "AIRFLOW_CONN_"))]:
        monkeypatch.delenv(name)
    return Cli(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small files."""
    files = tmp_path / "files"
    files.mkdir()
    for name in ("a", "b", "c"):
        (files / f"{name}.txt").write_text(f"This is {name}.")
    return files


RULES = """
organization: acme
rules:
  - name: expired-notes
    mode: enforce
    trigger: {type: ON_EXPIRATION}
    when: {field: document_type, op: eq, value: note}
    limits: {max_fraction: 1.0}
    actions:
      - {do: DELETE}
"""


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """A rule that deletes notes that have expired."""
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    return file


@pytest.fixture
def acme(cli: Cli, folder: Path, rule_file: Path) -> Cli:
    """An organization without belts, with three expired notes and a rule that deletes them."""
    acme = Cli(cli.database, {"DOCLIFE_ORGANIZATION": "acme"})
    acme(
        *("organizations", "add", "acme", "--cooling-off-days", "0"),
        *("--max-fraction-per-day", "1"),
    )
    acme("limits", "set", "--max-fraction-per-day", "1")
    acme("documents", "import", folder, "--type", "note", "--expires-on", "2020-12-31")
    acme("rules", "apply", rule_file)
    return acme


@pytest.fixture
def plan_id(acme: Cli) -> str:
    """The number of a plan that would delete the three notes."""
    (plan,) = acme.json("plans", "create", "--rule", "expired-notes")["plans"]
    return str(plan["plan_id"])
