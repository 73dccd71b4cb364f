"""What the resources of the JSON API take, in types that refuse what makes no sense."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import HTTPException, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import WHY_NOT
from doclife.dashboard.paging import LARGEST_ID
from doclife.dashboard.visit import Visit
from doclife.domain.text import text_fault

MAX_LIMIT = 200
MAX_OBJECT = 500_000
FIRST_YEAR, LAST_YEAR = 1900, 2999


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
Names = Annotated[list[Line], Field(max_length=100)]


def _checked_object(value: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(text) > MAX_OBJECT:
        raise ValueError(f"it is {len(text)} characters as JSON; at most {MAX_OBJECT}")
    if "\\u0000" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds a NUL or half a character, which PostgreSQL cannot hold")
    return value


Object = Annotated[dict[str, Any], AfterValidator(_checked_object)]
"""A JSON object that PostgreSQL can hold."""


def _checked_moment(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"it lies between the years {FIRST_YEAR} and {LAST_YEAR}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_checked_moment)]
"""A moment with its zone that every clock can hold."""
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class Why(BaseModel):
    """Why; kept in the audit trail."""

    model_config = ConfigDict(extra="forbid")

    reason: Line


def check_kind(here: Visit, kind: str) -> None:
    """Refuse jobs that change documents to whoever may not run rules.

    :raises HTTPException: 403.
    """
    if kind in ("archive", "delete") and not here.may.run:
        raise HTTPException(403, WHY_NOT[Deed.RUN])
