"""A night, a morning and a cleanup over 10,000 to 10,000,000 documents, each beside the smallest.

    python -m benchmarks.scale [--documents 10000,100000] [--nights 1] [--pages 0]

What a step costs for each document of the catalogue is to stay the same, whatever its size:
100 rules, as many finished jobs as documents, a hundredth of them to expire and a hundredth to be
trashed in a night. ``processor`` is what our process and its PostgreSQL backend spent together,
without parallel helpers: where other things run too, it says more than the clock. What each size
came to is kept in .local/benchmarks/scale, so that sizes can be measured one at a time and then
compared: --documents ''.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.benchmark import ROOT, Benchmark, run
from benchmarks.expire import resident_bytes
from benchmarks.machine import machine_line
from benchmarks.results import Curve, Quantity, Row
from benchmarks.scale_rows import MOST_NIGHTS, fill
from benchmarks.server import measured_server, migrated_database, settings_line
from doclife.domain.plan import PlanState, PlanSummary
from doclife.lifecycle import applying, cleaning, expiring, planning, running, summarising
from doclife.lifecycle.forecasting import rebuild_dispositions
from doclife.lifecycle.settling import settle
from doclife.storage.stores import Stores
from doclife.store import switches
from doclife.store.connection import Connection
from local.postgres import Postgres

KEPT = ROOT / ".local" / "benchmarks" / "scale"
FLAT = 1.5
"""How much more a document may cost at the largest size than at the smallest that says something:
below SMALLEST_COMPARED what costs the same for any number of documents outweighs the rest."""
SMALLEST_COMPARED = 100_000
BOUNDED = 10_000_000
BOUNDS_SECONDS = {
    "expire": 900,
    "plan": 1800,
    "apply": 1800,
    "forecast": 3600,
    "digest": 300,
    "purge": 1800,
    "prune": 60,
}
"""For each step of a night over BOUNDED documents on two cores."""
PAGE_BOUND_MS = 200
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
ACTOR = "schedule"
PAGES = (
    "/", "/rules", "/forecast", "/overdue", "/history", "/jobs", "/jobs?state=failed", "/documents",
    "/documents?owner=owner7@example.org", "/documents?type=type3", "/documents?q=4711",
    "/notifications", "/integrations", "/api/v1/documents", "/api/v1/plans", "/api/v1/jobs/-/stats",
    "/api/v1/forecast", "/api/v1/audit?actor=user:olga",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured."""

    documents: str = "10000,100000,1000000,10000000"
    """The sizes of the catalogue, one after the other; none to compare all that are kept."""
    nights: int = 1
    pages: int = 20
    """How often each page is asked for; 0 for not at all."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step of a night took."""

    name: str
    seconds: float
    processor: float
    """Seconds, of our process and of its backend."""
    wal_bytes: int
    done: int
    """What it says that it did: documents, plans, jobs."""
    memory_bytes: int
    """By how much it raised the most memory that our process ever had."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a catalogue of one size came to."""

    documents: int
    filled_bytes: int
    steps: Sequence[Step]
    """Of all nights, in order."""
    pages: Sequence[tuple[str, float, float, float]]
    """Each with the median, the 95th percentile and the processor time, in milliseconds."""

    def first(self, name: str) -> Step | None:
        """Return the first step of a name."""
        return next((step for step in self.steps if step.name == name), None)


def measure(sizes: Sizes) -> Iterator[Row | Curve]:
    """Measure each size, and compare all that are kept."""
    print(f"{machine_line()}\nPostgreSQL with {settings_line()}", flush=True)
    if not 1 <= sizes.nights <= MOST_NIGHTS:
        raise SystemExit(f"1 to {MOST_NIGHTS} nights, not {sizes.nights}")
    wanted = [int(each) for each in sizes.documents.split(",") if each]
    for documents in wanted:
        # A server each: what one size leaves in memory and on disk slows down none of the others.
        with measured_server() as server:
            keep(measure_size(server, documents, sizes))
    yield from compared([kept for kept in read_kept() if not wanted or kept.documents in wanted])


def measure_size(server: Postgres, documents: int, sizes: Sizes) -> Size:
    """Fill a catalogue, and do what nights, mornings and a cleanup do."""
    database = f"scale_{documents}"
    first_night = datetime.now(UTC) - timedelta(days=sizes.nights, hours=1)
    with migrated_database(server, database) as conn:
        began = time.perf_counter()
        fill(conn, documents=documents, first_night=first_night, nights=sizes.nights)
        filled = size_of(conn, database)
        print(
            f"{documents:,} documents: filled in {time.perf_counter() - began:,.0f} s, "
            f"{filled / 1e9:.2f} GB, {filled / documents:,.0f} bytes each",
            flush=True,
        )
        # What helpers did would not be counted.
        conn.execute("SET max_parallel_workers_per_gather = 0")
        steps = []
        for name, work in first_steps(conn, first_night):
            steps.append(measured(conn, name, work, documents))
        conn.execute("VACUUM (ANALYZE)")
        for number in range(sizes.nights):
            night = Night(conn, first_night + timedelta(days=number), number)
            for name, work in night.steps():
                steps.append(measured(conn, name, work, documents))
            print_tables(conn)
            conn.execute("VACUUM (ANALYZE)")
        pages = ask_pages(server, database, conn, sizes.pages) if sizes.pages else []
    return Size(documents=documents, filled_bytes=filled, steps=steps, pages=pages)


