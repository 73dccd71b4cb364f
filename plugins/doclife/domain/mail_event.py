"""What became of a mail after it was accepted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MailOutcome(StrEnum):
    """What became of a mail."""

    DELIVERED = "delivered"
    """The receiving server took it."""
    BOUNCED = "bounced"
    """It came back, or the service gave it up."""
    COMPLAINED = "complained"
    """Its reader called it spam."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailEvent:
    """One thing that a service told about one mail."""

    job_id: int
    outcome: MailOutcome
    address: str
    """In small letters."""
    occurred_at: datetime
    is_lasting: bool = False
    """Whether the address will never take mail."""
    reason: str | None = None
