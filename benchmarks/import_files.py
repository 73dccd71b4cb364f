"""Import of files against ``sha256sum`` over the same files.

Both read from the page cache, in turns. The import hashes every byte, registers every document
with event and audit entry in a durable PostgreSQL, and counts what is there for its progress bar.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.benchmark import Benchmark, run
from benchmarks.machine import make_large_files, make_small_files, scratch, seconds
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server, migrated_database
from doclife.lifecycle.registering import ImportSettings, import_documents
from doclife.store import clock
from doclife.store.connection import Connection
from local.postgres import Postgres

LARGE_COUNT = 4


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 5
    small_files: int = 10_000
    large_megabytes: int = 512
    """Of each of the large files."""


def measure(sizes: Sizes) -> Iterator[Row]:
    with measured_server() as server, scratch() as folder:
        size_bytes = make_large_files(
            folder / "large", count=LARGE_COUNT, size_bytes=sizes.large_megabytes << 20
        )
        name = f"{LARGE_COUNT} files, {size_bytes / 1e9:.1f} GB"
        yield from rows(server, folder / "large", name, rounds=sizes.rounds, wanted=1.3)
        size_bytes = make_small_files(folder / "small", count=sizes.small_files)
        name = f"{sizes.small_files:,} files, {size_bytes / 1e6:.0f} MB"
        yield from rows(server, folder / "small", name, rounds=sizes.rounds, wanted=3)


def rows(server: Postgres, folder: Path, name: str, *, rounds: int, wanted: float) -> Iterator[Row]:
    """Measure one folder: all of it new, known, and known by size and time."""
    peer: list[float] = []
    first: list[float] = []
    again: list[float] = []
    quick: list[float] = []
    for number in range(rounds):
        with migrated_database(server, f"import_{folder.name}_{number}") as conn:
            peer.append(seconds(lambda: sha256sum(folder)))
            first.append(seconds(lambda: import_(conn, folder, is_new=True)))
            again.append(seconds(lambda: import_(conn, folder, is_new=False)))
            quick.append(seconds(lambda: import_(conn, folder, is_new=False, quick=True)))
    for what, ours, bound in (
        (f"import of {name}", first, wanted),
        (f"import of {name}, for the second time", again, None),
        (f"import of {name}, for the second time with --quick", quick, None),
    ):
        yield Row.of_rounds(
            what=what,
            peer="`sha256sum` over them",
            of=Quantity.TIME,
            ours=ours,
            theirs=peer,
            unit="s",
            wanted=bound,
        )


def sha256sum(folder: Path) -> None:
    """Hash every file with the program that everybody has."""
    subprocess.run(
        f"find '{folder}' -type f -name '*.bin' -print0 | xargs -0 sha256sum > /dev/null",
        shell=True,
        check=True,
    )


def import_(conn: Connection, folder: Path, *, is_new: bool, quick: bool = False) -> None:
    """Import with the real code, and check that it did what it should."""
    result = import_documents(
        conn,
        source=str(folder),
        settings=ImportSettings(quick=quick),
        now=clock.present(conn),
        actor="benchmark",
        options=lambda _connection_id: {},
    )
    assert not result.refused_count, result.problems
    assert (result.new > 0, result.unchanged > 0, result.changed) == (is_new, not is_new, 0)


BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(rounds=1, small_files=500, large_megabytes=16),
)

if __name__ == "__main__":
    run(BENCHMARK, "import_files")
