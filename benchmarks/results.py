"""What a benchmark hands in: ratios of ours to a peer, curves, and the file that keeps them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, ConfigDict, TypeAdapter

PUBLISHED = Path(__file__).parent / "results"
"""Committed, and what the tables of docs/ are made from."""


class Quantity(StrEnum):
    """What is compared. Of a rate more is better, of everything else less."""

    RATE = "rate"
    TIME = "time"
    PROCESSOR = "processor time"
    MEMORY = "memory"
    DISK = "disk"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One ratio: ours to a named peer, or to the machine's limit, in the same run."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    what: str
    """Ours, as a noun phrase: ``import of 10,000 files``."""
    peer: str
    of: Quantity
    ratio: float
    """Our median by the peer's."""
    low: float
    """The least ratio of a round."""
    high: float
    rounds: int
    ours: float | None
    """Our median in ``unit``; None where only the ratio is known."""
    theirs: float | None
    unit: str
    wanted: float | None = None
    """The ratio that was promised: a floor for a rate, a ceiling for everything else."""

    @classmethod
    def of_rounds(
        cls,
        *,
        what: str,
        peer: str,
        of: Quantity,
        ours: Sequence[float],
        theirs: Sequence[float],
        unit: str,
        wanted: float | None = None,
    ) -> Row:
        """Return the row of what each round measured, ours and the peer's in the same order."""
        each = [mine / his for mine, his in zip(ours, theirs, strict=True)]
        mine, his = statistics.median(ours), statistics.median(theirs)
        return cls(
            what=what,
            peer=peer,
            of=of,
            ratio=_short(mine / his),
            # A quotient of medians may lie beside every round's.
            low=_short(min(*each, mine / his)),
            high=_short(max(*each, mine / his)),
            rounds=len(each),
            ours=_short(mine),
            theirs=_short(his),
            unit=unit,
            wanted=wanted,
        )

    @property
    def is_met(self) -> bool | None:
        """Whether the bound was kept; None: there is none."""
        if self.wanted is None:
            return None
        return self.headroom >= 1

    @property
    def headroom(self) -> float:
        """How many times better than wanted, 1 being just so; of a row with a bound only."""
        assert self.wanted is not None, self.what
        return self.ratio / self.wanted if self.of is Quantity.RATE else self.wanted / self.ratio

    @property
    def bound(self) -> str:
        """The bound in words, or nothing."""
        if self.wanted is None:
            return ""
        return f"{'at least' if self.of is Quantity.RATE else 'at most'} {self.wanted:g}"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Something over something, both on logarithmic axes; those of one title share a plot."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    title: str
    name: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one run of a benchmark brought, and under which circumstances."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    measured_at: AwareDatetime
    commit: str | None
    """Of the tree that was measured, with ``+`` if it had changes; None: not known."""
    machine: str
    load_before: float | None
    """Of one minute; a load near 0 is a quiet machine. None: not known."""
    load_after: float | None
    sizes: Mapping[str, int | float | str]
    note: str = ""
    """What a reader must know to judge the figures, in sentences."""
    rows: tuple[Row, ...]
    curves: tuple[Curve, ...] = ()

    def write(self, folder: Path) -> Path:
        """Write it into a folder, over the one before, and return where."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_bytes(_RESULT.dump_json(self, indent=1) + b"\n")
        return path


_RESULT = TypeAdapter(Result)


def read(path: Path) -> Result:
    """Read a result; ``pydantic.ValidationError`` says what in the file is wrong."""
    return _RESULT.validate_json(path.read_bytes())


def published() -> dict[str, Result]:
    """Return what is published, by the name of the benchmark."""
    return {path.stem: read(path) for path in sorted(PUBLISHED.glob("*.json"))}


def _short(number: float) -> float:
    """Return four digits of it: more would only say which moment it was."""
    return float(f"{number:.4g}")
