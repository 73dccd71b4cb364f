"""Jobs a second beside the peers, on the same server in the same run.

    python -m benchmarks.queue --peers FOLDER [--rounds 3] [--only enqueue,drain,call]

``enqueue``: from Python objects to stored rows over each one's bulk interface; ours checks each
payload for its kind. ``drain``: jobs that do nothing, ours in batches, with attempts and history.
``drain singly``: the same with one call of the handler for each job, as the peers do it. ``call``:
each a POST of its 1 kB to nginx; ours finds its endpoint, checks the address, signs, and records
each attempt, theirs are a bare POST. ``call x2``: by two processes each. ``client alone``: our
guarded HTTP client with nothing around it.

Every database is fresh, vacuumed and checkpointed before a drain. Ours stops the clock when its
process has started and ended in order, start of the interpreter left out; a peer when its last
handler has run. The peers are installed into FOLDER when they are not there; nginx answers.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.machine import machine_line
from benchmarks.peers import SCRIPTS, SLOW, Done, Peers, together
from benchmarks.queue_worker import DELIVERY
from benchmarks.receiver import Receiver, receiver
from benchmarks.server import measured_server, migrated_database, settings_line
from doclife.delivery.exchange import Answer, open_client
from doclife.lifecycle.queue import add_many
from doclife.store import cleaning, endpoints
from doclife.store.connection import Connection
from local.postgres import Postgres

BATCH = 1000
SIDE_BY_SIDE = 100
COUNTS = {"enqueue": 30_000, "drain": 60_000, "drain singly": 60_000, "call": 20_000}
FLOORS = {"enqueue": 1.3, "drain": 1.5, "drain singly": 1.0, "call": 0.9, "call x2": 1.2}
MEASURES = ("enqueue", "drain", "drain singly", "call", "call x2")
OURS = "doclife"


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, required=True, help="folder of the peers")
    parser.add_argument(
        "--only", default="enqueue,drain,drain singly,call,call x2", help="what to measure"
    )
    parser.add_argument("--names", default=",".join(SCRIPTS), help="which peers")
    arguments = parser.parse_args()
    peers = Peers(arguments.peers)
    peers.install()
    names = [name for name in arguments.names.split(",") if name]
    print(machine_line())
    print(f"PostgreSQL with {settings_line()}")
    rates: dict[tuple[str, str], list[float]] = {}
    with measured_server() as server, receiver() as far_side:
        measure = Measure(server, far_side, peers)
        for number in range(arguments.rounds):
            for what in arguments.only.split(","):
                for name in (OURS, *names):
                    done = measure.one(what, name)
                    if done is not None:
                        rates.setdefault((what, name), []).append(done.rate)
                if what.startswith("call"):
                    rates.setdefault((what, "client alone"), []).append(client_alone(far_side))
            print(f"round {number + 1}: load {os.getloadavg()[0]:.1f}", flush=True)
    report(rates)


def report(rates: dict[tuple[str, str], list[float]]) -> None:
    for what in dict.fromkeys(each for each, _ in rates):
        middles = {
            name: statistics.median(found) for (each, name), found in rates.items() if each == what
        }
        print(f"{what}:")
        for name, middle in middles.items():
            found = rates[what, name]
            print(
                f"  {name}: {middle:,.0f}/s [{min(found):,.0f} to {max(found):,.0f}]"
                + (f", ours is {middles[OURS] / middle:.2f} of it" if name != OURS else "")
            )
        theirs = [middle for name, middle in middles.items() if name in SCRIPTS]
        if theirs:
            say(f"{what} against the best peer", middles[OURS] / max(theirs), FLOORS[what])
        if what == "call":
            ratio = middles[OURS] / middles["client alone"]
            say("call against the guarded client alone", ratio, 0.6)


def say(what: str, ratio: float, floor: float) -> None:
    print(f"  {what}: {ratio:.2f}; floor {floor}: {'kept' if ratio >= floor else 'BROKEN'}")


class Measure:
    """One measurement each, in a database of its own."""

    def __init__(self, server: Postgres, far_side: Receiver, peers: Peers) -> None:
        self._server, self._far_side, self._peers = server, far_side, peers

    def one(self, what: str, name: str) -> Done | None:
        processes = 2 if what.endswith("x2") else 1
        kind = what.removesuffix(" x2")
        count = COUNTS[kind] // (10 if name in SLOW else 1)
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


def client_alone(far_side: Receiver) -> float:
    """POSTs a second of the guarded client, 100 at a time, with nothing around it."""
    return asyncio.run(_post_alone(far_side.url, COUNTS["call"] // 2))


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


if __name__ == "__main__":
    main()
