"""What SMTP and the mail vendors have in common: mails in, one attempt for each."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from doclife.delivery.classification import (
    AFTER_REFUSED_CREDENTIALS,
    attempt_of,
    not_tried,
)
from doclife.delivery.exchange import Answer, NoAnswer
from doclife.delivery.mail import Mail
from doclife.delivery.outcome import ERROR_LENGTH, Attempt, Outcome

WHEN_UNREACHABLE = timedelta(minutes=1)
"""How soon to try a mail service again that cannot be reached. Costs no mail an attempt: it says
nothing of the mail."""


OUT_OF_TIME = not_tried("its turn did not come within the time-out", retry_after=timedelta(0))


class Transport(Protocol):
    """One way to hand mail over."""

    limit: int
    """Most mails in one call of ``send``."""
    is_shared: bool
    """Whether the mails of one call are one text to many: equal content, no mailbox twice."""
    concurrency: int
    """Calls of ``send`` at once."""

    async def send(self, mails: Sequence[Mail], *, timeout: timedelta) -> Sequence[Attempt]:
        """Hand mails over; an attempt for each, in order.

        None is begun once ``timeout`` is over: the rest was not tried.
        """
        ...


def vendor_attempt(
    answer: Answer | NoAnswer, *, now: datetime, our_fault: frozenset[int]
) -> Attempt:
    """Return what the answer of a vendor's API says of each mail of a call.

    :param our_fault: statuses that say that the account, key or domain is wrong: no mail's fault,
        and every other mail would be answered the same.
    """
    if isinstance(answer, NoAnswer) and not answer.is_sent:
        return not_tried(
            f"the mail service cannot be reached: {answer.error}", retry_after=WHEN_UNREACHABLE
        )
    attempt = attempt_of(answer, now=now)
    if isinstance(answer, Answer) and answer.status in our_fault:
        return stopped(attempt, f"the mail service answered {answer.status}: check its credentials")
    return replace(attempt, disables_endpoint=False)


def stopped(attempt: Attempt, error: str) -> Attempt:
    """Return the attempt as one that ends all others of this channel for a while."""
    return replace(
        attempt,
        outcome=Outcome.RETRY,
        error=error[:ERROR_LENGTH],
        retry_after=AFTER_REFUSED_CREDENTIALS,
        stops_channel=True,
        disables_endpoint=False,
    )


def json_of(answer: Answer) -> Mapping[str, object]:
    """Return the object that an API answered with; empty when it is none."""
    try:
        found = json.loads(answer.head)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
