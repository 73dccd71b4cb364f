"""How a benchmark is declared and run: its sizes, what it needs, and what becomes of its rows."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_line
from benchmarks.results import Curve, Result, Row

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "doclife-benchmarks"
"""Where peers are installed once: outside the tree, and in no lock."""
REFUSED = 3
"""Exit code where something is missing that the benchmark needs."""
_SYSTEM = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin")


@dataclass(frozen=True, kw_only=True)
class Need:
    """Something that a benchmark cannot do without and the lock cannot bring."""

    what: str
    """With what it is for: ``nginx, which answers the calls``."""
    how: str
    """How to get it."""
    is_there: Callable[[], bool]


def find_program(name: str) -> str | None:
    """Return where a program is, also where only root's PATH would find it."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *_SYSTEM]))


def program(name: str, *, why: str, package: str) -> Need:
    """Return the need of a program.

    :param why: what it does here, after "which": ``answers the calls``.
    :param package: Debian's.
    """
    return Need(
        what=f"{name}, which {why}",
        how=f"apt-get install {package}",
        is_there=lambda: find_program(name) is not None,
    )


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One measurement.

    :param measure: yields rows and curves as they are known; gets sizes of the type below.
    :param sizes: an instance of a dataclass of numbers and texts: how much is measured and how
        often, for figures that are published.
    :param quick: the same, so small that it only proves that the benchmark works.
    """

    measure: Callable[[Any], Iterable[Row | Curve]]
    sizes: Any
    quick: Any
    needs: Sequence[Need] = ()

    def missing(self) -> list[Need]:
        """Return what is needed and not there."""
        return [need for need in self.needs if not need.is_there()]


def run(benchmark: Benchmark, name: str, arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says, print each row, and write the result where it says.

    Every size is an option: ``--rounds 5``. Exits with ``REFUSED`` and a sentence for each thing
    that is missing.
    """
    asked = _parser(benchmark, name).parse_args(arguments)
    if missing := benchmark.missing():
        for need in missing:
            print(f"{name} needs {need.what}: {need.how}", file=sys.stderr)
        sys.exit(REFUSED)
    base = benchmark.quick if asked.quick else benchmark.sizes
    given = {each.name: getattr(asked, each.name) for each in fields(base)}
    sizes = type(base)(
        **{key: getattr(base, key) if value is None else value for key, value in given.items()}
    )
    # All of it before: somebody may commit while this runs.
    measured_at, measured = datetime.now(UTC).replace(microsecond=0), commit()
    load_before = os.getloadavg()[0]
    print(f"{machine_line()}, load {load_before:.1f}", flush=True)
    handed_in: list[Row | Curve] = []
    for each in benchmark.measure(sizes):
        handed_in.append(each)
        if isinstance(each, Row):
            print(describe(each), flush=True)
    result = Result(
        name=name,
        measured_at=measured_at,
        commit=measured,
        machine=machine_line(),
        load_before=round(load_before, 1),
        load_after=round(os.getloadavg()[0], 1),
        sizes=asdict(sizes),
        note=asked.note,
        rows=tuple(each for each in handed_in if isinstance(each, Row)),
        curves=tuple(each for each in handed_in if isinstance(each, Curve)),
    )
    if asked.into is not None:
        print(f"written to {result.write(asked.into)}", flush=True)


def describe(row: Row) -> str:
    """Return a row in one line, for a terminal."""
    rates = (
        ""
        if row.ours is None or row.theirs is None
        else f": {row.ours:,g} beside {row.theirs:,g} {row.unit}"
    )
    verdict = {None: "", True: ", met", False: ", MISSED"}[row.is_met]
    bound = f"; wanted {row.bound}{verdict}" if row.bound else ""
    return (
        f"  {row.what} / {row.peer}{rates}, {row.ratio:.3g} of its {row.of}"
        f" [{row.low:.3g} to {row.high:.3g}]{bound}"
    )


def commit() -> str | None:
    """Return which commit is measured, with ``+`` if code or SQL was changed since."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "plugins", "include") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()


def _parser(benchmark: Benchmark, name: str) -> argparse.ArgumentParser:
    module = sys.modules[benchmark.measure.__module__]
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--into", type=Path, help="folder to write the result into")
    parser.add_argument("--note", default="", help="what a reader of the result must know")
    for each in fields(benchmark.sizes):
        default = getattr(benchmark.sizes, each.name)
        option = f"--{each.name.replace('_', '-')}"
        quickly = getattr(benchmark.quick, each.name)
        parser.add_argument(option, type=type(default), help=f"{default}; with --quick {quickly}")
    return parser
