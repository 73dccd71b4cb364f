"""docker-compose.yaml as Docker Compose itself reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.env_file import write_env
from local.state import ROOT
from local.system_programs import COMPOSE

COMPOSE_FILE = ROOT / "docker-compose.yaml"


@dataclass(frozen=True)
class Deployment:
    """A folder with the compose file and a .env, where ``docker compose`` would be called."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Deployment:
        """Return one as somebody has it after ``./run env``."""
        shutil.copy(COMPOSE_FILE, folder)
        write_env(folder)
        return cls(folder)

    @property
    def env_file(self) -> Path:
        """What the deployment is told."""
        return self.folder / ".env"

    def set(self, **values: str) -> None:
        """Change lines of .env, or add them."""
        lines = [
            line
            for line in self.env_file.read_text().splitlines()
            if line.partition("=")[0] not in values
        ]
        lines += [f"{name}={value}" for name, value in values.items()]
        self.env_file.write_text("\n".join(lines) + "\n")

    def read(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Let Compose read the file; it needs no Docker for that."""
        return subprocess.run(
            [COMPOSE, *options, "config", "--format", "json"],
            cwd=self.folder,
            # Nothing of this machine's own environment may stand in for what .env lacks.
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def services(self, *options: str) -> dict[str, dict[str, Any]]:
        """Return the services, with every value filled in."""
        answer = self.read(*options)
        assert answer.returncode == 0, answer.stderr
        assert not answer.stderr, answer.stderr
        return dict(json.loads(answer.stdout)["services"])


def given(service: Mapping[str, Any]) -> dict[str, str]:
    """Return a service's environment as its container has it: a name without a value is unset."""
    environment = service.get("environment") or {}
    return {name: value for name, value in environment.items() if value is not None}
