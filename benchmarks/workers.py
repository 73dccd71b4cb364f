"""Two Celery workers beside one: archive of 2 GB, and calls to a receiver that takes 50 ms.

The topology of docker-compose.yaml as plain processes: CeleryExecutor, Redis, PostgreSQL with
durable commits, Airflow's four components. Each worker does one task at a time, so that one worker
is one process at work and two are two; for the peer's turn the second one takes no tasks. Archive
is a night of ``execute_automation_rules`` over files of 100 kB to 20 MB in mixed order, timed from
the first shard's begin to the last one's end, and as a whole run with all of Airflow's own time.
Calls are drained by ``process_queue``, timed from the first to the last. An endpoint takes 8 at
once from each process that sends, as it does unless somebody says otherwise.

A shard that is much larger or slower than the middle one would be a hot spot: the other worker is
done and waits for it.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.benchmark import Benchmark, program, run
from benchmarks.machine import scratch
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server
from doclife.delivery.signing import new_secret
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.halting import halt, resume
from doclife.lifecycle.queue import add_many
from doclife.lifecycle.registering import ImportSettings, import_documents
from doclife.lifecycle.ruling import apply_rule_file
from doclife.lifecycle.stores import register_store
from doclife.store import endpoints
from doclife.store.connection import Connection, connect
from doclife.store.migrations import migrate
from local import databases
from local.airflow_api import AirflowApi
from local.cluster import Cluster
from local.postgres import Postgres
from tests.deploy.far_system import FarSystem, far_system

RULES, QUEUE = "execute_automation_rules", "process_queue"
FIRST, SECOND = "worker-1", "worker-2"
PASSWORDS = {login: f"measured-{login}" for login in databases.LOGINS}
LATENCY_SECONDS = 0.05
BATCH = 1000
SHARES = {20_000_000: 0.4, 3_000_000: 0.45, 100_000: 0.15}
"""Which part of all bytes is in files of which size."""
WITHIN_SECONDS = 1800.0
ACTOR = "cli:benchmark"
RULE_FILE = """
rules:
  - name: measured
    mode: enforce
    trigger: {type: ON_SCHEDULE}
    when: {field: tags, op: has_any, value: [measured]}
    limits: {max_documents: 100000000, max_fraction: 1.0}
    actions: [{do: ARCHIVE, with: {store: archive, original: keep}}]
