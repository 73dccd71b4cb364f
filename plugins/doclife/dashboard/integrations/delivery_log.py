"""The delivery log as pages ask for it: by outcome, words and time, page by page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from doclife.dashboard.attempt_places import place_of, read_attempt
from doclife.dashboard.jobs.listing import STATES
from doclife.dashboard.jobs.showing import OUTCOMES
from doclife.dashboard.paging import PAGE_ROWS, page_of
from doclife.dashboard.visit import Visit
from doclife.errors import ConfigurationError
from doclife.lifecycle.deliveries import SEARCHED
from doclife.store.deliveries import DeliveryRow

Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """What somebody wants to see of a log, as they typed it."""

    outcome: str = ""
    q: str = ""
    since: str = ""
    until: str = ""
    cursor: str = ""

    @property
    def query(self) -> dict[str, str]:
        """Return what makes the address of the page, without the place in the list."""
        return {"outcome": self.outcome, "q": self.q, "since": self.since, "until": self.until}

    def narrowing(self, here: Visit) -> dict[str, Any]:
        """Return it as the arguments of ``deliveries.list_deliveries`` and ``list_channel``.

        :raises ConfigurationError: a moment or the cursor is none.
        """
        return {
            "outcomes": [self.outcome] if self.outcome else None,
            "words": self.q.strip() or None,
            "since": read_moment(here, self.since),
            "until": read_moment(here, self.until),
            "before": read_attempt(self.cursor),
            "size": PAGE_ROWS + 1,
        }

    def context(self, found: list[DeliveryRow]) -> dict[str, Any]:
        """Return what the templates of a log need."""
        return {
            "page": page_of(
                found,
                limit=PAGE_ROWS,
                key=place_of,
                cursor=self.cursor,
            ),
            "query": self.query,
            "is_filtered": any(self.query.values()),
            "searched": SEARCHED,
            "outcomes": OUTCOMES,
            "states": STATES,
            "outcome_choices": [
                ("", "Any outcome"),
                *((name, words) for name, (_kind, words) in OUTCOMES.items()),
            ],
        }


def _read(
    outcome: Text = "", q: Text = "", since: Text = "", until: Text = "", cursor: Text = ""
) -> LogFilter:
    return LogFilter(outcome=outcome, q=q, since=since, until=until, cursor=cursor)


Log = Annotated[LogFilter, Depends(_read)]
"""The parameter type of routes that show a log."""
EVERYTHING = LogFilter()


def read_moment(here: Visit, text: str) -> datetime | None:
    """Return a moment as the browser's field gives it, by the organization's clock.

    :raises ConfigurationError: it is none.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no moment; for example 2027-01-31T09:00") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(here.tenant.time_zone))
