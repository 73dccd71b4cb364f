"""Import of files against ``sha256sum`` over the same files.

    python -m benchmarks.import_files [--rounds 5] [--folder DIR]

Both read from the page cache, in turns. The import hashes every byte, registers every document
with event and audit entry in a durable PostgreSQL, and counts what is there for its progress bar.
Promised: at most 1.3 times sha256sum for 2 GB in four files, 3 times for 10,000 small files.
"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import (
    machine_line,
    make_large_files,
    make_small_files,
    scratch,
    summary,
)
from benchmarks.server import measured_server, migrated_database, settings_line
from doclife.lifecycle.registering import ImportSettings, import_documents
from doclife.store import clock
from doclife.store.connection import Connection
from local.postgres import Postgres

LARGE_COUNT, LARGE_BYTES = 4, 512 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to put the files; default: /tmp")
    arguments = parser.parse_args()
    print(machine_line())
    print(f"PostgreSQL with {settings_line()}")
    with measured_server() as server, scratch(arguments.folder) as folder:
        size_bytes = make_large_files(folder / "large", count=LARGE_COUNT, size_bytes=LARGE_BYTES)
        report(server, folder / "large", size_bytes, rounds=arguments.rounds, bound=1.3)
        size_bytes = make_small_files(folder / "small")
        report(server, folder / "small", size_bytes, rounds=arguments.rounds, bound=3.0)


def report(server: Postgres, folder: Path, size_bytes: int, *, rounds: int, bound: float) -> None:
    """Measure one folder and print the ratio."""
    peer: list[float] = []
    first: list[float] = []
    again: list[float] = []
    quick: list[float] = []
    count = 0
    for number in range(rounds):
        with migrated_database(server, f"import_{folder.name}_{number}") as conn:
            peer.append(seconds(lambda: sha256sum(folder)))
            first.append(seconds(lambda: import_(conn, folder, is_new=True)))
            peer.append(seconds(lambda: sha256sum(folder)))
            again.append(seconds(lambda: import_(conn, folder, is_new=False)))
            quick.append(seconds(lambda: import_(conn, folder, is_new=False, quick=True)))
            count = conn.execute("SELECT count(*) FROM documents").fetchall()[0][0]
    base = statistics.median(peer)
    print(f"{folder.name}: {count:,} files, {size_bytes / 1e6:,.0f} MB; sha256sum {summary(peer)}")
    for name, measured in (("import", first), ("again", again), ("again, --quick", quick)):
        ratio = statistics.median(measured) / base
        rate = size_bytes / 1e6 / statistics.median(measured)
        print(f"  {name}: {summary(measured)}, {ratio:.2f} times sha256sum, {rate:,.0f} MB/s")
    ratio = statistics.median(first) / base
    print(f"  bound {bound}: {'kept' if ratio <= bound else 'BROKEN'}")


def seconds(work: Callable[[], None]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


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


if __name__ == "__main__":
    main()
