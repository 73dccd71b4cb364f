"""Starts the database server and Airflow's components as children, and ends them all together.

Nothing is left running, however this process ends: it ends its children itself when it stops on
request or because of a fault, the guard does it when it is killed (see guard.py), and the next
start ends whatever both have left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.airflow_api import AirflowApi
from local.deliveries import CATCHER, PORTS, Catcher, find_catcher
from local.errors import LocalError
from local.guard import Guard
from local.postgres import Postgres, end_of
from local.processes import Identity, end_database, end_family, identify
from local.state import ROOT, Running, State
from local.stop_request import StopRequest

# The log servers are left out: the api-server reads the logs from the same disk.
# In this order: a task that the scheduler starts reports to the api-server, and fails without.
COMPONENTS: Mapping[str, Sequence[str]] = {
    "api-server": ("api-server",),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
}
HEALTHY_WITHIN_SECONDS = 180.0
CATCHER_WITHIN_SECONDS = 60.0
# A task gets this long to end after it was asked to.
STOP_GRACE_SECONDS = 20.0


class Supervisor:
    """The children of one start, from the first to the last."""

    def __init__(self, state: State, *, port: int, stop_request: StopRequest) -> None:
        self.state = state
        self.api = AirflowApi(port)
        self.documents_url = ""
        self.variables: Mapping[str, str] = {}
        """What is set so that deliveries reach the catcher, and the key that signs proof."""
        self._port = port
        self._stop_request = stop_request
        self._guard = Guard()
        self._postgres: Postgres | None = None
        self._database: Identity | None = None
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._identities: dict[str, Identity] = {}

    def start_postgres(self) -> Postgres:
        """Start the private server, on the port it had before if that is free."""
        ports = self.state.read(PORTS) or {}
        self._postgres = Postgres(
            self.state.folder / "postgres", port=ports.get("postgres"), watch=self._watch_database
        )
        self._postgres.start()
        self.state.write(PORTS, {**ports, "postgres": self._postgres.port})
        return self._postgres

    def start_catcher(self, env: Mapping[str, str]) -> None:
        """Start what takes deliveries, on the ports it had before if they are free."""
        (self.state.folder / CATCHER).unlink(missing_ok=True)
        self.start("catcher", [sys.executable, "-m", "local.catcher"], env)

    def wait_for_catcher(self) -> Catcher:
        """Wait until the catcher listens, and return where."""
        gives_up_at = time.monotonic() + CATCHER_WITHIN_SECONDS
        while (catcher := find_catcher(self.state)) is None:
            self.check_children()
            if time.monotonic() > gives_up_at:
                raise LocalError(
                    f"The catcher does not listen after {CATCHER_WITHIN_SECONDS:.0f} s. "
                    f"Its log: {self.state.log_of('catcher')}"
                )
            self.pause(0.1)
        ports = self.state.read(PORTS) or {}
        self.state.write(PORTS, {**ports, **catcher.ports})
        return catcher

    def start(self, name: str, command: Sequence[str | Path], env: Mapping[str, str]) -> Identity:
        """Start one child, its output in a log of its name; it ends with the others at the latest.

        :param name: of its own among all children of this start.
        """
        with self.state.new_log(name).open("ab") as log:
            child = subprocess.Popen(
                command,
                env=env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[name] = child
        self._identities[name] = self._guard.watch_component(child.pid)
        self.record()
        return self._identities[name]

    def run_step(self, name: str, command: Sequence[str | Path], env: Mapping[str, str]) -> None:
        """Run one command to its end, its output in a log of that name.

        Raises LocalError with the end of the log when it fails.
        """
        self.start(name, command, env)
        while (code := self._children[name].poll()) is None:
            self._stop_request.pause(0.1)
        del self._children[name]
        del self._identities[name]
        self.record()
        if code:
            log = self.state.log_of(name)
            raise LocalError(f"{name} failed. The end of {log}:\n{end_of(log)}")

    def start_airflow(self, env: Mapping[str, str]) -> None:
        """Start the four components and wait until Airflow calls all of them healthy."""
        gives_up_at = time.monotonic() + HEALTHY_WITHIN_SECONDS
        for name, arguments in COMPONENTS.items():
            if name == "scheduler":
                self._wait_until(lambda: bool(self.api.health()), gives_up_at)
            self.start(name, [sys.executable, "-m", "airflow", *arguments], env)
        # Heartbeats of the last start count as healthy for half a minute, so look at the
        # children too.
        self._wait_until(self._all_healthy, gives_up_at)

    def _wait_until(self, is_so: Callable[[], bool], gives_up_at: float) -> None:
        while not is_so():
            self.check_children()
            if time.monotonic() > gives_up_at:
                raise LocalError(
                    f"Airflow is not healthy after {HEALTHY_WITHIN_SECONDS:.0f} s "
                    f"({self.api.health() or 'no answer'}). Logs: {self.state.logs}"
                )
            self.pause(0.3)

    def watch(self) -> None:
        """Look after the children until somebody wants us to stop; raise when one has died."""
        while True:
            self.check_children()
            self.pause(1.0)

    def pause(self, seconds: float) -> None:
        """Wait, unless somebody wants us to stop."""
        self._stop_request.pause(seconds)

    def check_children(self) -> None:
        """Raise LocalError with the end of its log if a child has died."""
        if self._postgres and self._postgres.process and self._postgres.process.poll() is not None:
            raise LocalError(
                f"PostgreSQL has died. The end of {self._postgres.log}:\n"
                f"{end_of(self._postgres.log)}"
            )
        for name, child in self._children.items():
            if (code := child.poll()) is not None:
                log = self.state.log_of(name)
                raise LocalError(
                    f"The {name} has died with exit code {code}. The end of {log}:\n{end_of(log)}"
                )

    def end(self) -> None:
        """End all children, the database last; safe to call at any point."""
        end_family(self._identities.values(), grace_seconds=STOP_GRACE_SECONDS)
        for child in self._children.values():
            child.wait()
        if self._postgres:
            self._postgres.stop()
        self._guard.dismiss()
        self.state.forget_running()

    def record(self) -> None:
        """Write down what runs, for the other commands and for the next start."""
        self.state.record(
            Running(
                port=self._port,
                documents_url=self.documents_url,
                supervisor=identify(os.getpid()),
                components=self._identities,
                database=self._database,
                variables=self.variables,
            )
        )

    def _all_healthy(self) -> bool:
        health = self.api.health()
        return len(health) >= len(COMPONENTS) and set(health.values()) == {"healthy"}

    def _watch_database(self, pid: int) -> Identity:
        self._database = self._guard.watch_database(pid)
        self.record()
        return self._database


def end_leftovers(state: State) -> None:
    """End what a start left running whose supervisor and guard were both killed."""
    if running := state.running():
        end_family(running.components.values(), grace_seconds=STOP_GRACE_SECONDS)
        if running.database:
            end_database(running.database, grace_seconds=10)
        state.forget_running()
