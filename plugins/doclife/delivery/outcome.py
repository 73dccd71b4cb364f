"""What became of one attempt to deliver one message."""

from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

ANSWER_HEAD_BYTES = 2048
"""How much of an answer is kept: enough to read why, too little to fill the history."""
ERROR_LENGTH = 500


class Outcome(StrEnum):
    """The four ways an attempt can end."""

    SENT = "sent"
    """The far side said that it has it."""
    RETRY = "retry"
    """It provably has not, and may take it later."""
    DEAD = "dead"
    """It never will: another attempt would end the same."""
    UNKNOWN = "unknown"
    """Bytes left us and no answer came: it may or may not have it."""


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt, as it is recorded."""

    outcome: Outcome
    status_code: int | None
    """HTTP status or SMTP reply code; None when no answer came."""
    latency_ms: int
    answer_head: str | None
    """The first 2 kB of the answer as text, without control characters."""
    error: str | None
    """Why it was not sent, for people: no secret, and no address that the guard hides."""
    retry_after: timedelta | None
    """Not before: what the far side asked for, at most a day. The schedule may say later."""
    disables_endpoint: bool = False
    """The far side wants no more of these (410), or the guard forbids its address."""
    stops_channel: bool = False
    """Our credentials were refused: every other message of this kind would end the same."""
    was_tried: bool = True
    """False when it was not even begun (a resting endpoint, a full lane): no attempt to count."""
