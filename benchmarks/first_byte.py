"""From a stored job to the first byte at its receiver, on an idle system as ``./run`` starts it.

Starts a whole system of its own. Each time it waits until no run is under way and the trigger has
rested, stores one webhook call as an application does, and times its arrival at a receiver of its
own; then it says when Airflow had made a run and when the sending process had begun. The first
time after a start is left out: the files of Python are read from the disk then.
"""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.benchmark import Benchmark, run
from benchmarks.machine import scratch
from benchmarks.results import Quantity, Row
from doclife.lifecycle.watching import WatchSettings
from doclife.store import endpoints
from doclife.store.connection import Connection, connect
from local.deliveries import HOOK_CONNECTION
from local.ports import own_loopback
from tests.e2e.stack import running

LONGEST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    times: int = 10


class Arrivals(ThreadingHTTPServer):
    """A receiver that knows when each call arrived."""

    def __init__(self) -> None:
        super().__init__((own_loopback(), 0), Arrival)
        self.at: dict[str, float] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait_for(self, job_id: int) -> float:
        """Return when the call of a job arrived."""
        gives_up_at = time.monotonic() + LONGEST_SECONDS
        while (found := self.at.get(f"msg_{job_id}")) is None:
            assert time.monotonic() < gives_up_at, "the call did not arrive"
            time.sleep(0.005)
        return found


class Arrival(BaseHTTPRequestHandler):
    """One call."""

    def do_POST(self) -> None:
        now = time.time()
        assert isinstance(self.server, Arrivals)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.at[self.headers["webhook-id"]] = now
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


def measure(sizes: Sizes) -> Iterator[Row]:
    with (
        scratch() as folder,
        running(folder / "first byte") as stack,
        connect(stack.documents_url, application_name="benchmark") as conn,
        psycopg.connect(stack.airflow_url(), autocommit=True) as airflow,
    ):
        name = f"timed-{os.getpid()}"
        arrivals = Arrivals()
        endpoints.insert(
            conn,
            organization_id=1,
            name=name,
            url=f"http://{own_loopback()}:{arrivals.server_port}/",
            connection_id=HOOK_CONNECTION,
            headers={},
            timeout_seconds=30,
            max_concurrency=8,
            max_per_second=None,
            created_by="benchmark",
        )
        found = [once(conn, airflow, arrivals, name) for _ in range(sizes.times + 1)][1:]
    yield Row.of_rounds(
        what="from a stored job to the first byte at its receiver, on an idle system",
        peer="what Airflow takes of it until it has made a run",
        of=Quantity.TIME,
        ours=[arrived for arrived, _ in found],
        theirs=[run for _, run in found],
        unit="s",
    )


def once(
    conn: Connection, airflow: Connection, arrivals: Arrivals, endpoint: str
) -> tuple[float, float]:
    """Store one call; return after how many seconds it arrived, and Airflow had made a run."""
    wait_until_idle(conn, airflow)
    load, begun = os.getloadavg()[0], time.time()
    call = {"endpoint": endpoint, "type": "document.due", "data": {}}
    job_id = one(conn, "SELECT enqueue_job('webhook', %s)", Jsonb(call))
    seconds = arrivals.wait_for(job_id) - begun
    run_at = one(
        airflow,
        "SELECT extract(EPOCH FROM max(start_date)) FROM dag_run WHERE dag_id = 'process_queue'",
    )
    run_after = float(run_at) - begun
    worker_at = one(conn, "SELECT extract(EPOCH FROM max(started_at)) FROM job_workers")
    print(
        f"{seconds:.2f} s (a run after {run_after:.2f} s, its process sends "
        f"after {float(worker_at) - begun:.2f} s), load {load:.1f}",
        flush=True,
    )
    return seconds, run_after


def wait_until_idle(conn: Connection, airflow: Connection) -> None:
    """Wait until nobody works, and for the time that the trigger rests after it has fired."""
    while one(conn, "SELECT count(*) FROM job_workers") or one(
        airflow, "SELECT count(*) FROM dag_run WHERE state IN ('running', 'queued')"
    ):
        time.sleep(0.5)
    time.sleep(WatchSettings().rest_seconds + 1)


def one(conn: Connection, query: LiteralString, *parameters: object) -> Any:
    row = conn.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


BENCHMARK = Benchmark(measure=measure, sizes=Sizes(), quick=Sizes(times=1))

if __name__ == "__main__":
    run(BENCHMARK, "first_byte")
