"""Jobs a second beside the peers, on the same server in the same run.

``enqueue``: from Python objects to stored rows over each one's bulk interface; ours checks each
payload for its kind. ``drain``: jobs that do nothing, ours in batches, with attempts and history.
``drain singly``: the same with one call of the handler for each job, as the peers do it. ``call``:
each a POST of its 1 kB to nginx; ours finds its endpoint, checks the address, signs, and records
each attempt, theirs are a bare POST. ``call x2``: by two processes each. ``client alone``: our
guarded HTTP client with nothing around it.

Every database is fresh, vacuumed and checkpointed before a drain. Ours stops the clock when its
process has started and ended in order, start of the interpreter left out; a peer when its last
handler has run. The peers are installed outside the tree when they are not there; nginx answers.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.benchmark import PEERS, Benchmark, program, run
from benchmarks.peers import SCRIPTS, SLOW, Done, Peers, together
from benchmarks.queue_worker import DELIVERY
from benchmarks.receiver import NGINX, Receiver, receiver
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server, migrated_database
from doclife.delivery.exchange import Answer, open_client
from doclife.lifecycle.queue import add_many
from doclife.store import cleaning, endpoints
from doclife.store.connection import Connection
from local.postgres import Postgres

BATCH = 1000
SIDE_BY_SIDE = 100
WORDS = {
    "enqueue": "storing {:,} jobs of 1 kB in bulk from Python objects, payloads checked",
    "drain": "draining {:,} jobs that do nothing, with attempts and history",
    "drain singly": "draining {:,} jobs that do nothing, one call of the handler for each",
    "call": "{:,} signed, guarded webhook calls with attempt history, one process",
    "call x2": "{:,} signed, guarded webhook calls with attempt history, two processes each",
}
FLOORS = {"enqueue": 1.3, "drain": 1.5, "drain singly": 1.0, "call": 0.9, "call x2": 1.2}
"""Against the best peer."""
CLIENT_FLOOR = 0.6
"""Of calls by one process, against the client alone."""
OURS, CLIENT = "doclife", "our guarded HTTP client alone"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 3
    only: str = ",".join(WORDS)
    """What is measured."""
    names: str = ",".join(SCRIPTS)
    """Beside which peers."""
    enqueue: int = 30_000
    drain: int = 60_000
    call: int = 20_000

    def count(self, what: str) -> int:
        """Return how many jobs a measurement has."""
        return {"enqueue": self.enqueue, "call": self.call}.get(_kind(what), self.drain)


def _kind(what: str) -> str:
    return what.removesuffix(" x2")


def payload(i: int) -> dict[str, object]:
    """The same 1 kB that the peers carry."""
    return {
        "endpoint": "measured",
        "type": "document.completed",
        "data": {
            "n": i,
            "organization": 42,
            "document": f"01890000-0000-7000-8000-{i:012d}",
            "fields": {f"f{j:02d}": f"value {i * 31 + j * 7919:010d}" for j in range(21)},
            "note": "x" * 240,
        },
    }


def notice(i: int) -> dict[str, object]:
    """1 kB of the kind whose channel takes many at once."""
    return {"recipient": "a@example.org", "title": f"{i}", "body": "x" * 900}


def measure(sizes: Sizes) -> Iterator[Row]:
    peers = Peers(PEERS / "queue")
    peers.install()
    names = [name for name in sizes.names.split(",") if name]
    chosen = sizes.only.split(",")
    rates: dict[str, dict[str, list[float]]] = {what: {} for what in chosen}
    with measured_server() as server, receiver() as far_side:
        measuring = Measure(server, far_side, peers, sizes)
        for number in range(sizes.rounds):
            for what in chosen:
                for name in (OURS, *names):
                    done = measuring.one(what, name)
                    if done is not None:
                        rates[what].setdefault(name, []).append(done.rate)
                if _kind(what) == "call":
                    alone = client_alone(far_side, sizes.call // 2)
                    rates[what].setdefault(CLIENT, []).append(alone)
            print(f"round {number + 1}: load {os.getloadavg()[0]:.1f}", flush=True)
    for what in chosen:
        yield from rows(what, rates[what], sizes.count(what))


def rows(what: str, rates: Mapping[str, list[float]], count: int) -> Iterator[Row]:
    """Return ours beside each peer; the bound is one against the best."""
    theirs = {name: found for name, found in rates.items() if name != OURS}
    rivals = [name for name in theirs if name != CLIENT]
    best = max(rivals, key=lambda name: statistics.median(rates[name]), default=None)
    for name, found in theirs.items():
        wanted = FLOORS[what] if name == best else None
        if name == CLIENT and what == "call":
            wanted = CLIENT_FLOOR
        yield Row.of_rounds(
            what=WORDS[what].format(count),
            peer=name,
            of=Quantity.RATE,
            ours=rates[OURS],
            theirs=found,
            unit="jobs/s",
            wanted=wanted,
        )


class Measure:
    """One measurement each, in a database of its own."""

    def __init__(self, server: Postgres, far_side: Receiver, peers: Peers, sizes: Sizes) -> None:
        self._server, self._far_side, self._peers = server, far_side, peers
        self._sizes = sizes

    def one(self, what: str, name: str) -> Done | None:
        processes = 2 if what.endswith("x2") else 1
        kind = _kind(what)
        count = self._sizes.count(what) // (10 if name in SLOW else 1)
        if processes == 2 and name in SLOW:
            return None
        run = self._ours if name == OURS else self._peer
        return run(name, kind, count, processes)

    def _ours(self, _name: str, kind: str, count: int, processes: int) -> Done:
        with migrated_database(self._server, "ours") as conn:
            make_partitions(conn)
            add_endpoint(conn, url=self._far_side.url)
            filled = fill(conn, count, kind="notification" if kind == "drain" else "webhook")
            if kind == "enqueue":
                return filled
            settle(conn)
            command = [sys.executable, "-m", "benchmarks.queue_worker", self._server.url("ours")]
            with counted(self._far_side, count if kind == "call" else 0):
                done = together(
                    [[*command, *(["--nothing"] if kind != "call" else [])]] * processes
                )
            assert done.count == count, done
            return done

    def _peer(self, name: str, kind: str, count: int, processes: int) -> Done:
        with empty_database(self._server, "theirs") as conn:
            database = self._server.url("theirs")

            def run(phase: str, **named: int) -> Done:
                return self._peers.run(
                    name, phase, database=database, count=count, url=self._far_side.url, **named
                )

            run("setup")
            filled = run("enqueue")
            if kind == "enqueue":
                return filled
            settle(conn)
            phase = "call" if kind == "call" else "nothing"
            with counted(self._far_side, count if kind == "call" else 0):
                done = run(phase, processes=processes)
            assert done.count == count, (name, done)
            return done


@contextmanager
def counted(far_side: Receiver, count: int) -> Iterator[None]:
    """Assert that the far side served so many calls."""
    before = far_side.served()
    yield
    served = far_side.served() - before - 1
    assert served == count, (served, count)


@contextmanager
def empty_database(server: Postgres, name: str) -> Iterator[Connection]:
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name}")
        try:
            with psycopg.connect(server.url(name), autocommit=True) as conn:
                yield conn
        finally:
            superuser.execute(f"DROP DATABASE {name} (FORCE)")


def settle(conn: Connection) -> None:
    """What a running server has: statistics, and no checkpoint in the middle."""
    conn.execute("VACUUM ANALYZE")
    conn.execute("CHECKPOINT")


def make_partitions(conn: Connection) -> None:
    """As the weekly cleanup does, so that rows go where they go in production."""
    today = datetime.now(UTC).date()
    for parent in cleaning.HISTORY_TABLES:
        for ahead in range(-30, 3):
            cleaning.make_partition(conn, parent=parent, day=today + timedelta(days=ahead))


def add_endpoint(conn: Connection, *, url: str, name: str = "measured", **named: int) -> None:
    endpoints.insert(
        conn,
        organization_id=1,
        name=name,
        url=url,
        headers={},
        timeout_seconds=named.get("timeout_seconds", 30),
        max_concurrency=named.get("max_concurrency", SIDE_BY_SIDE),
        max_per_second=None,
        created_by="benchmark",
    )


def fill(conn: Connection, count: int, *, kind: str = "webhook") -> Done:
    """Store jobs over the Python interface."""
    jobs = [payload(i) if kind == "webhook" else notice(i) for i in range(count)]
    started = time.perf_counter()
    for first in range(0, count, BATCH):
        part = jobs[first : first + BATCH]
        add_many(conn, kind=kind, payloads=part, requested_by="benchmark")
    return Done(count=count, seconds=time.perf_counter() - started)


def client_alone(far_side: Receiver, count: int) -> float:
    """POSTs a second of the guarded client, 100 at a time, with nothing around it."""
    return asyncio.run(_post_alone(far_side.url, count))


async def _post_alone(url: str, count: int) -> float:
    body, left = b"x" * 1024, iter(range(count))
    async with open_client(DELIVERY.guard) as client:

        async def post_some() -> None:
            for _ in left:
                answer = await client.post(
                    url, body=body, headers={}, timeout=timedelta(seconds=30)
                )
                assert isinstance(answer, Answer), answer

        started = time.perf_counter()
        await asyncio.gather(*(post_some() for _ in range(SIDE_BY_SIDE)))
        return count / (time.perf_counter() - started)


BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(rounds=1, enqueue=2000, drain=2000, call=1000),
    needs=(
        NGINX,
        program("npm", why="installs graphile-worker and pg-boss", package="npm"),
    ),
)

if __name__ == "__main__":
    run(BENCHMARK, "queue")
