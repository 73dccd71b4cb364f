"""Mail through SendGrid, Mailgun and SES: whole calls, per person outcomes."""

from __future__ import annotations

import asyncio
import email
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from doclife.delivery.channel import Message
from doclife.delivery.email import EmailChannel
from doclife.delivery.exchange import open_client
from doclife.delivery.mail import Sender
from doclife.delivery.mail_service import MailService, Provider
from doclife.delivery.opening import transport_of
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.sigv4 import AwsKey, signed_headers
from tests.delivery.far_side import LOOPBACK, answering, serving
from tests.delivery.mail_vendors import Vendor, mailgun, sendgrid
from tests.delivery.test_smtp import mail, outcomes

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

SENDER = Sender(address="records@example.org", name="Records")
SERVICES = {
    "sendgrid": MailService(provider=Provider.SENDGRID, sender=SENDER, password="SG.right"),
    "mailgun": MailService(
        provider=Provider.MAILGUN, sender=SENDER, password="key-right", domain="mg.example.org"
    ),
    "ses": MailService(
        provider=Provider.SES,
        sender=SENDER,
        login="AKIDEXAMPLE",
        password="se/cret+key",
        region="eu-west-1",
    ),
}
BULK = {"sendgrid": sendgrid, "mailgun": mailgun}


async def deliver(messages: Sequence[Message], to: MailService) -> Sequence[Attempt]:
    async with open_client(LOOPBACK) as client:
        transport = transport_of(to, client, clock=lambda: datetime.now(UTC))
        return await EmailChannel(transport, sender=to.sender).deliver(messages)


def through(
    messages: Sequence[Message], to: MailService, answer: Answer
) -> tuple[Sequence[Attempt], int]:
    """Deliver to a server that answers so; also return how often it was called."""

    async def scenario() -> tuple[Sequence[Attempt], int]:
        async with serving(answer) as side:
            attempts = await deliver(messages, replace(to, base_url=side.url("")))
            return attempts, len(side.calls)

    return asyncio.run(scenario())


def crowd(number: int, **payload: Any) -> list[Message]:
    return [mail(one, f"p{one}@example.org", **payload) for one in range(number)]


# ---- SendGrid and Mailgun


@pytest.mark.parametrize("name", BULK)
def test_a_thousand_and_one_people_are_two_calls_and_each_has_their_own_id(name: str) -> None:
    vendor = Vendor()

    attempts, calls = through(crowd(1001), SERVICES[name], BULK[name](vendor))

    assert calls == 2
    assert set(outcomes(attempts)) == {Outcome.SENT}
    assert sorted(vendor.taken) == sorted(
        (f"p{one}@example.org", f"doclife-{one}") for one in range(1001)
    )


@pytest.mark.parametrize("name", BULK)
def test_three_bad_addresses_among_many_cost_nobody_else_their_mail(name: str) -> None:
    bad = {f"p{one}@example.org" for one in (3, 500, 999)}
    vendor = Vendor(refuses=bad)

    attempts, _ = through(crowd(1000), SERVICES[name], BULK[name](vendor))

    dead = [one for one, attempt in enumerate(attempts) if attempt.outcome is Outcome.DEAD]
    assert dead == [3, 500, 999]
    assert len(vendor.taken) == len(set(vendor.taken)) == 997


@pytest.mark.parametrize("name", BULK)
def test_one_mailbox_twice_is_two_calls(name: str) -> None:
    vendor = Vendor()
    messages = [mail(1, "ben@example.org"), mail(2, "Ben@example.org")]

    attempts, calls = through(messages, SERVICES[name], BULK[name](vendor))

    assert outcomes(attempts) == [Outcome.SENT] * 2
    assert calls == 2


@pytest.mark.parametrize("name", BULK)
def test_different_words_are_different_calls(name: str) -> None:
    vendor = Vendor()
    messages = [mail(1), mail(2, "ada@example.org", text="Something else\n")]

    _, calls = through(messages, SERVICES[name], BULK[name](vendor))

    assert calls == 2


@pytest.mark.parametrize("name", BULK)
def test_headers_and_reply_to_go_where_the_vendor_wants_them(name: str) -> None:
    vendor = Vendor()
    headers = {"Reply-To": "office@example.org", "X-Team": "records"}

    attempts, _ = through([mail(1, headers=headers)], SERVICES[name], BULK[name](vendor))

    assert outcomes(attempts) == [Outcome.SENT]
    call = vendor.calls[0]
    if name == "sendgrid":
        assert call["reply_to"] == {"email": "office@example.org"}
        assert call["headers"] == {"X-Team": "records"}
        assert call["from"] == {"email": "records@example.org", "name": "Records"}
    else:
        assert call["h:Reply-To"] == ["office@example.org"]
        assert call["h:Message-Id"] == ["<doclife-1@example.org>"]
        assert call["from"] == ["Records <records@example.org>"]


