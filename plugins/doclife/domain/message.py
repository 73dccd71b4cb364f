"""Messages about documents: what was composed, ready to be stored, or why there is none."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What one recipient is told about one document."""

    document_id: int
    due_on: date | None
    """The day it is about; None when it is about none: then it is sent once for all."""
    window_days: int | None = None
    """Days beforehand, 0 for a warning that is late; None for something that has happened."""
    redirected_to: str | None = None
    """The fallback recipient, when nobody else could be warned of it."""
    recipient: str
    type: str
    """What kind of message a person sees it as; ``daily:<template>`` waits for the digest."""
    kind: str | None = None
    """The job's: email, slack or webhook; None when no job sends it."""
    payload: str | None = None
    """All that the job needs, as JSON."""
    unique_key: str | None = None
    endpoint: str | None = None
    timeout_seconds: int | None = None
    title: str | None = None
    """The line in the dashboard; None when it is not shown there."""
    body: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsendable:
    """Why there is no message about a document."""

    document_id: int
    reason_code: str
    reason: str


TEMPLATES = ("deletion-warning", "expiry-warning", "notice")
"""The message templates that a rule may name."""

DAILY = "daily:"
"""Begins the type of a notification that the next digest takes up."""
