"""The processes of docker-compose.yaml on this machine: CeleryExecutor, Redis, workers with names.

Tests kill these workers and benchmarks measure them; ``./run`` needs one machine and none of this.
Each worker has a host name of its own, as containers have, and is started with no argument that a
container does not get.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.environment import airflow_environment, load_logins
from local.errors import LocalError
from local.ports import free_port
from local.processes import Identity, family
from local.state import State
from local.stop_request import StopRequest
from local.supervisor import HEALTHY_WITHIN_SECONDS, Supervisor
from local.system_programs import REDIS_SERVER

SETTINGS: Mapping[str, str] = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__PARALLELISM": "32",
    "AIRFLOW__CELERY__OPERATION_TIMEOUT": "10",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "86400",
}
"""What docker-compose.yaml has, and the reasons for it, where ``./run`` has something else."""

CONCURRENCY = 4
"""Tasks that one worker runs at once, where docker-compose.yaml is told nothing else."""

REDIS_SETTINGS = """
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
save ""
appendonly no
maxmemory-policy noeviction
"""

WORKER = ("celery", "worker", "--skip-serve-logs")
"""What ``airflow`` is told in a worker's container."""

QUEUE = "default"
"""Airflow's queue of tasks that name none."""

NAMED = 'hostname "$0" && exec "$@"'


class Cluster:
    """Airflow's components, a Redis and workers, until ``end``.

    :param folder: where logs, keys and Redis' settings go; it is made.
    :param metadata_url: an empty database for Airflow, ``postgresql://...``.
    :param tasks_url: the migrated catalogue, as tasks and dashboard log in to it.
    :param variables: what else the processes find in their environment; wins over all of ours.
    :param concurrency: tasks that each worker runs at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        metadata_url: str,
        tasks_url: str,
        variables: Mapping[str, str],
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._state = State(folder)
        self._redis_port, self._redis_password = free_port(), secrets.token_urlsafe(24)
        self.port = free_port()
        self._supervisor = Supervisor(self._state, port=self.port, stop_request=StopRequest())
        metadata = metadata_url.replace("postgresql://", "postgresql+psycopg2://", 1)
        redis = f"redis://:{self._redis_password}@127.0.0.1:{self._redis_port}/0"
        self.environment: Mapping[str, str] = {
            **airflow_environment(
                self._state,
                port=self.port,
                metadata_url=metadata,
                tasks_url=tasks_url,
                variables={},
            ),
            **SETTINGS,
            "AIRFLOW__CELERY__BROKER_URL": redis,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{metadata}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(concurrency),
            **variables,
        }
        self._workers: dict[str, Identity] = {}

    @property
    def workers(self) -> Sequence[str]:
        """The host names of the workers that were not killed."""
        return list(self._workers)

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self._state.logs

    def password_of(self, user: str) -> str:
        """Return the password of one of Airflow's users."""
        return load_logins(self._state)[user]

    def start(self, *, workers: Sequence[str]) -> None:
        """Migrate Airflow's database, start everything, and wait until it is healthy.

        Workers are on their way then: they take tasks a few seconds later.
        """
        settings = self._state.folder / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            REDIS_SETTINGS.format(
                port=self._redis_port, password=self._redis_password, folder=self._state.folder
            )
        )
        self._supervisor.start("redis", [REDIS_SERVER, settings], self.environment)
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        self._supervisor.run_step("migrate", migrate, self.environment)
        for name in workers:
            self.add_worker(name)
        self._supervisor.start_airflow(self.environment)

    def add_worker(self, name: str) -> None:
        """Start one more worker on a "machine" of this name, which none had before."""
        # Another user than root gets a host name of his own only with users of his own.
        alone = ["unshare", "--uts", *(["--map-root-user"] if os.geteuid() else [])]
        airflow = [sys.executable, "-m", "airflow"]
        self._workers[name] = self._supervisor.start(
            name, [*alone, "sh", "-c", NAMED, name, *airflow, *WORKER], self.environment
        )

    def kill_worker(self, name: str) -> None:
        """Kill a worker with all its tasks, as when its machine is lost; nobody can object."""
        leader = self._workers.pop(name)
        while running := family([leader]):
            for process in running:
                process.kill()

    def wait_for_worker(self, name: str) -> None:
        """Wait until a worker takes tasks."""
        gives_up_at = time.monotonic() + HEALTHY_WITHIN_SECONDS
        while f"celery@{name} ready" not in self._state.log_of(name).read_text(errors="replace"):
            self.check()
            if time.monotonic() > gives_up_at:
                raise LocalError(f"Worker {name} takes no tasks. {self._state.log_of(name)}")
            self._supervisor.pause(0.1)

    def let_rest(self, name: str) -> None:
        """Let a worker take no more tasks, until ``let_work``; what it has begun goes on."""
        self._tell(name, "remove-queue")
        # A question to Redis that it has asked already is answered within a second.
        self._supervisor.pause(2)

    def let_work(self, name: str) -> None:
        """Let a worker that rests take tasks again."""
        self._tell(name, "add-queue")

    def _tell(self, name: str, what: str) -> None:
        command = [sys.executable, "-m", "airflow", "celery", what, "--queues", QUEUE]
        self._supervisor.run_step(
            f"{what}-{name}", [*command, "--celery-hostname", f"celery@{name}"], self.environment
        )

    def check(self) -> None:
        """Raise LocalError if a process has died that nobody killed."""
        for name, leader in self._workers.items():
            if not family([leader]):
                raise LocalError(f"Worker {name} has died. Its log: {self._state.log_of(name)}")

    def end(self) -> None:
        """End everything; workers at once, for their tasks would be waited for."""
        for name in self.workers:
            self.kill_worker(name)
        self._supervisor.end()