@pytest.mark.parametrize("name", SERVICES)
def test_wrong_credentials_stop_the_channel_after_a_few_calls(name: str) -> None:
    messages = [mail(one, text=f"Mail {one}\n") for one in range(100)]

    attempts, calls = through(messages, SERVICES[name], answering(401))

    assert set(outcomes(attempts)) == {Outcome.RETRY}
    assert all(attempt.stops_channel and attempt.retry_after for attempt in attempts)
    assert calls <= 8
    assert not any(attempt.disables_endpoint for attempt in attempts)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_vendor_that_is_busy_is_asked_again(name: str, status: int) -> None:
    answer = answering(status, headers={"Retry-After": "77"})

    attempts, calls = through(crowd(3), replace(SERVICES[name]), answer)

    assert set(outcomes(attempts)) == {Outcome.RETRY}
    assert {attempt.retry_after for attempt in attempts} == {timedelta(seconds=77)}
    assert calls == (3 if name == "ses" else 1)


# ---- SES


@pytest.fixture
def ses(s3_server: str) -> Iterator[Any]:
    client = boto3.client(
        "sesv2",
        endpoint_url=s3_server,
        region_name="eu-west-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="se/cret+key",
    )
    client.create_email_identity(EmailIdentity="example.org")
    yield client
    client.close()


def test_ses_gets_the_mime_of_each_mail_signed(ses: Any, s3_server: str) -> None:
    to = replace(SERVICES["ses"], base_url=s3_server)

    attempts = asyncio.run(deliver(crowd(20), to))

    assert set(outcomes(attempts)) == {Outcome.SENT}
    assert all("MessageId" in (attempt.answer_head or "") for attempt in attempts)
    from moto.ses.models import ses_backends

    region = ses_backends["123456789012"]["eu-west-1"]
    sent = [
        email.message_from_string(one.raw_data, policy=policy.default)
        for one in region.sent_messages
        if hasattr(one, "raw_data")
    ]
    ids = {str(one["Message-ID"]) for one in sent}
    assert ids >= {f"<doclife-{one}@example.org>" for one in range(20)}


def test_a_sender_that_ses_does_not_know_is_refused(ses: Any, s3_server: str) -> None:
    stranger = Sender(address="ceo@unverified.example.net")
    to = replace(SERVICES["ses"], base_url=s3_server, sender=stranger)

    attempt = asyncio.run(deliver([mail(1)], to))[0]

    assert attempt.outcome is Outcome.DEAD
    assert attempt.status_code == 400


@pytest.mark.parametrize(
    ("kind", "status", "outcome", "stops"),
    [
        ("MessageRejected", 400, Outcome.DEAD, False),
        ("BadRequestException", 400, Outcome.DEAD, False),
        ("TooManyRequestsException", 429, Outcome.RETRY, False),
        ("LimitExceededException", 400, Outcome.RETRY, False),
        ("ThrottlingException", 400, Outcome.RETRY, False),
        ("SendingPausedException", 400, Outcome.RETRY, True),
        ("AccountSuspendedException", 400, Outcome.RETRY, True),
        ("InvalidSignatureException", 403, Outcome.RETRY, True),
    ],
)
def test_what_ses_says_means(kind: str, status: int, outcome: Outcome, stops: bool) -> None:
    answer = answering(status, headers={"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/"})

    attempts, _ = through([mail(1)], SERVICES["ses"], answer)

    assert attempts[0].outcome is outcome
    assert attempts[0].stops_channel is stops


def test_requests_are_signed_as_botocore_signs_them() -> None:
    chance = random.Random(4)
    url = "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"
    for number in range(200):
        token = None if number % 2 else f"tok/+={number}"
        body = bytes(chance.randrange(256) for _ in range(chance.randrange(300)))
        theirs = AWSRequest("POST", url, data=body, headers={"content-type": "application/json"})
        credentials = Credentials("AKIDEXAMPLE", "se/cret+key", token)
        SigV4Auth(credentials, "ses", "eu-west-1").add_auth(theirs)
        moment = datetime.fromisoformat(theirs.headers["X-Amz-Date"])
        key = AwsKey(
            access_key="AKIDEXAMPLE",
            secret_key="se/cret+key",
            session_token=token,
            region="eu-west-1",
            service="ses",
        )

        ours = signed_headers(
            key,
            method="POST",
            url=url,
            headers={"content-type": "application/json"},
            body=body,
            now=moment,
        )

        assert ours["authorization"] == theirs.headers["Authorization"]


def test_no_service_shows_its_secrets() -> None:
    shown = repr(SERVICES) + repr(
        AwsKey(access_key="A", secret_key="se/cret", session_token="tok", region="r", service="s")
    )

    assert not any(secret in shown for secret in ("SG.right", "key-right", "se/cret", "tok"))
