"""What the queue must not do to others, and to itself in years.

    python -m benchmarks.queue_limits [--rounds 3] [--history 10000000] [--only claims,dead,memory]

``claims``: the 95th percentile of a claim of 500, with an empty history and with millions of
finished jobs in it. ``dead``: calls a second to endpoints that answer, without and beside an
endpoint that takes connections, never answers and has 10,000 jobs. ``memory``: the most that a
process ever had resident that delivered 20,000 webhooks, above what a process has that only
imported Airflow's task runner.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from benchmarks.machine import machine_line
from benchmarks.queue import add_endpoint, fill, make_partitions, payload, say, settle
from benchmarks.queue_worker import drain
from benchmarks.receiver import Receiver, receiver
from benchmarks.server import measured_server, migrated_database, settings_line
from doclife.lifecycle.queue import add_many
from doclife.store import queue
from doclife.store.connection import Connection
from local.postgres import Postgres

CLAIMS = 150
JOBS = 20_000
"""In the queue while claims are measured, and delivered where memory is."""
DEAD_JOBS, LIVING_JOBS = 10_000, 10_000
BARE = (
    "import resource, airflow.sdk.execution_time.task_runner;"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)
WORKING = (
    "import sys, airflow.sdk.execution_time.task_runner, benchmarks.queue_worker as worker;"
    "worker.main()"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--history", type=int, default=10_000_000)
    parser.add_argument("--only", default="claims,dead,memory")
    arguments = parser.parse_args()
    only = arguments.only.split(",")
    print(machine_line())
    print(f"PostgreSQL with {settings_line()}")
    with measured_server() as server:
        if "memory" in only:
            measure_memory(server)
        if "dead" in only:
            measure_dead(server, arguments.rounds)
        if "claims" in only:
            measure_claims(server, arguments.history, arguments.rounds)


def measure_claims(server: Postgres, history: int, rounds: int) -> None:
    """Interleaved, in two databases, so that what else the machine does falls on both."""
    with migrated_database(server, "young") as young, migrated_database(server, "old") as old:
        for conn in (young, old):
            make_partitions(conn)
            add_endpoint(conn, url="http://127.0.0.1:9/")
            fill(conn, JOBS)
        age(old, history)
        for conn in (young, old):
            settle(conn)
        percentiles: dict[str, list[float]] = {"young": [], "old": []}
        for _ in range(rounds):
            seconds: dict[str, list[float]] = {"young": [], "old": []}
            for _ in range(CLAIMS):
                seconds["young"].append(claim_once(young))
                seconds["old"].append(claim_once(old))
            for name, found in seconds.items():
                percentiles[name].append(statistics.quantiles(found, n=20)[-1])
    before, after = (statistics.median(percentiles[name]) for name in ("young", "old"))
    print(
        f"claim of 500: 95th percentile {before * 1000:.1f} ms with an empty history, "
        f"{after * 1000:.1f} ms with {history:,} finished jobs ({after / before - 1:+.0%}); "
        f"bound +20 %: {'kept' if after < before * 1.2 else 'BROKEN'}; "
        f"load {os.getloadavg()[0]:.1f}"
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
    claimed = queue.claim(conn, worker_id=worker, size=500, kinds=["webhook"])
    seconds = time.perf_counter() - started
    assert len(claimed) == 500
    queue.end_worker(conn, worker_id=worker)
    return seconds


def measure_dead(server: Postgres, rounds: int) -> None:
    alone: list[float] = []
    beside: list[float] = []
    with receiver() as far_side:
        for _ in range(rounds):
            alone.append(living_rate(server, far_side, dead_jobs=0))
            beside.append(living_rate(server, far_side, dead_jobs=DEAD_JOBS))
    without, with_it = statistics.median(alone), statistics.median(beside)
    print(
        f"{LIVING_JOBS:,} calls to living endpoints: {without:,.0f}/s alone, {with_it:,.0f}/s"
        f" beside a dead one with {DEAD_JOBS:,} jobs ({with_it / without - 1:+.0%});"
        f" each round {[f'{b / a - 1:+.0%}' for a, b in zip(alone, beside, strict=True)]}"
    )
    say("the living beside a dead one", with_it / without, 0.9)


def living_rate(server: Postgres, far_side: Receiver, *, dead_jobs: int) -> float:
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
        for first in range(0, dead_jobs, 1000):
            jobs = [{**payload(first + i), "endpoint": "dead"} for i in range(1000)]
            add_many(conn, kind="webhook", payloads=jobs, requested_by="benchmark")
        fill(conn, LIVING_JOBS)
        settle(conn)
        return asyncio.run(_until_the_living_are_served(server.url("dead"), far_side))


async def _until_the_living_are_served(database: str, far_side: Receiver) -> float:
    served = await asyncio.to_thread(far_side.served)
    started = time.perf_counter()
    draining = asyncio.create_task(drain(database, is_nothing=False))
    asked = 0
    while True:
        await asyncio.sleep(0.05)
        asked += 1
        if await asyncio.to_thread(far_side.served) - served - asked >= LIVING_JOBS:
            break
        assert not draining.done(), draining.result()
    seconds = time.perf_counter() - started
    await draining
    return LIVING_JOBS / seconds


def measure_memory(server: Postgres) -> None:
    bare = int(subprocess.check_output([sys.executable, "-c", BARE], text=True)) * 1024
    with migrated_database(server, "memory") as conn, receiver() as far_side:
        make_partitions(conn)
        add_endpoint(conn, url=far_side.url)
        fill(conn, JOBS)
        settle(conn)
        command = [sys.executable, "-c", WORKING, server.url("memory")]
        told = json.loads(subprocess.check_output(command, text=True).splitlines()[-1])
    assert told["done"] == JOBS, told
    above = (told["peak"] - bare) / 1e6
    verdict = "kept" if above <= 170 else "BROKEN"
    print(
        f"memory: {told['peak'] / 1e6:.0f} MB for {JOBS:,} webhooks, {bare / 1e6:.0f} MB a bare "
        f"task process: {above:.0f} MB above it; at most 170: {verdict}"
    )


if __name__ == "__main__":
    main()
