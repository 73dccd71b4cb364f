"""What a report says about the machine, and folders of files to measure with."""

import os
import platform
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
FILES_PER_FOLDER = 100
SMALLEST, LARGEST = 2_000, 20_000
"""Bytes, 11 kB on average."""


def machine_line() -> str:
    """Return processor, cores, memory, system and Python in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for a measurement, in TMPDIR or /tmp, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="doclife-benchmark-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_small_files(folder: Path, *, count: int) -> int:
    """Write files of random bytes and flush them; return their size together."""
    chance = random.Random(1)
    total = 0
    for number in range(count):
        path = folder / f"{number // FILES_PER_FOLDER:03}" / f"{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        total += path.write_bytes(chance.randbytes(chance.randint(SMALLEST, LARGEST)))
    os.sync()
    return total


def make_large_files(folder: Path, *, count: int, size_bytes: int) -> int:
    """Write a few large files and flush them; return their size together."""
    folder.mkdir(parents=True, exist_ok=True)
    block = random.Random(1).randbytes(1 << 20)
    for number in range(count):
        with (folder / f"{number}.bin").open("wb") as file:
            for _ in range(size_bytes >> 20):
                file.write(block)
    os.sync()
    return count * (size_bytes >> 20 << 20)


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def processor_seconds(pid: int) -> float:
    """Return what a process has spent of the processor, to a hundredth (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
