"""Pages of long lists: by the key of the last row, never by offset."""

import base64
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError

Row = TypeVar("Row")

PAGE_ROWS = 50
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a list."""

    rows: Sequence[Row]
    next_cursor: str | None
    """What the next page is asked for with; None on the last one."""
    is_first: bool
    is_partial: bool = False
    """Enough was looked through for one answer before the page was full: whether there are more,
    the next one tells."""

    @property
    def summary(self) -> str:
        """Say how much is shown."""
        if self.is_partial:
            return f"{len(self.rows):,} found so far"
        more = ", and there are more" if self.next_cursor else ""
        return f"{len(self.rows):,} shown{more}"


def page_of(
    rows: Sequence[Row], *, limit: int, key: Callable[[Row], object], cursor: str | None
) -> Page[Row]:
    """Return a page from the rows of a statement that was asked for ``limit + 1``.

    :param key: the values that the next page begins after, which JSON can express.
    :param cursor: what this page was asked for with.
    """
    shown = rows[:limit]
    has_more = len(rows) > limit
    return Page(
        rows=shown,
        next_cursor=write_cursor(key(shown[-1])) if has_more else None,
        is_first=not cursor,
    )


def write_cursor(key: object) -> str:
    """Return a key as an opaque text for an address."""
    text = json.dumps(key, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> object:
    """Return the key that a cursor holds, as JSON has it; None for the first page.

    Anybody may write a cursor: check the types of what comes back.

    :raises ConfigurationError: the text is no cursor.
    """
    if not cursor:
        return None
    try:
        key: object = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        key = None
    if key is None or isinstance(key, bool):  # which Python takes for a number
        raise no_place(cursor)
    return key


def read_id(cursor: str | None) -> int | None:
    """Return the id that a page ends with; None to begin.

    :raises ConfigurationError: the cursor is of no page of ids.
    """
    place = read_cursor(cursor)
    if place is None or (type(place) is int and 0 < place <= LARGEST_ID):
        return place
    raise no_place(str(cursor))


def read_name(cursor: str | None) -> str | None:
    """Return the name that a page ends with; None to begin.

    :raises ConfigurationError: the cursor is of no page of names.
    """
    place = read_cursor(cursor)
    if place is None or (isinstance(place, str) and text_fault(place) is None):
        return place
    raise no_place(str(cursor))


def read_day_and_id(cursor: str | None) -> tuple[date | None, int] | None:
    """Return the day, which may be none, and the id that a page ends with; None to begin.

    :raises ConfigurationError: the cursor is of no page by days.
    """
    match read_cursor(cursor):
        case None:
            return None
        case [None, int(number)] if 0 < number <= LARGEST_ID:
            return None, number
        case [str(day), int(number)] if 0 < number <= LARGEST_ID:
            with suppress(ValueError):
                return date.fromisoformat(day), number
    raise no_place(str(cursor))


def no_place(cursor: str) -> ConfigurationError:
    """Return the error for a cursor that is of another list, or of none."""
    return ConfigurationError(f"{cursor!r} is no place in this list: begin with the first page")
