"""What a year came to: tables for a page, and small plots side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from benchmarks.plots import WIDTH, Drawing
from benchmarks.year.sizes import PRUNED, Census
from benchmarks.year.year import FIRST_NIGHT, Year

MILLION = 1_000_000
SMALL_ROWS = 100
"""Tables that never had so many rows are added up in one line."""
SHOWN = (1, 3, 6, 9, 12)
"""Months."""
ACROSS, PANEL_HEIGHT = 3, 150


def tables(year: Year) -> str:
    """Return the tables as Markdown."""
    quarters = [each for number, each in enumerate(year.censuses, 1) if number in SHOWN]
    return "\n\n".join((_rows(quarters), _disk(year.censuses), _nights(year)))


def _rows(censuses: Sequence[Census]) -> str:
    names = sorted(
        (name for name in censuses[-1].tables if _most(censuses, name) >= SMALL_ROWS),
        key=lambda name: -censuses[-1].tables[name].total_bytes,
    )
    head = [f"night {census.night}" for census in censuses]
    lines = [_line(["rows", *head, "kept"]), _line(["---", *["---:"] * len(head), "---"])]
    for name in names:
        counts = [_count(census, name) for census in censuses]
        kept = PRUNED[name][0] if name in PRUNED else ""
        lines.append(_line([f"`{name}`", *[f"{count:,}" for count in counts], kept]))
    return "\n".join(lines)


def _disk(censuses: Sequence[Census]) -> str:
    """Bytes a row, and what a year of a million documents would come to at the same pace."""
    last = censuses[-1]
    lines = [
        _line(["table", "bytes a row", "rows per document", "GB per million documents"]),
        _line(["---", "---:", "---:", "---:"]),
    ]
    names = sorted(last.tables, key=lambda name: -last.tables[name].total_bytes)
    total = 0.0
    for name in names:
        table = last.tables[name]
        if table.rows < SMALL_ROWS:
            continue
        share = table.rows / last.documents
        gigabytes = table.total_bytes / last.documents * MILLION / 1e9
        total += gigabytes
        if gigabytes >= 0.01:
            size = f"{table.total_bytes / table.rows:,.0f}"
            lines.append(_line([f"`{name}`", size, f"{share:.2f}", f"{gigabytes:.2f}"]))
    lines.append(_line(["all of these", "", "", f"{total:.2f}"]))
    return "\n".join(lines)


def _nights(year: Year) -> str:
    lines = [_line(["what", "how often"]), _line(["---", "---:"])]
    lines += [_line([what, f"{number:,}"]) for what, number in sorted(year.told.items())]
    lines.append(_line(["processes killed", f"{year.system.kills:,}"]))
    lines.append(_line(["webhook calls taken", f"{year.side.took.total():,}"]))
    twice = sum(count > 1 for count in year.side.took.values())
    lines.append(_line(["webhook calls taken more than once", f"{twice:,}"]))
    lines.append(_line(["mails taken", f"{year.side.mails:,}"]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _count(census: Census, name: str) -> int:
    return census.tables[name].rows if name in census.tables else 0


def _most(censuses: Sequence[Census], name: str) -> int:
    return max(_count(census, name) for census in censuses)


def plot(title: str, panels: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> str:
    """Draw small plots side by side over the nights of the year, each from 0 on a scale of its own.

    :param panels: what each shows, and its points (night, value).
    """
    rows = -(-len(panels) // ACROSS)
    drawing = Drawing(title, height=60 + rows * PANEL_HEIGHT)
    width = (WIDTH - 32) / ACROSS
    for number, (name, points) in enumerate(panels):
        left, top = 16 + number % ACROSS * width, 50 + number // ACROSS * PANEL_HEIGHT
        _panel(drawing, name, points, left=left, top=top, width=width - 30)
    return drawing.svg()


def _panel(
    drawing: Drawing, name: str, points: Sequence[tuple[int, float]], *, left: float, top: float,
    width: float,
) -> None:  # fmt: skip
    high = max((value for _night, value in points), default=0) or 1
    last = max((night for night, _value in points), default=1)
    floor, ceiling = top + PANEL_HEIGHT - 34, top + 26
    drawing.text(name, left, top + 8)
    drawing.text(f"{high:,.3g}", left + width, ceiling - 4, kind="small", anchor="end")
    drawing.line(left, ceiling, left + width, ceiling, kind="grid")
    drawing.line(left, floor, left + width, floor, kind="bound")
    for month in _months(last):
        x = left + month / last * width
        drawing.line(x, floor, x, floor + 4, kind="bound")
    drawing.path(
        [
            (left + night / last * width, floor - value / high * (floor - ceiling))
            for night, value in points
        ],
        kind="s0",
    )


def _months(nights: int) -> Iterator[int]:
    for night in range(nights):
        if (FIRST_NIGHT + timedelta(days=night)).day == 1:
            yield night
