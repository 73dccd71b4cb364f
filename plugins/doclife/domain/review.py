"""What a person may answer who is asked about a plan."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MAX_EXTENSION_YEARS = 10
"""Whoever wants to keep documents for longer writes a rule that retains them."""


class Answer(StrEnum):
    """One answer; all but APPROVE are on the side of keeping."""

    APPROVE = "approve"
    REJECT = "reject"
    EXTEND = "extend"
    HOLD = "hold"


class Outcome(StrEnum):
    """What came of a question."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXTENDED = "extended"
    HELD = "held"
    INVALID = "invalid"
    """The answer does not count; somebody is asked again."""
    CLOSED = "closed"
    """The plan waits for nobody any more: a newer one has replaced it, or it was decided."""


OUTCOMES = {
    Answer.APPROVE: Outcome.APPROVED,
    Answer.REJECT: Outcome.REJECTED,
    Answer.EXTEND: Outcome.EXTENDED,
    Answer.HOLD: Outcome.HELD,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """A decision to keep documents: for a while, until a day, or under a legal hold."""

    answer: Answer
    until: date | None = None
    """The last day that they are kept, with EXTEND."""
    matter: str | None = None
    """The legal hold they are put under, with HOLD."""
    comment: str | None = None

    def fault(self, *, today: date) -> str | None:
        """Return what is wrong with it, as a sentence for whoever decided; None if nothing is."""
        if self.answer is Answer.APPROVE:
            return "approving keeps nothing"
        if self.answer is Answer.EXTEND:
            if self.until is None:
                return "extending needs a date: until when are they kept?"
            if self.until <= today:
                return f"{self.until} has passed; an extension ends on a later day"
            if self.until.year > today.year + MAX_EXTENSION_YEARS:
                return (
                    f"{self.until} is more than {MAX_EXTENSION_YEARS} years ahead; "
                    "write a rule that retains them, or put them on hold"
                )
        if self.answer is Answer.HOLD and not (self.matter or "").strip():
            return "a hold needs the name of a matter"
        return None
