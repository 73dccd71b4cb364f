"""A year of nights, with growth, holds, failures and upgrades, against its own first months.

It begins under the release of migration 025 and is upgraded twice with plans under way, the second
time to what is here. While it goes on, every document is accounted for: who wrote it down
here says whether it went before its time. Ends with an error when anything is not as it should be.
Tables and plots for docs/month-twelve.md are written to .local/benchmarks/month_twelve. Needs the
history of a full git clone for the old releases.
"""

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.benchmark import ROOT, Benchmark, run
from benchmarks.machine import scratch
from benchmarks.results import Quantity, Row
from benchmarks.year.far_side import far_side
from benchmarks.year.mishaps import Course
from benchmarks.year.releases import freeze, take
from benchmarks.year.report import plot, tables
from benchmarks.year.year import Year
from local.postgres import Postgres

OLD_RELEASES = ("f7c9052", "c39411d")
"""Commits: the releases whose newest migrations are 025 and 036."""
SETTINGS = {
    # A day lasts seconds here; what a server does by the minute must keep up with that.
    "autovacuum_naptime": "1s",
    "shared_buffers": "512MB",
    # How long a disk takes is not the question here, and a killed process is no power cut.
    "fsync": "off",
}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    nights: int = 365
    documents: int = 10_000
    seed: int = 12
    kills: int = 24


def measure(sizes: Sizes) -> Iterator[Row]:
    """Live through the year, and say whether its nights stayed as short as they were."""
    course = Course(
        nights=sizes.nights, documents=sizes.documents, seed=sizes.seed, kills=sizes.kills
    )

    def tell(text: str) -> None:
        print(text, flush=True)
        if year.censuses:
            _write(year)  # a year takes long

    with scratch() as folder, far_side() as side:
        old = [take(commit, folder / "releases") for commit in OLD_RELEASES]
        releases = [*old, freeze(folder / "releases")]
        home = Path(tempfile.mkdtemp(prefix="doclife-year-"))
        home.chmod(0o711)
        server = Postgres(home, settings=SETTINGS)
        try:
            server.start()
            lived = folder / "year"
            lived.mkdir()
            year = Year(server, lived, side, course=course, releases=releases, tell=tell)
            year.live()
        finally:
            server.remove()
    print(_write(year))
    month = max(sizes.nights // 12, 1)
    first, last = year.seconds[month : 2 * month], year.seconds[-month:]
    grown = year.censuses[-1].documents / year.censuses[0].documents
    yield Row.of_rounds(
        what="a night of the twelfth month, per document",
        peer="a night of the second month, per document",
        of=Quantity.TIME,
        ours=[statistics.median(last) / grown],
        theirs=[statistics.median(first)],
        unit="s",
    )
    if year.faults:
        raise SystemExit("\n".join([f"{len(year.faults)} faults:", *year.faults]))


def _write(year: Year) -> str:
    folder = ROOT / ".local/benchmarks/month_twelve"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tables.md").write_text(tables(year) + "\n")
    marks = year.censuses
    shown = ("audit_entries", "plan_items", "events", "job_history", "notifications", "job_keys")
    panels = [
        ("seconds a night", list(enumerate(year.seconds))),
        ("documents", [(each.night, float(each.documents)) for each in marks]),
        ("MB in the database", [(each.night, each.total_bytes / 2**20) for each in marks]),
        *(
            (f"rows of {name}", [(each.night, float(each.tables[name].rows)) for each in marks])
            for name in shown
        ),
    ]
    (folder / "month-twelve.svg").write_text(plot("A year of nights", panels))
    return tables(year)


BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(nights=30, documents=400, kills=2),
)

if __name__ == "__main__":
    run(BENCHMARK, "month_twelve")
