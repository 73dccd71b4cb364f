"""Run the benchmarks one after the other, and show what they brought.

    ./run bench                      all of them, for figures that are published
    ./run bench mail queue --quick   these, in a minute, only to see that they work
    ./run bench --list               what there is, and what each needs

Results go to benchmarks/results, where docs/performance.md is made from; those of --quick, which
are no figures to publish, to .local/benchmarks. Exits with 1 if one failed, or was refused because
something is missing that it needs.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.benchmark import REFUSED, ROOT, Benchmark
from benchmarks.results import PUBLISHED, Result, read

WIDTH = 160


def main(arguments: Sequence[str] | None = None) -> int:
    """Do as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; default: all")
    parser.add_argument("--quick", action="store_true", help="only to see that they work")
    parser.add_argument("--list", action="store_true", help="say what there is, measure nothing")
    parser.add_argument("--into", type=Path, help="folder to write the results into")
    asked = parser.parse_args(arguments)
    every = names()
    for name in asked.names:
        if name not in every:
            close = difflib.get_close_matches(name, every, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            print(f"There is no benchmark {name!r}.{meant} See: ./run bench --list")
            return 1
    chosen = asked.names or every
    if asked.list:
        for name in chosen:
            print(line(name))
        return 0
    into = asked.into or destination(is_quick=asked.quick)
    return measure(chosen, is_quick=asked.quick, into=into.resolve())


def destination(*, is_quick: bool) -> Path:
    """Return where results go: quick ones never to those that are published."""
    return ROOT / ".local" / "benchmarks" if is_quick else PUBLISHED


def names() -> list[str]:
    """Return the name of every benchmark, without importing any."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        declared = (node for node in tree.body if isinstance(node, ast.Assign))
        if any(
            isinstance(t, ast.Name) and t.id == "BENCHMARK" for n in declared for t in n.targets
        ):
            found.append(path.stem)
    return found


def line(name: str) -> str:
    """Return what a benchmark measures, and what it needs and is not there."""
    module = importlib.import_module(f"benchmarks.{name}")
    benchmark: Benchmark = module.BENCHMARK
    what = (module.__doc__ or "").partition("\n")[0]
    needs = "".join(
        f"\n{'':18} {'needs' if need.is_there() else 'MISSING:'} {need.what} ({need.how})"
        for need in benchmark.needs
    )
    return f"{name:18} {what}{needs}"


def measure(chosen: Sequence[str], *, is_quick: bool, into: Path) -> int:
    """Run each in a process of its own, so that none measures what another has left behind."""
    refused, failed = [], []
    for name in chosen:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", "--into", str(into)]
        code = subprocess.run([*command, *(["--quick"] if is_quick else [])]).returncode
        if code:
            (refused if code == REFUSED else failed).append(name)
    ended = [name for name in chosen if name not in (*refused, *failed)]
    show([read(into / f"{name}.json") for name in ended])
    for word, which in (("Refused", refused), ("Failed", failed)):
        if which:
            print(f"{word}, see above: {', '.join(which)}")
    return 1 if refused or failed else 0


def show(results: Sequence[Result]) -> None:
    """Print what was measured as one table."""
    table = Table("benchmark", "what", "peer", "ratio", "wanted", "met", show_lines=True)
    for result in results:
        for row in result.rows:
            met = {None: "", True: "yes", False: "MISSED"}[row.is_met]
            ratio = f"{row.ratio:.3g} of its {row.of}"
            table.add_row(result.name, row.what, row.peer, ratio, row.bound, met)
    # In a file, too, as wide as it takes.
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


if __name__ == "__main__":
    sys.exit(main())
