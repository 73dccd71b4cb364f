"""What a command prints: tables for people, or one JSON document for programs."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from doclife.domain.explanation_words import FOR_GOOD

WIDTH_OF_PIPES = 200
"""Columns of a table that nobody's terminal limits; COLUMNS sets another number."""
NARROWEST = 40
"""Fewer columns show nothing that can be read, so they are not meant."""

DONE, FAILED, WRONG_USAGE, PARTLY_DONE = 0, 1, 2, 3
"""Exit codes."""


class Output:
    """Where one command prints to.

    :param as_json: print exactly one JSON document on stdout and nothing else.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.is_json = as_json

    def show(self, document: object, *, people: Callable[[], None]) -> None:
        """Print the result: ``document`` as JSON, or whatever ``people`` prints."""
        if self.is_json:
            sys.stdout.write(json.dumps(plain(document), indent=2, ensure_ascii=False) + "\n")
        else:
            people()

    def say(self, text: str, *, style: str = "") -> None:
        """Print a sentence for people; nothing in JSON mode."""
        if not self.is_json:
            console().print(Text(text, style=style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print what the next lines are about."""
        self.say(f"\n{text}", style="bold")

    def facts(self, facts: Mapping[str, object]) -> None:
        """Print one fact per line; those that are None are left out."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in facts.items():
            if value is not None:
                grid.add_row(Text(name), cell(value))
        console().print(grid)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
        """Print a table, or the sentence ``empty`` when there are no rows."""
        if not rows:
            self.say(empty, style="dim")
            return
        table = Table(box=None, header_style="bold", pad_edge=False)
        for position, name in enumerate(columns):
            numeric = all(is_number(row[position]) for row in rows)
            table.add_column(name, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(cell(value) for value in row))
        console().print(table)


def console(*, stderr: bool = False) -> Console:
    """Return a console on the present stdout or stderr; no colours unless it is a terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = None
    if not stream.isatty():
        wanted = os.environ.get("COLUMNS", "")
        is_width = wanted.isascii() and wanted.isdigit() and int(wanted) >= NARROWEST
        width = int(wanted) if is_width else WIDTH_OF_PIPES
    return Console(file=stream, highlight=False, soft_wrap=False, width=width)


def warn(text: str) -> None:
    """Print a sentence on stderr that must not be missed, in every mode."""
    console(stderr=True).print(Text(printable(text), style="yellow"), soft_wrap=True)


def fail(text: str) -> None:
    """Print on stderr why the command did not do what was asked."""
    console(stderr=True).print(Text(printable(text, keep="\n"), style="red"), soft_wrap=True)


def cell(value: object) -> Text:
    """Return a value as people read it; no text of a document can change the terminal."""
    if value is None:
        return Text("-", style="dim")
    if value is True or value is False:
        return Text("yes" if value else "no")
    if isinstance(value, datetime):
        return Text(value.strftime("%Y-%m-%d %H:%M:%S %Z"))
    if isinstance(value, date):
        return Text(FOR_GOOD if value == date.max else value.isoformat())
    if is_number(value):
        return Text(f"{value:,}")
    if isinstance(value, list | tuple):
        return Text(", ".join(printable(str(part)) for part in value) or "-")
    if isinstance(value, dict):
        return Text(printable(json.dumps(plain(value), ensure_ascii=False)))
    if isinstance(value, Text):
        return value
    return Text(printable(str(value)))


def is_number(value: object) -> bool:
    """Whether a column of such values is aligned to the right."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def printable(text: str, *, keep: str = "") -> str:
    """Return text whose control characters are written out, e.g. ``\\x1b``."""
    return "".join(
        letter if letter.isprintable() or letter in keep else repr(letter)[1:-1] for letter in text
    )


def size(size_bytes: int | None) -> str:
    """Return a size in decimal units, e.g. ``1.2 MB``."""
    if size_bytes is None:
        return "-"
    if size_bytes < 1000:
        return f"{size_bytes} B"
    amount, unit = size_bytes / 1000, "kB"
    for larger in ("MB", "GB", "TB", "PB"):
        if amount < 999.95:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}"


BAR_CELLS = 20


def bar(part: int, whole: int, *, cells: int = BAR_CELLS, is_limit: bool = True) -> Text:
    """Return a bar that is filled as far as ``part`` is of ``whole``.

    Something is never drawn as nothing.

    :param is_limit: draw the rest too, and in colour how near to the limit it is.
    """
    fraction = min(part / whole, 1.0) if whole > 0 else float(part > 0)
    filled = max(round(fraction * cells), int(part > 0))
    if not is_limit:
        return Text("\u2588" * filled, style="cyan")
    style = "red" if fraction >= 1 else "yellow" if fraction >= 0.8 else "green"
    return Text.assemble(("\u2588" * filled, style), ("\u2591" * (cells - filled), "dim"))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, e.g. ``1 document`` or ``2,000 documents``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plain(value: Any) -> Any:
    """Return a value in JSON's types: dates and moments as ISO 8601, enumerations as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.structs.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value