def first_steps(conn: Connection, now: datetime) -> Iterator[tuple[str, Callable[[], int]]]:
    """The forecast as it is made for the first time."""
    yield "first forecast", lambda: rebuild_dispositions(conn, now=now, as_of=now)


class Night:
    """One night with the morning after it, and a cleanup, without Airflow around them."""

    def __init__(self, conn: Connection, now: datetime, number: int) -> None:
        self.conn = conn
        self.now = now
        self.run_id = f"measured-{number}"
        self.stores = Stores((), deployment_id=switches.read(conn).deployment_id)
        self.plans: list[PlanSummary] = []

    def steps(self) -> Iterator[tuple[str, Callable[[], int]]]:
        """Each step with its name, in the order of the day."""
        yield "expire", self.expire
        yield "plan", self.plan
        yield "apply", self.apply
        yield "forecast", self.forecast
        yield "digest", self.digest
        yield "plan purges", self.plan_purges
        yield "purge", self.apply
        yield "settle", self.settle
        yield "prune", self.prune

    def expire(self) -> int:
        outcome = expiring.expire(self.conn, now=self.now, as_of=self.now, actor=ACTOR)
        return outcome.expired + outcome.notices

    def plan(self) -> int:
        self.plans = planning.plan_due_rules(
            self.conn, now=self.now, as_of=self.now, dag_id="execute_automation_rules",
            run_id=self.run_id, requested_by=ACTOR,
        )  # fmt: skip
        return sum(plan.document_count for plan in self.plans)

    def apply(self) -> int:
        done = 0
        for plan in self.plans:
            if plan.mode == "enforce" and plan.state is PlanState.PLANNED:
                outcome = applying.apply_plan(
                    self.conn, plan_id=plan.plan_id, now=lambda: self.now, actor=ACTOR,
                    stores=self.stores,
                )  # fmt: skip
                done += outcome.done
        running.conclude(self.conn, plan_ids=[plan.plan_id for plan in self.plans], now=self.now)
        return done

    def forecast(self) -> int:
        return rebuild_dispositions(self.conn, now=self.now, as_of=self.now)

    def digest(self) -> int:
        return summarising.store_digests(
            self.conn, now=self.now, as_of=self.now, actor=ACTOR, dag_id="send_daily_summaries",
            run_id=self.run_id, is_early=True,
        ).jobs  # fmt: skip

    def plan_purges(self) -> int:
        self.plans = planning.plan_purges(
            self.conn, now=self.now, dag_id="weekly_cleanup", run_id=self.run_id, requested_by=ACTOR
        )
        return sum(plan.document_count for plan in self.plans)

    def settle(self) -> int:
        return settle(
            self.conn, stores=self.stores, now=lambda: self.now, dag_id="weekly_cleanup",
            run_id=self.run_id, actor=ACTOR,
        ).swept.documents  # fmt: skip

    def prune(self) -> int:
        return cleaning.prune_history(self.conn, now=self.now).partitions_dropped


