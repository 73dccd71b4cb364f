"""From a stored job to the first byte at its receiver, on an idle system: beside ``./run``.

    ./run --no-samples                                                (in another terminal)
    PYTHONPATH=plugins:. .venv/bin/python -m benchmarks.first_byte [--times 10]

Each time it waits until no run is under way and the trigger has rested, stores one webhook call as
an application does, and times its arrival at a receiver of its own; then it says when Airflow had
made a run and when the sending process had begun. The first time after a start is left out of the
median: the files of Python are read from the disk then.
"""

import argparse
import os
import statistics
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from doclife.lifecycle.watching import WatchSettings
from doclife.store import endpoints
from doclife.store.connection import Connection, connect
from local.databases import AIRFLOW, METADATA
from local.deliveries import HOOK_CONNECTION
from local.environment import load_secrets
from local.ports import own_loopback
from local.state import State

LONGEST_SECONDS = 60.0


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    times = parser.parse_args().times
    state = State()
    running = state.running()
    if running is None:
        raise SystemExit("Nothing runs. Start it with: ./run --no-samples")
    address = running.documents_url.rsplit("@", 1)[1].split("/", 1)[0]
    password = load_secrets(state)[f"password_{AIRFLOW}"]
    with (
        connect(running.documents_url, application_name="benchmark") as conn,
        psycopg.connect(
            f"postgresql://{AIRFLOW}:{password}@{address}/{METADATA}", autocommit=True
        ) as airflow,
    ):
        arrivals = Arrivals()
        name = f"timed-{os.getpid()}"
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
        found = []
        for _ in range(times + 1):
            wait_until_idle(conn, airflow)
            load, begun = os.getloadavg()[0], time.time()
            call = {"endpoint": name, "type": "document.due", "data": {}}
            job_id = one(conn, "SELECT enqueue_job('webhook', %s)", Jsonb(call))
            seconds = arrivals.wait_for(job_id) - begun
            run_at = one(
                airflow,
                "SELECT extract(EPOCH FROM max(start_date)) FROM dag_run"
                " WHERE dag_id = 'process_queue'",
            )
            worker_at = one(conn, "SELECT extract(EPOCH FROM max(started_at)) FROM job_workers")
            found.append(seconds)
            print(
                f"{seconds:.2f} s (a run after {float(run_at) - begun:.2f} s, its process sends "
                f"after {float(worker_at) - begun:.2f} s), load {load:.1f}",
                flush=True,
            )
        warm = sorted(found[1:])
        print(f"median {statistics.median(warm):.2f} s [{warm[0]:.2f} to {warm[-1]:.2f}]")


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


if __name__ == "__main__":
    main()
