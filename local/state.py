"""What ./run keeps in .local: who runs, secrets, logs, data.

===================  =====================================================================
lock                 held while a supervisor runs
running.json         its processes and where to reach them
secrets.json         keys and database passwords, made once
logins.json          Airflow's users and their passwords, made once
first-run.json       written when the samples are loaded and every DAG has run once
samples/ archive/    the sample documents, and where the sample rules archive them
samples.json         written when the samples are loaded
ports.json           the ports of the last start, which the next one takes again
caught/              mails, Slack messages and webhook calls that the catcher took
catcher.json         where the catcher listens; catcher-secrets.json: its keys, made once
postgres/ airflow/   data of the private server; Airflow's home
logs/                one file per component (the one before as .1), and the tasks' logs
===================  =====================================================================
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.processes import Identity

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Running:
    """One start: its processes and what others need to reach them."""

    port: int
    documents_url: str
    supervisor: Identity
    components: Mapping[str, Identity]
    database: Identity | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """What is set so that deliveries reach the catcher, and the key that signs proof."""


@dataclass(frozen=True)
class State:
    """The folder .local and the files in it."""

    folder: Path = ROOT / ".local"

    def __post_init__(self) -> None:
        """Make the folders; others may pass through (the database server's user), not look."""
        self.folder.mkdir(mode=0o711, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.airflow_home.mkdir(mode=0o700, exist_ok=True)

    @property
    def logs(self) -> Path:
        """One file per component, and the tasks' logs below it."""
        return self.folder / "logs"

    @property
    def airflow_home(self) -> Path:
        """Where Airflow writes the settings that nobody gave it."""
        return self.folder / "airflow"

    def log_of(self, component: str) -> Path:
        """Return the log file of a component."""
        return self.logs / f"{component}.log"

    def new_log(self, component: str) -> Path:
        """Return a log file that is empty; what was in it is kept as .1."""
        log = self.log_of(component)
        if log.exists():
            log.replace(log.with_name(log.name + ".1"))
        return log

    def read(self, name: str) -> dict[str, Any] | None:
        """Return what a file holds, or None if it is not there or was cut short."""
        try:
            content = json.loads((self.folder / name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a file that only its owner may read, whole or not at all."""
        unfinished = self.folder / f"{name}.new"
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, indent=1)
        unfinished.replace(self.folder / name)

    def running(self) -> Running | None:
        """Return what the last start recorded; its processes may be gone since."""
        recorded = self.read("running.json")
        if recorded is None:
            return None
        database = recorded["database"]
        return Running(
            port=recorded["port"],
            documents_url=recorded["documents_url"],
            supervisor=Identity(**recorded["supervisor"]),
            components={name: Identity(**one) for name, one in recorded["components"].items()},
            database=Identity(**database) if database else None,
            variables=recorded.get("variables", {}),
        )

    def record(self, running: Running) -> None:
        """Record what runs, for the other commands and for the next start."""
        self.write("running.json", asdict(running))

    def forget_running(self) -> None:
        """Nothing runs any more."""
        (self.folder / "running.json").unlink(missing_ok=True)