def measured(conn: Connection, name: str, work: Callable[[], int], documents: int) -> Step:
    """Do one step, after a checkpoint so that all pay alike, and print what it took."""
    conn.execute("CHECKPOINT")
    memory, wal, processor = resident_bytes(), wal_bytes(conn), processor_seconds(conn)
    began = time.perf_counter()
    done = work()
    step = Step(
        name=name,
        seconds=time.perf_counter() - began,
        processor=processor_seconds(conn) - processor,
        wal_bytes=wal_bytes(conn) - wal,
        done=done,
        memory_bytes=resident_bytes() - memory,
    )
    print(
        f"  {name:15} {step.seconds:8.1f} s, processor {step.processor:8.1f} s ="
        f" {step.processor / documents * 1e6:7.2f} us a document; {done:,} done;"
        f" WAL {step.wal_bytes / 1e6:,.0f} MB; memory +{step.memory_bytes / 1e6:.0f} MB;"
        f" load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return step


def processor_seconds(conn: Connection) -> float:
    """Return what our process and its backend have spent so far."""
    fields = Path(f"/proc/{conn.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def wal_bytes(conn: Connection) -> int:
    """Return how much was ever written to the write-ahead log."""
    return _number(conn, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")


def size_of(conn: Connection, database: str) -> int:
    """Return how many bytes a database has on disk."""
    return _number(conn, "SELECT pg_database_size(%s)", database)


def _number(conn: Connection, query: str, *parameters: object) -> int:
    row = conn.execute(query.encode(), parameters).fetchone()
    return int(row[0]) if row else 0


def print_tables(conn: Connection) -> None:
    """Print what a night left of the largest tables: dead rows, and how they were updated."""
    conn.execute("SELECT pg_stat_force_next_flush()")
    rows = conn.execute(
        "SELECT relname, pg_total_relation_size(relid), pg_relation_size(relid), n_live_tup,"
        " n_dead_tup, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_user_tables"
        " ORDER BY 2 DESC LIMIT 8"
    )
    for name, total, heap, live, dead, updated, hot, deleted in rows:
        print(
            f"    {name:20} {total / 1e6:9,.0f} MB, heap {heap / 1e6:9,.0f} MB; {live:,} live,"
            f" {dead:,} dead; {updated:,} updated, {hot:,} of them HOT; {deleted:,} deleted",
            flush=True,
        )


def ask_pages(
    server: Postgres, database: str, conn: Connection, times: int
) -> list[tuple[str, float, float, float]]:
    """Ask the dashboard for each page so many times."""
    # Imports Airflow, which nothing else here needs.
    from benchmarks.site import Asked, site

    answers = []
    with ExitStack() as stack:
        asked = stack.enter_context(site(server, database, conn))
        plans = asked.ids("SELECT id FROM plans WHERE document_count > 0 ORDER BY -id LIMIT 20")
        documents = asked.ids("SELECT id FROM documents WHERE id % 97 = 0 AND id < 5000 LIMIT 20")
        for page in (
            *(Asked(name=path, paths=[path]) for path in PAGES),
            Asked(name="/documents/ID", paths=[f"/documents/{each}" for each in documents]),
            Asked(name="/plans/ID", paths=[f"/plans/{each}" for each in plans]),
        ):
            took = asked.took(page, times)
            answers.append((page.name, took.middle, took.slow, took.processor * 1000))
            print(
                f"  {page.name:40} {took.middle:5.0f} ms, 95 %: {took.slow:5.0f} ms,"
                f" processor {took.processor * 1000:5.0f} ms",
                flush=True,
            )
    return answers


def keep(size: Size) -> None:
    """Write what a size came to, for the comparison with sizes of other runs."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{size.documents}.json").write_text(json.dumps(asdict(size), indent=1))


def read_kept() -> list[Size]:
    """Return every size that was ever measured here, the smallest first."""
    found = []
    for path in KEPT.glob("*.json"):
        plain = json.loads(path.read_text())
        found.append(Size(**{**plain, "steps": [Step(**step) for step in plain["steps"]]}))
    return sorted(found, key=lambda size: size.documents)


def compared(sizes: Sequence[Size]) -> Iterator[Row | Curve]:
    """Return the curve of each step, whether it stays flat, and what the bounds say."""
    names = dict.fromkeys(step.name for size in sizes for step in size.steps)
    for name in names:
        points = tuple(
            (size.documents, step.processor / size.documents * 1e6)
            for size in sizes
            if (step := size.first(name)) is not None and step.processor > 0
        )
        yield Curve(
            title="Processor time for each document of the catalogue",
            name=name,
            x="documents",
            y="microseconds",
            points=points,
        )
        large = [point for point in points if point[0] >= SMALLEST_COMPARED]
        if len(large) > 1:
            yield Row.of_rounds(
                what=f"{name}: a document of a catalogue of {large[-1][0]:,}",
                peer=f"one of {large[0][0]:,}",
                of=Quantity.PROCESSOR,
                ours=[large[-1][1]],
                theirs=[large[0][1]],
                unit="microseconds",
                wanted=FLAT,
            )
    for size in sizes:
        if size.documents == BOUNDED:
            yield from _bounded(size)


def _bounded(size: Size) -> Iterator[Row]:
    for name, bound in BOUNDS_SECONDS.items():
        step = size.first(name)
        if step is not None:
            yield Row.of_rounds(
                what=f"{name} over {size.documents:,} documents and 100 rules",
                peer=f"the bound of {bound} s",
                of=Quantity.TIME,
                ours=[step.seconds],
                theirs=[bound],
                unit="s",
                wanted=1,
            )
    # Where other things run too the clock says nothing of a page.
    for name, _, _, processor in size.pages:
        yield Row.of_rounds(
            what=f"{name} over {size.documents:,} documents",
            peer=f"the bound of {PAGE_BOUND_MS} ms",
            of=Quantity.PROCESSOR,
            ours=[processor],
            theirs=[PAGE_BOUND_MS],
            unit="ms",
            wanted=1,
        )


BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(documents="2000,10000", pages=0),
)

if __name__ == "__main__":
    run(BENCHMARK, "scale")
