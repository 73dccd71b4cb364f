"""Signatures of mail services, against what they published themselves, and Amazon's addresses."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from doclife.delivery.mail_events import RefusedEvent
from doclife.delivery.sendgrid_events import SIGNATURE, TIMESTAMP, read_sendgrid
from doclife.delivery.ses_events import SnsCall, SnsReader, check_address

SENDGRID = json.loads((Path(__file__).parent / "vectors/sendgrid_event.json").read_text())
THEN = datetime.fromtimestamp(int(SENDGRID["timestamp"]), UTC)
NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:doclife"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336"
AMAZON_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_sendgrids_own_example_is_believed_and_nothing_beside_it() -> None:
    headers = {SIGNATURE: SENDGRID["signature"], TIMESTAMP: SENDGRID["timestamp"]}
    body, key = SENDGRID["body"].encode(), SENDGRID["public_key"]

    assert read_sendgrid(body, headers, public_key=key, now=THEN) == []  # none of our mails
    for given in (body.strip(), body.replace(b"hello", b"hallo"), b""):
        with pytest.raises(RefusedEvent):
            read_sendgrid(given, headers, public_key=key, now=THEN)
    with pytest.raises(RefusedEvent):
        read_sendgrid(body, headers, public_key=key, now=THEN + timedelta(days=3))


def certificate(*, until: datetime = NOW + timedelta(days=300)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(AMAZON_KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(until)
        .sign(AMAZON_KEY, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


class Amazon:
    """What is at Amazon's addresses, and which of them were asked for."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content or certificate()
        self.asked: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.content


def sns(text: str = "", kind: str = "Notification", **changes: str) -> bytes:
    """A message as SNS signs it."""
    message = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": NOW.isoformat().replace("+00:00", ".000Z"),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
    }
    if kind == "SubscriptionConfirmation":
        message |= {"SubscribeURL": SUBSCRIBE, "Token": "2336"}
        names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    else:
        message |= {"Subject": "Amazon SES Email Event Notification"}
        names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    message |= {name: value for name, value in changes.items() if name in names}
    content = "".join(f"{name}\n{message[name]}\n" for name in names)
    signature = AMAZON_KEY.sign(content.encode(), PKCS1v15(), SHA256())
    message["Signature"] = base64.b64encode(signature).decode()
    return json.dumps(message | changes).encode()


def read(told: bytes, amazon: Amazon, *, now: datetime = NOW) -> SnsCall:
    return asyncio.run(SnsReader(amazon.fetch).read(told, topic=TOPIC, now=now))


def test_a_confirmation_that_amazon_signed_says_where_to_confirm() -> None:
    amazon = Amazon()

    assert read(sns(kind="SubscriptionConfirmation"), amazon).subscribe_url == SUBSCRIBE
    assert amazon.asked == [CERTIFICATE]


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-west-1:666:theirs"},
        {"SignatureVersion": "1"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.org/a.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/?next=evil.pem"},
        {"SigningCertURL": CERTIFICATE.replace("https", "http")},
        {"SubscribeURL": "https://169.254.169.254/latest/"},
        {"Timestamp": (NOW - timedelta(hours=49)).isoformat()},
        {"Timestamp": "soon"},
    ],
    ids=lambda changes: " ".join(next(iter(changes.items()))),
)
def test_nothing_is_believed_that_amazon_did_not_sign_for_us(changes: dict[str, str]) -> None:
    amazon = Amazon()

    with pytest.raises(RefusedEvent):
        read(sns(kind="SubscriptionConfirmation", **changes), amazon)
    assert set(amazon.asked) <= {CERTIFICATE}


@pytest.mark.parametrize("told", [b"", b"[]", sns().replace(b"Amazon SES", b"Another")])
def test_what_was_changed_on_the_way_is_refused(told: bytes) -> None:
    with pytest.raises(RefusedEvent):
        read(told, Amazon())


def test_a_message_of_a_kind_that_we_do_not_know_tells_nothing() -> None:
    assert read(sns(kind="UnsubscribeConfirmation"), Amazon()) == SnsCall()


@pytest.mark.parametrize("content", [b"no certificate", certificate(until=NOW)])
def test_a_certificate_that_is_none_or_over_proves_nothing(content: bytes) -> None:
    with pytest.raises(RefusedEvent):
        read(sns("{}"), Amazon(content), now=NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-1.amazonaws.com:8443/a",
        "https://user@sns.eu-west-1.amazonaws.com/a",
        "https://sns.eu-west-1.amazonaws.com\\@evil.org/a",
        "https://sns.eu-west-1.amazonaws.com\n.evil.org/a",
        "https://evil.org#sns.eu-west-1.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com/bucket/a.pem",
        "https://bucket.sns.eu-west-1.amazonaws.com/a.pem",
        "file:///etc/passwd",
        "",
    ],
)
def test_addresses_that_are_not_amazons(url: str) -> None:
    with pytest.raises(RefusedEvent):
        check_address(url)


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "ap-southeast-2"])
def test_addresses_that_are(region: str) -> None:
    assert check_address(f"https://sns.{region}.amazonaws.com/?Action=ConfirmSubscription")
    assert check_address("https://sns.cn-north-1.amazonaws.com.cn/a")
