"""Calendar periods, written ``7y``, ``6mo``, ``2w``, ``90d`` or together as ``1y6mo``.

A period is not a number of days: 7 years are 2,556 or 2,557 days, depending on where they begin.
So it is only ever *added to a date*, the way PostgreSQL adds an interval (compilation leaves the
real work to PostgreSQL; the arithmetic here says the same and is tested against it).
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

PERIOD_PATTERN = (
    r"^(?=[0-9])(?:([0-9]{1,4})y)?(?:([0-9]{1,5})mo)?(?:([0-9]{1,5})w)?(?:([0-9]{1,6})d)?$"
)
_PERIOD = re.compile(PERIOD_PATTERN)
_MAX_YEARS = 1000
"""Nothing is kept for longer without being permanent, and it keeps every sum inside the calendar
that PostgreSQL, Python and a reader share."""

# Average month of the Gregorian calendar in days. Any run of whole months, clamping included, is
# within 4 days of months * average: leap days (1), uneven months (2), a clamped end (1).
_MONTH_DAYS = 146_097 / 4_800
_MONTHS_SLACK_DAYS = 4


@dataclass(frozen=True, kw_only=True)
class Period:
    """A calendar period, as written: ``12mo`` and ``1y`` mean the same but are shown as written."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        """Refuse what is longer than any calendar arithmetic here can hold."""
        if min(self.years, self.months, self.weeks, self.days) < 0:
            raise ValueError("a period cannot be negative")
        if self._longest_days() > _MAX_YEARS * 12 * _MONTH_DAYS + 2 * _MONTHS_SLACK_DAYS:
            raise ValueError(f"a period of more than {_MAX_YEARS} years: write 'permanent' instead")

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read a period such as ``7y``, ``6mo``, ``90d``, ``1y6mo`` or ``0d``.

        :raises ValueError: not a period, or longer than 1,000 years.
        """
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is not a period; write years, months, weeks and days in this order, "
                "for example 7y, 6mo, 2w, 90d or 1y6mo"
            )
        years, months, weeks, days = (int(group or 0) for group in match.groups())
        return cls(years=years, months=months, weeks=weeks, days=days)

    def __str__(self) -> str:
        """The period as a rule file writes it, ``0d`` for none."""
        parts = ((self.years, "y"), (self.months, "mo"), (self.weeks, "w"), (self.days, "d"))
        return "".join(f"{count}{unit}" for count, unit in parts if count) or "0d"

    def to_interval(self) -> str:
        """The period as an ISO 8601 duration, for PostgreSQL's ``interval`` input."""
        return f"P{self.years}Y{self.months}M{self._plain_days}D"

    @property
    def is_zero(self) -> bool:
        """Whether adding it changes nothing."""
        return self._whole_months == 0 and self._plain_days == 0

    def add_to(self, start: date) -> date:
        """The date this period after ``start``: months first, clamped to their end, then days.

        31 January + 1mo is 28 (or 29) February; 29 February 2020 + 7y is 28 February 2027.

        :raises OverflowError: the result is later than the year 9999.
        """
        return _add_months(start, self._whole_months) + timedelta(days=self._plain_days)

    def subtract_from(self, end: date) -> date:
        """The inverse order, days first: no start later than 3 days after it reaches ``end``.

        Only for widened bounds that narrow a search. A decision is always ``start + period``,
        because ``start + 1mo <= end`` and ``start <= end - 1mo`` disagree at the ends of months.

        :raises OverflowError: the result is earlier than the year 1.
        """
        return _add_months(end - timedelta(days=self._plain_days), -self._whole_months)

    def first_start_reaching(self, end: date) -> date:
        """The first day from which this period leads to ``end`` or past it.

        A later day leads no less far, so ``start + period >= end`` and ``start >= this`` agree.

        :raises OverflowError: that day is earlier than the year 1.
        """
        start = self.subtract_from(end)
        # Where a month was too short for the day of ``end``, the one after it begins.
        return start if self.add_to(start) >= end else start + timedelta(days=1)

    def is_certainly_shorter_than(self, other: Period) -> bool:
        """Whether it ends before ``other`` wherever both begin; False where that depends.

        ``30d`` is certainly shorter than ``2mo``; of ``30d`` and ``1mo`` neither is.
        """
        months, other_months = self._whole_months, other._whole_months
        days, other_days = self._plain_days, other._plain_days
        if months <= other_months and days <= other_days:
            # Fewer whole months always end earlier or, clamped, never later than more of them.
            return months < other_months or days < other_days
        return self._longest_days() < other._shortest_days()

    @property
    def _whole_months(self) -> int:
        return self.years * 12 + self.months

    @property
    def _plain_days(self) -> int:
        return self.weeks * 7 + self.days

    def _longest_days(self) -> int:
        return math.ceil(self._whole_months * _MONTH_DAYS) + _MONTHS_SLACK_DAYS + self._plain_days

    def _shortest_days(self) -> int:
        return math.floor(self._whole_months * _MONTH_DAYS) - _MONTHS_SLACK_DAYS + self._plain_days

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Pydantic reads and writes a period as text."""
        return core_schema.no_info_plain_validator_function(
            cls._validated,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """What an editor may check of it."""
        return {
            "type": "string",
            "pattern": PERIOD_PATTERN,
            "description": "A calendar period: years, months, weeks, days, e.g. 7y, 6mo, 90d.",
        }

    @classmethod
    def _validated(cls, value: object) -> Period:
        if isinstance(value, Period):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(
            f"{value!r} is not a period; write it with its unit, for example 30d or 7y"
        )


def _add_months(start: date, months: int) -> date:
    if months == 0:
        return start
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(f"{start} and {months} months leave the calendar")
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