"""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 3
    megabytes: int = 2000
    calls: int = 4000


@dataclass(frozen=True, kw_only=True)
class Night:
    """One run that archived all files."""

    shards_seconds: float
    """From the first shard's begin to the last one's end."""
    run_seconds: float
    shards: Sequence[tuple[int, float]]
    """Bytes and seconds of each."""


def measure(sizes: Sizes) -> Iterator[Row]:
    with (
        measured_server() as server,
        scratch() as folder,
        far_system(latency_seconds=LATENCY_SECONDS, answers=sizes.calls * 100) as far,
    ):
        with Bench(server, folder, far, sizes) as bench:
            bench.warm_up()
            nights: dict[int, list[Night]] = {1: [], 2: []}
            rates: dict[int, list[float]] = {1: [], 2: []}
            for number in range(sizes.rounds):
                for workers in (1, 2):
                    with bench.working(workers):
                        nights[workers].append(bench.archive())
                        rates[workers].append(bench.call())
                print(f"round {number + 1}: load {os.getloadavg()[0]:.1f}", flush=True)
        yield from rows(sizes, nights, rates)


def rows(
    sizes: Sizes, nights: dict[int, list[Night]], rates: dict[int, list[float]]
) -> Iterator[Row]:
    size = f"{sizes.megabytes / 1000:g} GB"

    def night(what: str, seconds: Callable[[Night], float], wanted: float | None) -> Row:
        mine, his = (
            [sizes.megabytes / seconds(each) for each in nights[workers]] for workers in (2, 1)
        )
        return Row.of_rounds(
            what=what,
            peer="one worker",
            of=Quantity.RATE,
            ours=mine,
            theirs=his,
            unit="MB/s",
            wanted=wanted,
        )

    yield night(
        f"archive of {size} by two Celery workers, {len(nights[2][0].shards)} shards",
        lambda each: each.shards_seconds,
        1.3,
    )
    yield night("the whole nightly run around it", lambda each: each.run_seconds, None)
    yield Row.of_rounds(
        what=f"{sizes.calls:,} calls to a receiver that takes 50 ms, by two Celery workers",
        peer="one worker",
        of=Quantity.RATE,
        ours=rates[2],
        theirs=rates[1],
        unit="calls/s",
        wanted=1.3,
    )
    shards = [[megabytes for megabytes, _ in each.shards] for each in nights[2]]
    yield Row.of_rounds(
        what="the largest shard",
        peer="the middle one",
        of=Quantity.DISK,
        ours=[max(each) / 1e6 for each in shards],
        theirs=[statistics.median(each) / 1e6 for each in shards],
        unit="MB",
        wanted=1.5,
    )
    took = [[seconds for _, seconds in each.shards] for each in nights[2]]
    yield Row.of_rounds(
        what="the slowest shard, two workers at work",
        peer="the middle one",
        of=Quantity.TIME,
        ours=[max(each) for each in took],
        theirs=[statistics.median(each) for each in took],
        unit="s",
        wanted=2,
    )


class Bench:
    """A cluster with one catalogue, and what is done to it."""

    def __init__(self, server: Postgres, folder: Path, far: FarSystem, sizes: Sizes) -> None:
        databases.prepare(server.url(), passwords=PASSWORDS)

        def url(database: str, role: str) -> str:
            return databases.as_role(
                server.url(), role=role, password=PASSWORDS[role], database=database
            )

        admin = url(databases.DOCUMENTS, databases.ADMIN)
        self._conn = connect(admin, application_name="benchmark")
        migrate(self._conn)
        databases.let_tasks_work(admin)
        metadata = url(databases.METADATA, databases.AIRFLOW)
        self._folder, self._sizes, self._far = folder, sizes, far
        self._sets = count(1)
        self._metadata_url = metadata
        self._cluster = Cluster(
            folder / "cluster",
            metadata_url=metadata,
            tasks_url=url(databases.DOCUMENTS, databases.TASKS),
            concurrency=1,
            variables={
                "AIRFLOW_CONN_DOCLIFE_FAR_SYSTEM": json.dumps(
                    {"conn_type": "http", "password": new_secret()}
                ),
                "DOCLIFE_ALLOWED_NETWORKS": "127.0.0.1/32",
                "DOCLIFE_ALLOW_HTTP": "true",
                "DOCLIFE_DRAINERS": "2",
            },
        )

    def __enter__(self) -> Bench:
        try:
            make_files(self._folder / "files", megabytes=self._sizes.megabytes)
            set_up(self._conn, self._folder / "archive", self._far.url)
            self._cluster.start(workers=(FIRST, SECOND))
            self._metadata: psycopg.Connection[Any] = psycopg.connect(
                self._metadata_url, autocommit=True
            )
            self._api = AirflowApi(self._cluster.port)
            self._api.log_in("admin", self._cluster.password_of("admin"))
            self._until(lambda: self._api.dag_exists(RULES) and self._api.dag_exists(QUEUE))
        except BaseException:
            self._cluster.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._metadata.close()
        self._cluster.end()
        self._conn.close()

    def warm_up(self) -> None:
        """Let both workers load what tasks need."""
        for name in (FIRST, SECOND):
            self._cluster.wait_for_worker(name)
        # Else each archived document's event would start a drain, which lingers.
        self._pause(QUEUE, is_paused=True)
        for _ in range(2):
            self._run(RULES)

    @contextmanager
    def working(self, workers: int) -> Iterator[None]:
        """Let so many workers take tasks in the block."""
        if workers == 2:
            yield
            return
        self._cluster.let_rest(SECOND)
        yield
        self._cluster.let_work(SECOND)

    def archive(self) -> Night:
        """Bring all files in once more, and let a night archive them."""
        self._import()
        os.sync()
        run_id, run_seconds = self._run(RULES)
        sizes = self._conn.execute(
            "SELECT total_bytes, done_count = item_count FROM plan_shards"
            " WHERE plan_id = (SELECT max(id) FROM plans) ORDER BY shard"
        ).fetchall()
        tasks = self._metadata.execute(
            "SELECT extract(EPOCH FROM start_date)::float8, extract(EPOCH FROM end_date)::float8"
            " FROM task_instance WHERE run_id = %s AND task_id = 'archive' AND map_index >= 0"
            " ORDER BY map_index",
            (run_id,),
        ).fetchall()
        assert sizes, "nothing was planned"
        assert all(is_done for _size, is_done in sizes), sizes
        return Night(
            shards_seconds=max(end for _, end in tasks) - min(start for start, _ in tasks),
            run_seconds=run_seconds,
            shards=[
                (size, end - start) for (size, _), (start, end) in zip(sizes, tasks, strict=True)
            ],
        )

    def call(self) -> float:
        """Store calls, let them be drained, and return how many were made in a second."""
        now = datetime.now(UTC)
        halt(self._conn, reason="jobs are stored", actor=ACTOR, now=now)
        ids: list[int] = []
        for first in range(0, self._sizes.calls, BATCH):
            some = range(first, min(first + BATCH, self._sizes.calls))
            ids += add_many(
                self._conn,
                kind="webhook",
                payloads=[
                    {"endpoint": "far", "type": "invoice.paid", "data": {"n": n}} for n in some
                ],
                requested_by=ACTOR,
            )
        self._conn.execute("VACUUM ANALYZE")
        self._pause(QUEUE, is_paused=False)
        resume(self._conn, actor=ACTOR, now=now)
        self._until(lambda: self._count("jobs") == 0)
        halt(self._conn, reason="nobody need linger", actor=ACTOR, now=now)
        self._pause(QUEUE, is_paused=True)
        self._until(lambda: self._count("job_workers") == 0 and not self._running())
        resume(self._conn, actor=ACTOR, now=now)
        row = self._conn.execute(
            "SELECT count(*), extract(EPOCH FROM max(attempted_at) - min(attempted_at))::float8"
            " FROM delivery_attempts WHERE outcome = 'sent' AND job_id = ANY(%s)",
            (ids,),
        ).fetchone()
        assert row is not None
        assert row[0] == len(ids), "each once"
        return float(row[0] / row[1])

    def _import(self) -> None:
        """The same bytes under other names: copying them would fill the disk."""
        source = self._folder / f"set-{next(self._sets)}"
        source.mkdir()
        for file in (self._folder / "files").iterdir():
            os.link(file, source / file.name)
        import_documents(
            self._conn,
            source=str(source),
            settings=ImportSettings(tags=["measured"]),
            now=datetime.now(UTC),
            actor=ACTOR,
            options=lambda _connection_id: {},
        )
        # Else a night that hits so much more than was foreseen would ask somebody.
        now = datetime.now(UTC)
        rebuild_dispositions(self._conn, now=now, as_of=now)
        self._conn.execute("VACUUM ANALYZE")

    def _run(self, dag_id: str) -> tuple[str, float]:
        """Run a DAG to its good end; return the run's id and how long it took."""
        run_id = self._api.trigger(dag_id)
        self._until(lambda: self._api.run_state(dag_id, run_id) in ("success", "failed"))
        assert self._api.run_state(dag_id, run_id) == "success", self._cluster.logs
        row = self._metadata.execute(
            "SELECT extract(EPOCH FROM end_date - start_date)::float8 FROM dag_run"
            " WHERE dag_id = %s AND run_id = %s",
            (dag_id, run_id),
        ).fetchone()
        assert row is not None
        return run_id, float(row[0])

    def _pause(self, dag_id: str, *, is_paused: bool) -> None:
        self._metadata.execute(
            "UPDATE dag SET is_paused = %s WHERE dag_id = %s", (is_paused, dag_id)
        )

    def _running(self) -> int:
        row = self._metadata.execute(
            "SELECT count(*) FROM dag_run WHERE state IN ('running', 'queued')"
        ).fetchone()
        return int(row[0]) if row else 0

    def _count(self, table: str) -> int:
        row = self._conn.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0

    def _until(self, is_so: Callable[[], bool]) -> None:
        gives_up_at = time.monotonic() + WITHIN_SECONDS
        while not is_so():
            self._cluster.check()
            assert time.monotonic() < gives_up_at, self._cluster.logs
            time.sleep(0.2)


