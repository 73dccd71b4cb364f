"""What the resources of the JSON API take, in types that refuse what makes no sense."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, StringConstraints

from doclife.dashboard.paging import read_cursor
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError

MAX_LIMIT = 200
LARGEST_ID = 2**63 - 1


def _checked(value: str) -> str:
    if (fault := text_fault(value)) is not None:
        raise ValueError(f"it cannot hold a {fault}")
    return value


Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, Query(max_length=500, description="`next_cursor` of the page before.")]
Asked = Annotated[str, Query(max_length=200), AfterValidator(_checked)]
"""A text to look for; empty does not narrow."""
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_checked),
]
"""One line of text that says something."""


def read_id(cursor: str) -> int | None:
    """Return the id that a page ends with; None to begin.

    :raises ConfigurationError: the cursor is of no page of ids.
    """
    before = read_cursor(cursor)
    if before is None or (type(before) is int and 0 < before <= LARGEST_ID):
        return before
    raise no_place(cursor)


def no_place(cursor: str) -> ConfigurationError:
    """Return the error for a cursor that is of another list, or of none."""
    return ConfigurationError(f"{cursor!r} is no place in this list: begin with the first page")
