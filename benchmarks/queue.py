"""Jobs a second: stored in bulk, and drained, beside pgqueuer on the same server in the same run.

    python -m benchmarks.queue [--rounds 3] [--peer-python /path/to/python]

Ours checks each payload for its kind, and drains with real batches, lanes, attempts and history;
the channel does nothing. pgqueuer (``pip install pgqueuer asyncpg`` into an environment of its own)
stores unchecked bytes and keeps a log. Both jobs carry 1 kB. Ours stops the clock when the last
result is committed and the worker has ended, the peer when its last handler has run. Promised: 1.3
times the peer's rate of enqueueing, 1.5 times that of draining.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.machine import machine_line
from benchmarks.server import measured_server, migrated_database, settings_line
from doclife.delivery.channel import Message
from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle.draining import Drainer, DrainSettings
from doclife.lifecycle.queue import add_many
from doclife.store import cleaning, queue
from doclife.store.connection import Connection, connect
from local.postgres import Postgres

JOBS, BATCH, PAYLOAD_BYTES = 30_000, 1000, 1024
HISTORY = 2_000_000
NOTE = {"recipient": "a@example.org", "title": "x", "body": "x" * (PAYLOAD_BYTES - 62)}
SENT = Attempt(
    outcome=Outcome.SENT,
    status_code=None,
    latency_ms=0,
    answer_head=None,
    error=None,
    retry_after=None,
)


class Nothing:
    """A channel that does nothing at once."""

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        return [SENT] * len(messages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-python", type=Path, help="a Python that has pgqueuer")
    arguments = parser.parse_args()
    print(machine_line())
    print(f"PostgreSQL with {settings_line()}")
    ours: list[tuple[float, float]] = []
    peer: list[tuple[float, float]] = []
    with measured_server() as server:
        for number in range(arguments.rounds):
            ours.append(measure_ours(server, number))
            if arguments.peer_python:
                peer.append(measure_peer(server, number, arguments.peer_python))
        report("doclife", ours)
        if peer:
            report("pgqueuer", peer)
            for index, (what, bound) in enumerate((("enqueue", 1.3), ("drain", 1.5))):
                ratio = median(peer, index) / median(ours, index)
                verdict = "kept" if ratio >= bound else "BROKEN"
                print(f"  {what}: {ratio:.2f} times pgqueuer's rate; bound {bound}: {verdict}")
        measure_claims(server)


def median(times: Sequence[tuple[float, float]], index: int) -> float:
    return statistics.median(each[index] for each in times)


def report(name: str, times: Sequence[tuple[float, float]]) -> None:
    rates = [f"{JOBS / median(times, index):,.0f}/s" for index in (0, 1)]
    print(f"{name}: {JOBS:,} jobs of 1 kB, enqueue {rates[0]}, drain {rates[1]}")


def measure_ours(server: Postgres, number: int) -> tuple[float, float]:
    with migrated_database(server, f"queue_{number}") as conn:
        make_partitions(conn)
        return fill(conn), drain(conn, server.url(f"queue_{number}"))


def fill(conn: Connection) -> float:
    started = time.perf_counter()
    for _ in range(JOBS // BATCH):
        add_many(conn, kind="notification", payloads=[NOTE] * BATCH, requested_by="benchmark")
    return time.perf_counter() - started


def drain(conn: Connection, url: str) -> float:
    conn.execute("VACUUM ANALYZE")
    conn.execute("CHECKPOINT")
    drainer = Drainer(
        connect=lambda: connect(url, application_name="benchmark"),
        channels={"notification": Nothing()},
        find_endpoint=lambda _row: None,  # type: ignore[arg-type, return-value]
        name="benchmark",
        chance=lambda: 0.0,
        settings=DrainSettings(linger_seconds=0),
    )
    started = time.perf_counter()
    drained = asyncio.run(drainer.run())
    seconds = time.perf_counter() - started
    assert drained.sent == JOBS, drained
    return seconds


def make_partitions(conn: Connection) -> None:
    """As the weekly cleanup does, so that rows go where they go in production."""
    today = datetime.now(UTC).date()
    for parent in cleaning.HISTORY_TABLES:
        for ahead in range(-30, 3):
            cleaning.make_partition(conn, parent=parent, day=today + timedelta(days=ahead))


def measure_peer(server: Postgres, number: int, python: Path) -> tuple[float, float]:
    with migrated_database(server, f"peer_{number}"):
        script = Path(__file__).with_name("queue_peer_pgqueuer.py")
        answer = subprocess.run(
            [python, "-P", script, server.url(f"peer_{number}"), str(JOBS), str(PAYLOAD_BYTES)],
            check=True,
            capture_output=True,
            text=True,
        )
    enqueued, drained = map(float, answer.stdout.split())
    return enqueued, drained


def measure_claims(server: Postgres) -> None:
    """The 95th percentile of a claim, before and after millions of jobs went into the history."""
    with migrated_database(server, "claims") as conn:
        make_partitions(conn)
        before = claims(conn)
        conn.execute(
            "INSERT INTO job_history (id, organization_id, kind, attempts, created_at, finished_at)"
            " SELECT number + 1000000000, 1, 'email', 1, moment, moment FROM ("
            " SELECT number, now() - (number %% 29) * interval '1 day' AS moment"
            " FROM generate_series(1, %s) AS number) AS made",
            (HISTORY,),
        )
        conn.execute("VACUUM ANALYZE")
        after = claims(conn)
    print(
        f"claim of 500: 95th percentile {before * 1000:.1f} ms with an empty history, "
        f"{after * 1000:.1f} ms with {HISTORY:,} finished jobs ({after / before - 1:+.0%})"
    )


def claims(conn: Connection, *, times: int = 200) -> float:
    for _ in range(20):
        add_many(conn, kind="notification", payloads=[NOTE] * BATCH, requested_by="benchmark")
    conn.execute("VACUUM ANALYZE jobs")
    seconds = []
    for _ in range(times):
        worker = queue.start_worker(conn, name="benchmark", lease_seconds=60)
        started = time.perf_counter()
        claimed = queue.claim(conn, worker_id=worker, size=500, kinds=["notification"])
        seconds.append(time.perf_counter() - started)
        assert len(claimed) == 500
        queue.end_worker(conn, worker_id=worker)
    conn.execute("TRUNCATE jobs CASCADE")
    return statistics.quantiles(seconds, n=20)[-1]


if __name__ == "__main__":
    assert len(json.dumps(NOTE)) <= PAYLOAD_BYTES
    main()
