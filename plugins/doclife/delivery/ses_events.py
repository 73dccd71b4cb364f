"""Events of Amazon SES, which come through an SNS topic, signed with RSA.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
Only SignatureVersion 2 (SHA-256) is believed: whoever has a topic of their own can let Amazon sign
text for them, and SHA-1 collides.
"""

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from doclife.delivery.mail_events import RefusedEvent, check_age, mail_event
from doclife.domain.mail_event import MailEvent, MailOutcome

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets an address of Amazon's; raises RefusedEvent when it does not answer with 200."""

_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_OUTCOMES = {
    "Delivery": (MailOutcome.DELIVERED, "delivery", "recipients"),
    "Bounce": (MailOutcome.BOUNCED, "bounce", "bouncedRecipients"),
    "Complaint": (MailOutcome.COMPLAINED, "complaint", "complainedRecipients"),
}
MAX_CERTIFICATES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class SnsCall:
    """One call of a topic: events, or the address that confirms the subscription."""

    events: tuple[MailEvent, ...] = ()
    subscribe_url: str | None = None


class SnsReader:
    """Reads calls of one topic; keeps the few certificates that sign them.

    :param fetch: gets certificates.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, RSAPublicKey] = {}

    async def read(self, body: bytes, *, topic: str, now: datetime) -> SnsCall:
        """Return what a call tells; of a kind that we do not know, nothing.

        :param topic: the ARN of the one topic that is listened to.
        :raises RefusedEvent: it is not signed by Amazon, or comes from another topic.
        """
        message = _texts(body)
        kind = message.get("Type", "")
        if kind not in _SIGNED:
            return SnsCall()
        if message.get("TopicArn") != topic:
            raise RefusedEvent("it comes from another topic")
        if message.get("SignatureVersion") != "2":
            raise RefusedEvent(
                "its SignatureVersion is not 2: aws sns set-topic-attributes "
                "--attribute-name SignatureVersion --attribute-value 2 --topic-arn ..."
            )
        await self._verify(message, _SIGNED[kind], now=now)
        check_age(_moment(message.get("Timestamp")), now=now)
        if kind == "SubscriptionConfirmation":
            return SnsCall(subscribe_url=check_address(message.get("SubscribeURL", "")))
        return SnsCall(events=_events(message.get("Message", "")))

    async def confirm(self, subscribe_url: str) -> None:
        """Let Amazon send events of the topic from now on; a second time changes nothing.

        :param subscribe_url: as ``read`` returned it.
        """
        await self._fetch(check_address(subscribe_url))

    async def _verify(
        self, message: Mapping[str, str], names: tuple[str, ...], *, now: datetime
    ) -> None:
        content = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
        try:
            signature = base64.b64decode(message.get("Signature", ""), validate=True)
            key = await self._key(message.get("SigningCertURL", ""), now=now)
            key.verify(signature, content.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error):
            raise RefusedEvent("the signature is not Amazon's") from None

    async def _key(self, url: str, *, now: datetime) -> RSAPublicKey:
        check_address(url)
        if not _CERTIFICATE.fullmatch(urlsplit(url).path) or urlsplit(url).query:
            raise RefusedEvent("the certificate's address is not one of Amazon's")
        if url not in self._keys:
            try:
                certificate = load_pem_x509_certificate(await self._fetch(url))
            except ValueError:
                raise RefusedEvent("what is at the certificate's address is none") from None
            key = certificate.public_key()
            is_valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
            if not isinstance(key, RSAPublicKey) or not is_valid:
                raise RefusedEvent("the certificate is not valid now")
            if len(self._keys) >= MAX_CERTIFICATES:
                self._keys.clear()
            self._keys[url] = key
        return self._keys[url]


def check_address(url: str) -> str:
    """Return an address of SNS; nothing else is ever asked.

    :raises RefusedEvent: it is another.
    """
    try:
        address = urlsplit(url)
        port = address.port
    except ValueError:
        raise RefusedEvent("it names an address that is none") from None
    host = address.netloc
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" \\#")
    if address.scheme != "https" or port is not None or not is_plain or not _HOST.fullmatch(host):
        raise RefusedEvent("it names an address that is not Amazon's")
    return url


def _texts(body: bytes) -> dict[str, str]:
    try:
        told = json.loads(body)
    except ValueError:
        raise RefusedEvent("it is no message of SNS") from None
    if not isinstance(told, dict):
        raise RefusedEvent("it is no message of SNS")
    return {name: value for name, value in told.items() if isinstance(value, str)}


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise RefusedEvent("its time is none") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _events(text: str) -> tuple[MailEvent, ...]:
    try:
        told = json.loads(text)
    except ValueError:
        return ()
    if not isinstance(told, dict) or str(told.get("eventType")) not in _OUTCOMES:
        return ()
    outcome, part, people = _OUTCOMES[str(told["eventType"])]
    what, mail = _object(told.get(part)), _object(told.get("mail"))
    delivery_ids = _object(mail.get("tags")).get("delivery_id")
    delivery_id = delivery_ids[0] if isinstance(delivery_ids, list) and delivery_ids else None
    try:
        occurred_at = _moment(what.get("timestamp"))
    except RefusedEvent:
        return ()
    addressees = what.get(people)
    found = (
        mail_event(
            delivery_id=delivery_id,
            outcome=outcome,
            address=_object(one).get("emailAddress") if isinstance(one, dict) else one,
            occurred_at=occurred_at,
            # Transient: a full mailbox, say. Given up all the same.
            is_lasting=what.get("bounceType") == "Permanent",
            reason=_object(one).get("diagnosticCode") or what.get("bounceSubType"),
        )
        for one in (addressees if isinstance(addressees, list) else [])
    )
    return tuple(event for event in found if event is not None)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