def make_files(folder: Path, *, megabytes: int) -> None:
    """Write files of several sizes in mixed order."""
    folder.mkdir()
    chance = random.Random(1)
    sizes = [
        size
        for size, share in SHARES.items()
        for _ in range(max(1, round(megabytes * 1e6 * share / size)))
    ]
    chance.shuffle(sizes)
    block = chance.randbytes(max(SHARES))
    for number, size in enumerate(sizes):
        # No two are alike: a store may keep the same bytes once.
        (folder / f"{number:05}.bin").write_bytes(b"%8d" % number + block[: size - 8])
    os.sync()


def set_up(conn: Connection, archive: Path, url: str) -> None:
    """Make the archive, the endpoint, the rule, and no limits."""
    for table in ("organizations", "deployment"):
        conn.execute(
            f"UPDATE {table} SET max_fraction_per_day = 1, max_documents_per_day = 100000000"
        )
    archive.mkdir()
    now = datetime.now(UTC)
    register_store(
        conn,
        name="archive",
        root=str(archive),
        connection_id=None,
        now=now,
        actor=ACTOR,
        options=lambda _connection_id: {},
    )
    apply_rule_file(conn, text=RULE_FILE, file="measured.yaml", author=ACTOR, now=now)
    endpoints.insert(
        conn,
        organization_id=1,
        name="far",
        url=url,
        headers={},
        timeout_seconds=30,
        max_concurrency=8,
        max_per_second=None,
        created_by=ACTOR,
        connection_id="doclife_far_system",
    )


BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(rounds=1, megabytes=600, calls=200),
    needs=[
        program("redis-server", why="hands tasks to workers", package="redis-server"),
        program("unshare", why="gives each worker a host name", package="util-linux"),
    ],
)

if __name__ == "__main__":
    run(BENCHMARK, "workers")
