"""A small process that ends everything when its owner dies, however it dies.

Nobody can clean up after ``kill -9`` of himself. So the owner (the supervisor, or a test session)
starts a guard and holds the writing end of a pipe to it. The kernel closes that end when the owner
is gone, and then the guard ends every process it was told of: Airflow first, databases last.
After an orderly stop it finds nothing left to end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from local.processes import Identity, end_database, end_family, identify

ROOT = Path(__file__).resolve().parent.parent

# Together with the kill that follows each, well below the 30 s after which nothing may run.
COMPONENT_GRACE_SECONDS = 8.0
DATABASE_GRACE_SECONDS = 6.0


class Guard:
    """The owner's side: tell the guard of a process as soon as it is started."""

    def __init__(self) -> None:
        """Start the guard in a session of its own, out of reach of the terminal's Ctrl-C."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.guard"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def watch_component(self, pid: int) -> Identity:
        """Have this process, its session and its descendants ended with the owner."""
        return self._watch(pid, "component")

    def watch_database(self, pid: int) -> Identity:
        """Have this PostgreSQL server shut down with the owner, after all components."""
        return self._watch(pid, "database")

    def _watch(self, pid: int, kind: str) -> Identity:
        process = identify(pid)
        line = json.dumps({"kind": kind, "pid": process.pid, "born": process.born})
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return process

    def dismiss(self) -> None:
        """Close the pipe and wait until the guard has ended whatever is left, usually nothing."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Read what to watch until the pipe closes, then end it all."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[str, list[Identity]] = {"component": [], "database": []}
    for line in sys.stdin:
        told = json.loads(line)
        watched[told["kind"]].append(Identity(pid=told["pid"], born=told["born"]))
    end_family(watched["component"], grace_seconds=COMPONENT_GRACE_SECONDS)
    for server in watched["database"]:
        end_database(server, grace_seconds=DATABASE_GRACE_SECONDS)


if __name__ == "__main__":
    main()
