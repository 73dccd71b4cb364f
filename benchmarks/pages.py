"""Pages of the dashboard and the API over a catalogue after years of nights, within 200 ms.

The peer is the same page over a catalogue with a thousandth of it, asked in turn in the same run.
Both go through the real app with its login and its database rights, without a network between.
``processor`` is what the app and PostgreSQL spent: where other things run too, it says more than
the clock.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.benchmark import Benchmark, run
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server, migrated_database
from benchmarks.years import fill

THOUSANDTH = 1000
WANTED_MS = 200.0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    documents: int = 1_000_000
    jobs: int = 10_000_000
    times: int = 40
    """How often each page is asked for."""


def measure(sizes: Sizes) -> Iterator[Row]:
    # Not above: it sets the environment of an Airflow, and is not for whoever only looks.
    from benchmarks.site import site

    now = datetime.now(UTC) - timedelta(hours=3)
    ours: list[float] = []
    theirs: list[float] = []
    with measured_server() as server, ExitStack() as stack:
        sites = []
        for name, part in (("everything", 1), ("thousandth", THOUSANDTH)):
            conn = stack.enter_context(migrated_database(server, name))
            fill(conn, documents=sizes.documents // part, jobs=sizes.jobs // part, now=now)
            sites.append(stack.enter_context(site(server, name, conn)))
        full, small = sites
        for asked, peer in zip(full.pages(), small.pages(), strict=True):
            took, other = full.took(asked, sizes.times), small.took(peer, sizes.times)
            ours.append(took.middle)
            theirs.append(other.middle)
            print(f"processor {took.processor * 1000:.0f} ms, median {took.middle:.0f} ms")
            yield Row.of_rounds(
                what=f"95th percentile of `{asked.name}`",
                peer=f"the bound of {WANTED_MS:g} ms",
                of=Quantity.TIME,
                ours=[took.slow],
                theirs=[WANTED_MS],
                unit="ms",
                wanted=1,
            )
    yield Row.of_rounds(
        what=f"median of all {len(ours)} pages, {sizes.documents:,} documents and {sizes.jobs:,} "
        "jobs",
        peer="the same pages over a thousandth of it",
        of=Quantity.TIME,
        ours=ours,
        theirs=theirs,
        unit="ms",
    )


BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(documents=100_000, jobs=100_000, times=2),
)

if __name__ == "__main__":
    run(BENCHMARK, "pages")
