"""What mail services tell about mails that they took: one form for all of them."""

import re
from datetime import datetime, timedelta

from doclife.domain.address import is_address, mailbox_key
from doclife.domain.mail_event import MailEvent, MailOutcome
from doclife.errors import DoclifeError

MAX_AGE = timedelta(hours=48)
"""A signature that is older proves nothing any more. Services try for a day at most."""
MAX_AHEAD = timedelta(minutes=5)
REASON_LENGTH = 300
_DELIVERY_ID = re.compile(r"doclife-([0-9]{1,18})")


class RefusedEvent(DoclifeError):
    """Nobody can say that an event comes from the service; nothing of it is believed."""


def mail_event(
    *,
    delivery_id: object,
    outcome: MailOutcome,
    address: object,
    occurred_at: datetime,
    is_lasting: bool = False,
    reason: object = None,
) -> MailEvent | None:
    """Return an event, or None when it is about no mail of ours."""
    found = _DELIVERY_ID.fullmatch(delivery_id) if isinstance(delivery_id, str) else None
    if found is None or not isinstance(address, str) or not is_address(address):
        return None
    return MailEvent(
        job_id=int(found[1]),
        outcome=outcome,
        address=mailbox_key(address),
        occurred_at=occurred_at,
        is_lasting=is_lasting,
        reason=one_reason(reason),
    )


def one_reason(reason: object) -> str | None:
    """Return why, on one line; None when it says nothing."""
    if not isinstance(reason, str) or not reason.strip():
        return None
    return " ".join(reason.replace("\x00", " ").split())[:REASON_LENGTH]


def check_age(signed_at: datetime, *, now: datetime) -> None:
    """Refuse what was signed too long ago, or in the future."""
    if not now - MAX_AGE <= signed_at <= now + MAX_AHEAD:
        raise RefusedEvent(f"it was signed at {signed_at.isoformat()}, which is not now")
