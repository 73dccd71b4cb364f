"""Put what was measured into docs/: tables between their marks, and the plots.

    python -m benchmarks.publish

A page has ``<!-- results of NAME, NAME -->`` and ``<!-- end of results -->``; what stands between
is written from benchmarks/results. Everything else on a page is somebody's words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from benchmarks import plots
from benchmarks.benchmark import ROOT
from benchmarks.results import Curve, Result, Row, published

DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
MARKED = re.compile(
    r"(<!-- results of (?P<names>[\w, ]+) -->\n).*?(<!-- end of results -->)", re.DOTALL
)
MOST_BOUNDS = 8
"""A benchmark with more of them is in the plot with the one that is nearest to its bound."""


def main() -> None:
    """Write every page and every plot anew."""
    results = published()
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(filled(text, results), encoding="utf-8")
    for name, svg in images(results).items():
        (IMAGES / name).write_text(svg, encoding="utf-8")


def filled(text: str, results: Mapping[str, Result]) -> str:
    """Return a page with its tables made from the results.

    Raises KeyError for a name that nothing is published of.
    """

    def fill(found: re.Match[str]) -> str:
        chosen = [results[name.strip()] for name in found["names"].split(",")]
        return f"{found[1]}{table(chosen)}{found[3]}"

    return MARKED.sub(fill, text)


def table(results: Sequence[Result]) -> str:
    """Return the rows of some results as a table, and when and how each was taken below it."""
    lines = ["| what | peer in the same run | ratio | wanted | met |", "|---|---|---|---|---|"]
    for result in results:
        lines += [_line(row) for row in result.rows]
    taken = [f"*{result.name}*: {_taken(result)}" for result in results]
    return "\n".join([*lines, "", "<br>\n".join(taken), ""])


def _line(row: Row) -> str:
    beside = (
        ""
        if row.ours is None or row.theirs is None
        else f"; {row.ours:,g} beside {row.theirs:,g} {row.unit}"
    )
    spread = f" [{row.low:.3g} to {row.high:.3g}]" if row.rounds > 1 else ""
    met = {None: "", True: "yes", False: "**missed**"}[row.is_met]
    ratio = f"{row.ratio:.3g} of its {row.of}{spread}{beside}"
    return f"| {row.what} | {row.peer} | {ratio} | {row.bound} | {met} |"


def _taken(result: Result) -> str:
    loads = [f"{each:g}" for each in (result.load_before, result.load_after) if each is not None]
    load = (
        f"load {' before, '.join(loads)} after" if len(loads) == 2 else f"load {', '.join(loads)}"
    )
    parts = [
        f"{result.measured_at:%Y-%m-%d %H:%M} UTC",
        *([load] if loads else ["load not recorded"]),
        *([f"commit {result.commit}"] if result.commit else []),
    ]
    return ", ".join(parts) + (f". {result.note}" if result.note else ".")


def images(results: Mapping[str, Result]) -> dict[str, str]:
    """Return every plot by the name of its file."""
    found = {"bounds.svg": plots.bounds(bound_rows(results), title="Ratios against their bounds")}
    by_title: dict[str, list[Curve]] = {}
    for result in results.values():
        for curve in result.curves:
            by_title.setdefault(curve.title, []).append(curve)
    for title, each in by_title.items():
        found[f"{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}.svg"] = plots.curves(each)
    return found


def bound_rows(results: Mapping[str, Result]) -> list[Row]:
    """Return the rows that have a bound, of a benchmark with many only the nearest to it."""
    rows: list[Row] = []
    for result in results.values():
        bound = [row for row in result.rows if row.wanted is not None]
        rows += bound if len(bound) <= MOST_BOUNDS else [min(bound, key=lambda r: r.headroom)]
    return rows


if __name__ == "__main__":
    main()
