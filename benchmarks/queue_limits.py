"""What the queue must not do to others, and to itself in years.

``claims``: the 95th percentile of a claim of 500, with an empty history and with millions of
finished jobs in it. ``dead``: calls a second to endpoints that answer, without and beside an
endpoint that takes connections, never answers and has 10,000 jobs. ``memory``: the most that a
process ever had resident that delivered 20,000 webhooks, above what a process has that only
imported Airflow's task runner.
"""

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.benchmark import Benchmark, run
from benchmarks.queue import add_endpoint, fill, make_partitions, payload, settle
from benchmarks.queue_worker import drain
from benchmarks.receiver import NGINX, Receiver, receiver
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server, migrated_database
from doclife.lifecycle.queue import add_many
from doclife.store import queue
from doclife.store.connection import Connection
from local.postgres import Postgres

CLAIM = 500
QUEUED = 20_000
"""Jobs in the queue while claims are measured."""
MEMORY_MB = 170
BARE = (
    "import resource, airflow.sdk.execution_time.task_runner;"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)
WORKING = (
    "import sys, airflow.sdk.execution_time.task_runner, benchmarks.queue_worker as worker;"
    "worker.main()"
)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 3
    only: str = "memory,dead,claims"
    history: int = 10_000_000
    claims: int = 150
    """Of a round."""
    dead: int = 10_000
    """Jobs of the endpoint that never answers."""
    living: int = 10_000
    delivered: int = 20_000
    """Webhooks of the process whose memory is measured."""


def measure(sizes: Sizes) -> Iterator[Row]:
    only = sizes.only.split(",")
    with measured_server() as server:
        if "memory" in only:
            yield measure_memory(server, sizes)
        if "dead" in only:
            yield measure_dead(server, sizes)
        if "claims" in only:
            yield measure_claims(server, sizes)


def measure_claims(server: Postgres, sizes: Sizes) -> Row:
    """Interleaved, in two databases, so that what else the machine does falls on both."""
    with migrated_database(server, "young") as young, migrated_database(server, "old") as old:
        for conn in (young, old):
            make_partitions(conn)
            add_endpoint(conn, url="http://127.0.0.1:9/")
            fill(conn, QUEUED)
        age(old, sizes.history)
        for conn in (young, old):
            settle(conn)
        percentiles: dict[str, list[float]] = {"young": [], "old": []}
        for _ in range(sizes.rounds):
            taken: dict[str, list[float]] = {"young": [], "old": []}
            for _ in range(sizes.claims):
                taken["young"].append(claim_once(young))
                taken["old"].append(claim_once(old))
            for name, found in taken.items():
                percentiles[name].append(statistics.quantiles(found, n=20)[-1] * 1000)
    return Row.of_rounds(
        what=f"95th percentile of a claim of {CLAIM} with {sizes.history:,} finished jobs",
        peer="the same with an empty history",
        of=Quantity.TIME,
        ours=percentiles["old"],
        theirs=percentiles["young"],
        unit="ms",
        wanted=1.2,
    )


def age(conn: Connection, history: int) -> None:
    """Fill the history as years would: finished jobs with an attempt each, spread over a month."""
    started = time.monotonic()
    for table, columns, values in (
        (
            "job_history",
            "id, organization_id, kind, attempts, created_at, finished_at",
            "number + 1000000000, 1, 'webhook', 1, moment, moment",
        ),
        (
            "delivery_attempts",
            "job_id, attempt, organization_id, kind, endpoint_id, outcome, status_code, latency_ms,"
            " attempted_at",
            "number + 1000000000, 1, 1, 'webhook', 1, 'sent', 200, 5, moment",
        ),
    ):
        conn.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM ("
            " SELECT number, now() - (number %% 29) * interval '1 day' AS moment"
            " FROM generate_series(1, %s) AS number) AS made",
            (history,),
        )
    print(f"{history:,} finished jobs were made in {time.monotonic() - started:.0f} s", flush=True)


def claim_once(conn: Connection) -> float:
    worker = queue.start_worker(conn, name="benchmark", lease_seconds=60)
    started = time.perf_counter()
    claimed = queue.claim(conn, worker_id=worker, size=CLAIM, kinds=["webhook"])
    seconds = time.perf_counter() - started
    assert len(claimed) == CLAIM
    queue.end_worker(conn, worker_id=worker)
    return seconds


def measure_dead(server: Postgres, sizes: Sizes) -> Row:
    alone: list[float] = []
    beside: list[float] = []
    with receiver() as far_side:
        for _ in range(sizes.rounds):
            alone.append(living_rate(server, far_side, dead=0, living=sizes.living))
            beside.append(living_rate(server, far_side, dead=sizes.dead, living=sizes.living))
    return Row.of_rounds(
        what=f"calls to a living endpoint beside a dead one with {sizes.dead:,} jobs",
        peer="the same without the dead one",
        of=Quantity.RATE,
        ours=beside,
        theirs=alone,
        unit="calls/s",
        wanted=0.9,
    )


def living_rate(server: Postgres, far_side: Receiver, *, dead: int, living: int) -> float:
    """Calls a second to the living, who stand behind the dead one's jobs in the queue."""
    with (
        migrated_database(server, "dead") as conn,
        socket.create_server(("127.0.0.1", 0), backlog=256) as silent,
    ):
        make_partitions(conn)
        port = silent.getsockname()[1]
        add_endpoint(
            conn,
            name="dead",
            url=f"http://127.0.0.1:{port}/",
            timeout_seconds=2,
            max_concurrency=8,
        )
        add_endpoint(conn, url=far_side.url)
        for first in range(0, dead, 1000):
            jobs = [{**payload(first + i), "endpoint": "dead"} for i in range(1000)]
            add_many(conn, kind="webhook", payloads=jobs, requested_by="benchmark")
        fill(conn, living)
        settle(conn)
        return asyncio.run(_until_served(server.url("dead"), far_side, living))


async def _until_served(database: str, far_side: Receiver, count: int) -> float:
    served = await asyncio.to_thread(far_side.served)
    started = time.perf_counter()
    draining = asyncio.create_task(drain(database, is_nothing=False))
    asked = 0
    while True:
        await asyncio.sleep(0.05)
        asked += 1
        if await asyncio.to_thread(far_side.served) - served - asked >= count:
            break
        assert not draining.done(), draining.result()
    seconds = time.perf_counter() - started
    await draining
    return count / seconds


def measure_memory(server: Postgres, sizes: Sizes) -> Row:
    bare = int(subprocess.check_output([sys.executable, "-c", BARE], text=True)) * 1024
    with migrated_database(server, "memory") as conn, receiver() as far_side:
        make_partitions(conn)
        add_endpoint(conn, url=far_side.url)
        fill(conn, sizes.delivered)
        settle(conn)
        command = [sys.executable, "-c", WORKING, server.url("memory")]
        told = json.loads(subprocess.check_output(command, text=True).splitlines()[-1])
    assert told["done"] == sizes.delivered, told
    return Row.of_rounds(
        what=f"memory of a process that delivers {sizes.delivered:,} webhooks, above that of one "
        "that imported Airflow's task runner",
        peer=f"the bound of {MEMORY_MB} MB",
        of=Quantity.MEMORY,
        ours=[(told["peak"] - bare) / 1e6],
        theirs=[MEMORY_MB],
        unit="MB",
        wanted=1,
    )


BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(rounds=1, history=10_000, claims=20, dead=1000, living=1000, delivered=1000),
    needs=(NGINX,),
)

if __name__ == "__main__":
    run(BENCHMARK, "queue_limits")
