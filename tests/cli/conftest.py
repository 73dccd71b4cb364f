"""The command line on a database of the test's own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from doclife.cli.app import app

WORD_COUNT_OF_A_SENTENCE = 3


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
            env={"DOCLIFE_DATABASE_URL": self.database, **self.environment},
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


@pytest.fixture
def cli(database: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on an empty migrated database."""
    for name in [name for name in os.environ if name.startswith(("DOCLIFE_", "AIRFLOW_CONN_"))]:
        monkeypatch.delenv(name)
    return Cli(database)
