"""Places in a list of attempts to deliver, read in one way by pages and API."""

from datetime import datetime

from doclife.dashboard.paging import LARGEST_ID, no_place, read_cursor
from doclife.store.deliveries import DeliveryRow


def place_of(row: DeliveryRow) -> list[object]:
    """Return what the next page begins after."""
    return [row.attempted_at.isoformat(), row.job_id, row.attempt]


def read_attempt(cursor: str) -> DeliveryRow | None:
    """Return the attempt that a page ends with, as far as its place is known; None to begin.

    :raises ConfigurationError: the cursor is of no list of attempts.
    """
    match read_cursor(cursor):
        case None:
            return None
        # Tests have numbers below 0.
        case [str(moment), int(job_id), int(attempt)] if (
            abs(job_id) <= LARGEST_ID and 0 <= attempt < 2**15
        ):
            return DeliveryRow(
                job_id=job_id,
                attempt=attempt,
                attempted_at=_moment(moment, cursor),
                endpoint="",
                outcome="",
                status_code=None,
                latency_ms=None,
                answer_head=None,
                error=None,
                state="",
            )
        case _:
            raise no_place(cursor)


def _moment(text: str, cursor: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise no_place(cursor) from None
    if moment.tzinfo is None:
        raise no_place(cursor)
    return moment
