"""Takes in what mail services tell about mails that they took.

Events come late, twice and in any order; each is recorded once, and what follows from it follows
once. What is about no mail of ours is nobody's business here.
"""

from collections.abc import Mapping
from datetime import datetime

from doclife.delivery.mail_events import RefusedEvent
from doclife.delivery.mail_service import Provider
from doclife.delivery.mailgun_events import read_mailgun
from doclife.delivery.sendgrid_events import read_sendgrid
from doclife.delivery.ses_events import Fetch, SnsReader
from doclife.domain.mail_event import MailEvent
from doclife.store import delivery_events
from doclife.store.connection import Connection

__all__ = ["Fetch", "Provider", "RefusedEvent", "SnsReader"]


def take_sendgrid(
    conn: Connection, body: bytes, headers: Mapping[str, str], *, public_key: str, now: datetime
) -> int:
    """Record what SendGrid tells; return how many events were new and about our mails.

    :raises RefusedEvent: SendGrid did not sign it.
    """
    events = read_sendgrid(body, headers, public_key=public_key, now=now)
    return delivery_events.record(conn, events, provider=Provider.SENDGRID, now=now)


def take_mailgun(conn: Connection, body: bytes, *, signing_key: str, now: datetime) -> int:
    """Record what Mailgun tells, like ``take_sendgrid``; a token is good for one call."""
    call = read_mailgun(body, signing_key=signing_key, now=now)
    with conn.transaction():
        # Also the token of what is left out: whoever saw it could tell something else with it.
        if not delivery_events.spend_token(conn, call.token, now=now) or call.event is None:
            return 0
        return delivery_events.record(conn, [call.event], provider=Provider.MAILGUN, now=now)


def take_ses(conn: Connection, events: tuple[MailEvent, ...], *, now: datetime) -> int:
    """Record what Amazon SES tells, read by ``SnsReader``."""
    return delivery_events.record(conn, events, provider=Provider.SES, now=now)
