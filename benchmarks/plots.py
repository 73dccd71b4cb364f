"""Plots as plain SVG that can be read on light and on dark paper, and without colours."""

from __future__ import annotations

import math
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from benchmarks.results import Curve, Row

WIDTH = 880
LABELS = 400
"""Where the labels of the rows end and the plot begins."""
RIGHT = WIDTH - 40
LINE = 16
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.small { font-size: 11px; fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.bound { stroke: #59636e; stroke-width: 1.5 }
.met { stroke: #0b63c4; fill: #0b63c4; stroke-width: 2 }
.missed { stroke: #bc4c00; fill: #ffffff; stroke-width: 2 }
.s0 { stroke: #0b63c4; fill: #0b63c4 } .s1 { stroke: #bc4c00; fill: #bc4c00 }
.s2 { stroke: #1a7f37; fill: #1a7f37 } .s3 { stroke: #8250df; fill: #8250df }
.s4 { stroke: #9a6700; fill: #9a6700 } .s5 { stroke: #57606a; fill: #57606a }
polyline { fill: none !important; stroke-width: 2 }
.dashed { stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 }
.grid { stroke: #3d444d } .bound { stroke: #9198a1 }
.met { stroke: #58a6ff; fill: #58a6ff } .missed { stroke: #f0883e; fill: #0d1117 }
.s0 { stroke: #58a6ff; fill: #58a6ff } .s1 { stroke: #f0883e; fill: #f0883e }
.s2 { stroke: #3fb950; fill: #3fb950 } .s3 { stroke: #bc8cff; fill: #bc8cff }
.s4 { stroke: #d29922; fill: #d29922 } .s5 { stroke: #9198a1; fill: #9198a1 }
}
"""
SERIES = 6
"""How many curves have a colour of their own; the next ones are dashed."""


class Drawing:
    """An SVG that is being drawn; lengths are pixels, from the upper left."""

    def __init__(self, title: str, *, height: float) -> None:
        self.root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {WIDTH} {height:.0f}",
                "width": str(WIDTH),
                "height": f"{height:.0f}",
                "role": "img",
            },
        )
        # What is read out where the picture cannot be seen.
        ET.SubElement(self.root, "title").text = title
        ET.SubElement(self.root, "style").text = STYLE
        self.text(title, 16, 28, kind="title")

    def text(
        self, words: str, x: float, y: float, *, kind: str = "", anchor: str = "start"
    ) -> None:
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
        ET.SubElement(self.root, "text", {**place, "class": kind}).text = words

    def line(self, x1: float, y1: float, x2: float, y2: float, *, kind: str) -> None:
        ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        place = {name: f"{value:.1f}" for name, value in ends.items()}
        ET.SubElement(self.root, "line", {**place, "class": kind})

    def dot(self, x: float, y: float, *, kind: str) -> None:
        place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "5"}
        ET.SubElement(self.root, "circle", {**place, "class": kind})

    def path(self, points: Sequence[tuple[float, float]], *, kind: str) -> None:
        place = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        ET.SubElement(self.root, "polyline", {"points": place, "class": kind})

    def svg(self) -> str:
        """Return the file."""
        ET.indent(self.root)
        return ET.tostring(self.root, encoding="unicode") + "\n"


class LogScale:
    """From values to pixels, equal factors at equal distances."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._span = math.log(low), math.log(high) - math.log(low)
        self._start, self._length = start, end - start

    def __call__(self, value: float) -> float:
        return self._start + (math.log(value) - self._low) / self._span * self._length


def bounds(rows: Sequence[Row], *, title: str) -> str:
    """Draw how far each row is from its bound; every row has one.

    To the right of 1 is better than wanted, and filled; to the left is missed, and hollow. The
    line through a dot goes from the least to the most of the rounds.
    """
    reached = [edge for row in rows for edge in _edges(row)]
    low = 2.0 ** math.floor(math.log2(min([*reached, 0.5])))
    high = 2.0 ** math.ceil(math.log2(max([*reached, 2])))
    labels = [textwrap.wrap(_plain(row.what), 60) for row in rows]
    heights = [LINE * (len(label) + 1) + 10 for label in labels]
    top = 76.0
    bottom = top + sum(heights)
    drawing = Drawing(title, height=bottom + 24)
    drawing.text("times better than wanted; filled: met, hollow: missed", 16, 48, kind="small")
    scale = LogScale(low, high, LABELS + 20, RIGHT)
    for step in range(round(math.log2(low)), round(math.log2(high)) + 1):
        kind = "bound" if step == 0 else "grid"
        x = scale(2.0**step)
        drawing.line(x, top - 8, x, bottom, kind=kind)
        drawing.text(f"{2.0**step:g}", x, top - 14, kind="small", anchor="middle")
    y = top
    for row, label, height in zip(rows, labels, heights, strict=True):
        for number, words in enumerate(label):
            drawing.text(words, LABELS, y + LINE * (number + 1), anchor="end")
        peer = textwrap.shorten(_plain(row.peer), 38, placeholder=" ...")
        said = f"{peer}: {row.ratio:.3g} of its {row.of}, wanted {row.bound}"
        drawing.text(said, LABELS, y + LINE * (len(label) + 1), kind="small", anchor="end")
        kind = "met" if row.is_met else "missed"
        middle = y + height / 2
        worst, best = _edges(row)
        drawing.line(scale(worst), middle, scale(best), middle, kind=kind)
        drawing.dot(scale(row.headroom), middle, kind=kind)
        y += height
    return drawing.svg()


def _edges(row: Row) -> tuple[float, float]:
    """Return the least and the most headroom of a round."""
    assert row.wanted is not None
    each = [value / row.wanted for value in (row.low, row.high)]
    found = each if row.ratio / row.wanted == row.headroom else [1 / value for value in each]
    return min(found), max(found)


def curves(each: Sequence[Curve]) -> str:
    """Draw curves of one title over each other, on logarithmic axes."""
    first = each[0]
    left, top, bottom, right = 80.0, 70.0, 380.0, WIDTH - 190.0
    drawing = Drawing(first.title, height=440)
    drawing.text(first.y, 16, 50, kind="small")
    drawing.text(first.x, right, 424, kind="small", anchor="end")
    xs = _decades([x for curve in each for x, _ in curve.points])
    ys = _decades([y for curve in each for _, y in curve.points])
    across = LogScale(xs[0], xs[-1], left, right)
    up = LogScale(ys[0], ys[-1], bottom, top)
    for value in xs:
        drawing.line(across(value), top, across(value), bottom, kind="grid")
        drawing.text(_number(value), across(value), bottom + 18, kind="small", anchor="middle")
    for value in ys:
        drawing.line(left, up(value), right, up(value), kind="grid")
        drawing.text(_number(value), left - 8, up(value) + 4, kind="small", anchor="end")
    lowest: dict[float, float] = {}
    by_end = sorted(enumerate(each), key=lambda pair: -pair[1].points[-1][1])
    for number, curve in by_end:
        points = [(across(x), up(y)) for x, y in curve.points]
        kind = f"s{number % SERIES}" + (" dashed" if number >= SERIES else "")
        drawing.path(points, kind=kind)
        for x, y in points:
            drawing.dot(x, y, kind=kind)
        # Names of curves that end at the same place must not lie over each other.
        x, y = points[-1]
        lowest[x] = max(y + 4, lowest.get(x, 0) + LINE)
        drawing.text(curve.name, x + 12, lowest[x])
    return drawing.svg()


def _decades(values: Sequence[float]) -> list[float]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _plain(words: str) -> str:
    return words.replace("`", "")
