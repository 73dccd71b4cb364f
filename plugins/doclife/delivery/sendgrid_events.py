"""SendGrid's Event Webhook, signed with ECDSA over the time and the body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from doclife.delivery.mail_events import RefusedEvent, check_age, mail_event
from doclife.domain.mail_event import MailEvent, MailOutcome
from doclife.errors import ConfigurationError

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_OUTCOMES = {
    "delivered": MailOutcome.DELIVERED,
    "bounce": MailOutcome.BOUNCED,
    "dropped": MailOutcome.BOUNCED,
    "spamreport": MailOutcome.COMPLAINED,
}
"""``deferred`` is missing: SendGrid goes on trying."""


def read_sendgrid(
    body: bytes, headers: Mapping[str, str], *, public_key: str, now: datetime
) -> list[MailEvent]:
    """Return what a call tells; what is about no mail of ours is left out.

    :param public_key: base64 of the DER form, as SendGrid shows it.
    :raises RefusedEvent: the signature is not SendGrid's.
    :raises ConfigurationError: the key is none.
    """
    key = _key(public_key)
    timestamp = headers.get(TIMESTAMP, "")
    try:
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        key.verify(signature, timestamp.encode() + body, ECDSA(SHA256()))
        signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    except (InvalidSignature, ValueError, OverflowError, OSError):
        raise RefusedEvent("the signature is not SendGrid's") from None
    check_age(signed_at, now=now)
    try:
        told = json.loads(body)
    except ValueError:
        return []
    items = told if isinstance(told, list) else []
    found = (_event(item) for item in items if isinstance(item, dict))
    return [event for event in found if event is not None]


def _event(item: Mapping[str, Any]) -> MailEvent | None:
    outcome = _OUTCOMES.get(str(item.get("event")))
    at = item.get("timestamp")
    if outcome is None or not isinstance(at, int) or not 0 < at < 2**33:
        return None
    is_bounce = item.get("event") == "bounce" and item.get("type") != "blocked"
    return mail_event(
        delivery_id=item.get("delivery_id"),
        outcome=outcome,
        address=item.get("email"),
        occurred_at=datetime.fromtimestamp(at, UTC),
        is_lasting=is_bounce or item.get("reason") == "Bounced Address",
        reason=item.get("reason"),
    )


def _key(text: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ConfigurationError(
            "the event_key of SendGrid is no public key: copy the Verification Key that SendGrid "
            "shows under Mail Settings, Event Webhook, Signature Verification"
        )
    return key
