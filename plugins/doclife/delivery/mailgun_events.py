"""Mailgun's webhooks, signed with HMAC over a time and a token, not over what they tell.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
So a token counts for one event only, and whoever records an event remembers its token.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from doclife.delivery.mail_events import RefusedEvent, check_age, mail_event
from doclife.domain.mail_event import MailEvent, MailOutcome

_OUTCOMES = {
    "delivered": MailOutcome.DELIVERED,
    "failed": MailOutcome.BOUNCED,
    "complained": MailOutcome.COMPLAINED,
}
_LASTING = frozenset({"bounce", "suppress-bounce"})
MAX_TOKEN_LENGTH = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class MailgunCall:
    """One call: at most one event, and the token that proves it."""

    event: MailEvent | None
    token: str


def read_mailgun(body: bytes, *, signing_key: str, now: datetime) -> MailgunCall:
    """Return what a call tells.

    :param signing_key: the account's HTTP webhook signing key.
    :raises RefusedEvent: the signature is not Mailgun's.
    """
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    signature = told.get("signature") if isinstance(told, dict) else None
    fields = signature if isinstance(signature, dict) else {}
    timestamp, token, given = (
        str(fields.get(name, "")) for name in ("timestamp", "token", "signature")
    )
    expected = hmac.digest(signing_key.encode(), f"{timestamp}{token}".encode(), "sha256").hex()
    if (
        not hmac.compare_digest(expected.encode(), given.encode())
        or not timestamp.isdigit()
        or not token
        or len(token) > MAX_TOKEN_LENGTH
        or len(timestamp) > len("4102444800")
    ):
        raise RefusedEvent("the signature is not Mailgun's")
    check_age(datetime.fromtimestamp(int(timestamp), UTC), now=now)
    assert isinstance(told, dict)  # it had a signature
    return MailgunCall(event=_event(told.get("event-data")), token=token)


def _event(data: object) -> MailEvent | None:
    if not isinstance(data, dict):
        return None
    outcome, at = _OUTCOMES.get(str(data.get("event"))), data.get("timestamp")
    # What failed for a time is tried again.
    if outcome is None or data.get("severity") == "temporary":
        return None
    if not isinstance(at, int | float) or not 0 < at < 2**33:
        return None
    return mail_event(
        delivery_id=_part(data, "user-variables").get("delivery_id"),
        outcome=outcome,
        address=data.get("recipient"),
        occurred_at=datetime.fromtimestamp(at, UTC),
        is_lasting=outcome is MailOutcome.BOUNCED and data.get("reason") in _LASTING,
        reason=_part(data, "delivery-status").get("message") or data.get("reason"),
    )


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}
