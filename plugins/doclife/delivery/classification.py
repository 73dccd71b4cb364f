"""Which answer means what: the table of docs/channels.md."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from doclife.delivery.exchange import Answer, NoAnswer
from doclife.delivery.outcome import ANSWER_HEAD_BYTES, ERROR_LENGTH, Attempt, Outcome
from doclife.delivery.plain_text import one_line

LONGEST_WAIT = timedelta(hours=24)
"""A receiver may put us off for a day, not for ever."""
SLOW_RETRY = timedelta(hours=1)
"""After a certificate that is not trusted: seconds will not mend it."""
AFTER_REFUSED_CREDENTIALS = timedelta(minutes=15)
RETRYABLE = frozenset({408, 409, 425, 429})
GONE = 410


def outcome_of(status: int) -> Outcome:
    """Return what an HTTP status says of a delivery (Standard Webhooks 1.0, "Response")."""
    if 200 <= status < 300:
        return Outcome.SENT
    if status in RETRYABLE or status >= 500:
        return Outcome.RETRY
    return Outcome.DEAD


def attempt_of(answer: Answer | NoAnswer, *, now: datetime) -> Attempt:
    """Return the attempt that one call to a webhook's endpoint was."""
    if isinstance(answer, NoAnswer):
        return attempt_without_answer(answer)
    outcome = outcome_of(answer.status)
    return Attempt(
        outcome=outcome,
        status_code=answer.status,
        latency_ms=answer.latency_ms,
        answer_head=readable(answer.head),
        error=None if outcome is Outcome.SENT else _why(answer.status),
        retry_after=None
        if outcome is Outcome.SENT
        else retry_after(answer.header("Retry-After"), now=now),
        disables_endpoint=answer.status == GONE,
    )


def attempt_without_answer(answer: NoAnswer) -> Attempt:
    """Return the attempt that a call without an answer was."""
    if answer.is_refused:
        outcome = Outcome.DEAD
    else:
        outcome = Outcome.UNKNOWN if answer.is_sent else Outcome.RETRY
    return Attempt(
        outcome=outcome,
        status_code=None,
        latency_ms=answer.latency_ms,
        answer_head=None,
        error=answer.error,
        retry_after=SLOW_RETRY if answer.is_untrusted else None,
        disables_endpoint=answer.is_refused,
    )


def not_tried(
    error: str, *, retry_after: timedelta | None = None, stops_channel: bool = False
) -> Attempt:
    """Return what stands for an attempt that was not begun."""
    return Attempt(
        outcome=Outcome.RETRY,
        status_code=None,
        latency_ms=0,
        answer_head=None,
        error=error[:ERROR_LENGTH],
        retry_after=retry_after,
        stops_channel=stops_channel,
        was_tried=False,
    )


def refused(error: str) -> Attempt:
    """Return the attempt at a message that nobody could ever send as it is."""
    return Attempt(
        outcome=Outcome.DEAD,
        status_code=None,
        latency_ms=0,
        answer_head=None,
        error=error[:ERROR_LENGTH],
        retry_after=None,
    )


def retry_after(text: str, *, now: datetime) -> timedelta | None:
    """Return how long ``Retry-After`` wants us to stay away: seconds or a date, at most a day.

    What is neither is ignored (RFC 9110, 10.2.3 knows no other form).
    """
    if not text:
        return None
    if text.isascii() and text.isdigit():
        # As long as a day in digits; int() of a longer text would only cost time.
        return min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_WAIT)


def readable(head: bytes) -> str:
    """Return the beginning of an answer as one line of text that can be shown and stored."""
    text = head[:ANSWER_HEAD_BYTES].decode("utf-8", "replace")
    return one_line(text, length=ANSWER_HEAD_BYTES)


def _why(status: int) -> str:
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed, the endpoint needs its new URL"
    if status == GONE:
        return "answered 410: it wants no more calls"
    return f"answered {status}"
