"""Plots as SVG, drawn on the server: no script, no colour of their own, readable aloud.

Everything here only draws: what is counted, and in which words, the pages say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

WIDTH, HEIGHT = 1200, 280
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 20, 28
BAR_SHARE = 0.72
"""How much of its column a bar fills."""
CUT_ABOVE = 4
"""A bar this many times higher than the usual ones is cut off, so that those can be read."""
GRID_LINES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One kind of thing that bars are made of."""

    key: str
    title: str
    css_class: str
    """Its colour: a class of ``dashboard.css`` such as ``ar-bar``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One column: a month, a night."""

    label: str
    """Read aloud, and shown on hover."""
    tick: str | None
    """Below the axis; None where there is no room."""
    values: Mapping[str, int]
    """By the key of its series."""
    href: str | None = None
    """Where a click leads."""

    @property
    def total(self) -> int:
        """The height of the whole bar."""
        return sum(self.values.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """A drawn plot."""

    svg: Markup
    series: Sequence[Series]


def stacked_bars(bars: Sequence[Bar], series: Sequence[Series], *, label: str) -> Plot:
    """Draw one bar a column, its series stacked from below in the order given.

    :param label: what the whole plot says, for who cannot see it.
    """
    ceiling = _ceiling([bar.total for bar in bars])
    step = (WIDTH - LEFT - RIGHT) / max(1, len(bars))
    drawn = [_grid(ceiling)]
    for number, bar in enumerate(bars):
        drawn.append(_bar(bar, series, left=LEFT + number * step, step=step, ceiling=ceiling))
    svg = Markup('<svg viewBox="0 0 {} {}" role="{}" aria-label="{}">{}</svg>').format(
        WIDTH,
        HEIGHT,
        # Links inside must stay reachable: an image has no parts.
        "group" if any(bar.href for bar in bars) else "img",
        label,
        Markup().join(drawn),
    )
    return Plot(svg=svg, series=series)


def _bar(bar: Bar, series: Sequence[Series], *, left: float, step: float, ceiling: int) -> Markup:
    width, x = step * BAR_SHARE, left + step * (1 - BAR_SHARE) / 2
    middle, room = left + step / 2, HEIGHT - TOP - BOTTOM
    floor, left_over = float(HEIGHT - BOTTOM), float(room)
    parts = [
        Markup("<title>{}: {}</title>").format(
            bar.label, "; ".join(f"{s.title} {bar.values.get(s.key, 0):,}" for s in series)
        )
    ]
    for one in series:
        height = min(left_over, bar.values.get(one.key, 0) * room / ceiling)
        if height <= 0:
            continue
        floor, left_over = floor - height, left_over - height
        parts.append(
            Markup(
                '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
            ).format(one.css_class, x, floor, width, height)
        )
    if bar.total > ceiling:
        parts.append(
            Markup(
                '<path class="cut" d="M{:.1f} 46 l{:.1f} -10"/>'
                '<text class="over" x="{:.1f}" y="16" text-anchor="middle">{:,}</text>'
            ).format(x - 4, width + 8, middle, bar.total)
        )
    column = Markup("<g>{}</g>").format(Markup().join(parts))
    if bar.href is not None:
        # The whole column can be hit, also where the bar is low.
        column = Markup(
            '<a href="{}"><rect class="hit" x="{:.1f}" y="{}" width="{:.1f}" height="{}"'
            ' fill-opacity="0"/>{}</a>'
        ).format(bar.href, left, TOP, step, room, column)
    if bar.tick is None:
        return column
    return column + Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
        middle, HEIGHT - 8, bar.tick
    )


def _grid(ceiling: int) -> Markup:
    room = HEIGHT - TOP - BOTTOM
    lines = []
    for number in range(GRID_LINES + 1):
        y = HEIGHT - BOTTOM - room * number / GRID_LINES
        lines.append(
            Markup(
                '<line class="{}" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{:,}</text>'
            ).format(
                "g" if number else "ax",
                LEFT,
                WIDTH - RIGHT,
                y,
                y,
                LEFT - 8,
                y + 4,
                ceiling * number // GRID_LINES,
            )
        )
    return Markup().join(lines)


def _ceiling(totals: Sequence[int]) -> int:
    """Return where the axis ends: what is far above everything else is cut off."""
    some = [total for total in totals if total]
    if not some:
        return GRID_LINES
    usual = _round_up(max(total for total in some if total <= CUT_ABOVE * median(some)))
    most = max(some)
    return usual if most > CUT_ABOVE * usual else _round_up(most)


def _round_up(most: int) -> int:
    """Return the next round number that the grid divides."""
    size = GRID_LINES
    while True:
        for factor in (1, 2, 4, 5, 10):
            if most <= size * factor:
                return size * factor
        size *= 10
