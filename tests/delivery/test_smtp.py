"""Mail over SMTP against a server that nobody here wrote."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from doclife.delivery.channel import Message
from doclife.delivery.email import EmailChannel
from doclife.delivery.mail import Sender
from doclife.delivery.mail_service import MailService, Provider, Security
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.smtp import WHEN_GREYLISTED, SmtpTransport
from tests.delivery.far_side import NOW, QUICKLY, listening
from tests.delivery.mail_servers import Mailbox, mail_server

SENDER = Sender(address="records@example.org", name="Records, Räume & Co")
PASSWORD = "s3cret-of-smtp"


def service(port: int, **changes: Any) -> MailService:
    return MailService(
        **{
            "provider": Provider.SMTP,
            "sender": SENDER,
            "host": "127.0.0.1",
            "port": port,
            "security": Security.IF_OFFERED,
            **changes,
        }
    )


def mail(job_id: int, to: str = "ben@example.org", **payload: Any) -> Message:
    return Message(
        job_id=job_id,
        kind="email",
        stored=json.dumps(
            {
                "to": to,
                "from": None,
                "subject": "Invoice 4711 is due",
                "text": "Grüße\n",
                "html": "<p>Grüße</p>",
                "headers": {"Auto-Submitted": "auto-generated"},
                **payload,
            }
        ),
        organization="default",
        endpoint=None,
        attempt=1,
        timeout=QUICKLY,
    )


def deliver(
    messages: Sequence[Message], to: MailService, *, tls: ssl.SSLContext | None = None
) -> Sequence[Attempt]:
    channel = EmailChannel(SmtpTransport(to, clock=lambda: NOW, tls=tls), sender=to.sender)

    async def deliver_and_go_on() -> Sequence[Attempt]:
        attempts = await channel.deliver(messages)
        await asyncio.sleep(0.02)  # sockets close in a later turn of the loop, which a drain has
        return attempts

    return asyncio.run(deliver_and_go_on())


def outcomes(attempts: Sequence[Attempt]) -> list[Outcome]:
    return [attempt.outcome for attempt in attempts]


# ---- what arrives


def test_a_mail_arrives_as_text_and_html_with_the_jobs_own_message_id() -> None:
    mailbox = Mailbox()

    with mail_server(mailbox) as port:
        attempt = deliver([mail(4711)], service(port))[0]

    assert attempt.outcome is Outcome.SENT
    assert attempt.status_code == 250
    assert attempt.answer_head == "queued as 4711"
    recipient, arrived = mailbox.mails[0]
    assert recipient == "ben@example.org"
    assert arrived["Message-ID"] == "<doclife-4711@example.org>"
    assert arrived["From"] == '"Records, Räume & Co" <records@example.org>'
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
    assert arrived.get_body(("plain",)).get_content().strip() == "Grüße"
    assert mailbox.senders == ["records@example.org"]


def test_everybody_sees_only_themselves() -> None:
    mailbox = Mailbox()

    with mail_server(mailbox) as port:
        deliver([mail(1, "ada@example.org"), mail(2, "ben@example.org")], service(port))

    assert [(to, arrived["To"]) for to, arrived in mailbox.mails] == [
        ("ada@example.org", "ada@example.org"),
        ("ben@example.org", "ben@example.org"),
    ]


def test_digests_say_how_to_sign_off_and_warnings_do_not() -> None:
    mailbox = Mailbox()

    with mail_server(mailbox) as port:
        deliver([mail(1, template="digest"), mail(2, template="deletion-warning")], service(port))

    digest, warning = sorted(
        (arrived for _, arrived in mailbox.mails), key=lambda arrived: arrived["Message-ID"]
    )
    assert digest["List-Unsubscribe"] == "<mailto:records@example.org?subject=unsubscribe>"
    assert digest["List-Id"] == "<digest.default.example.org>"
    assert warning["List-Unsubscribe"] is None


def test_one_click_signs_off_from_digests_and_never_from_warnings() -> None:
    mailbox = Mailbox()
    url = f"https://documents.example.com/doclife/public/unsubscribe/{'tok-_en' * 20}"

    with mail_server(mailbox) as port:
        deliver(
            [
                mail(1, template="digest", unsubscribe_url=url),
                mail(2, template="deletion-warning", unsubscribe_url=url),
            ],
            service(port),
        )

    digest, warning = sorted(
        (arrived for _, arrived in mailbox.mails), key=lambda arrived: arrived["Message-ID"]
    )
    assert (
        digest["List-Unsubscribe"] == f"<{url}>, <mailto:records@example.org?subject=unsubscribe>"
    )
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # Mail programs look for the address as it is, not as an encoded word.
    head = digest.as_bytes(policy=digest.policy.clone(refold_source="none")).partition(b"\n\n")[0]
    assert f"<{url}>".encode() in head
    assert warning["List-Unsubscribe"] is warning["List-Unsubscribe-Post"] is None


def test_starttls_and_a_login() -> None:
    authority = trustme.CA()
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    mailbox = Mailbox()

    with mail_server(mailbox, tls=theirs, needs_login=True) as port:
        to = service(port, security=Security.STARTTLS, login="doclife", password=PASSWORD)
        attempts = deliver([mail(1), mail(2, "ada@example.org")], to, tls=ours)

    assert outcomes(attempts) == [Outcome.SENT] * 2
    assert mailbox.has_tls == [True, True]


def test_a_certificate_that_is_not_trusted_gets_no_password() -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(theirs)

    with mail_server(Mailbox(), tls=theirs, needs_login=True) as port:
        to = service(port, security=Security.STARTTLS, login="doclife", password=PASSWORD)
        attempt = deliver([mail(1)], to)[0]

    assert attempt.outcome is Outcome.RETRY
    assert not attempt.was_tried
    assert "TLS" in (attempt.error or "")


def test_a_password_is_not_sent_in_the_clear() -> None:
    with mail_server(Mailbox()) as port:
        to = service(port, security=Security.STARTTLS, login="doclife", password=PASSWORD)
        attempt = deliver([mail(1)], to)[0]

    assert not attempt.was_tried
    assert "STARTTLS" in (attempt.error or "")


# ---- what goes wrong


def test_refusals_are_each_recipients_own() -> None:
    mailbox = Mailbox(
        answers={
            "gone@example.org": "550 5.1.1 no such user",
            "strange@example.org": "451 4.7.1 greylisted, come back later",
            "full@example.org": "552 5.2.2 mailbox full",
        },
        data_answers={"spam@example.org": "554 5.7.1 looks like spam"},
    )
    names = ("ada", "gone", "strange", "full", "spam", "ben")

    with mail_server(mailbox) as port:
        attempts = deliver(
            [mail(number, f"{name}@example.org") for number, name in enumerate(names)],
            service(port),
        )

    assert outcomes(attempts) == [
        Outcome.SENT,
        Outcome.DEAD,
        Outcome.RETRY,
        Outcome.RETRY,
        Outcome.DEAD,
        Outcome.SENT,
    ]
    assert [attempt.status_code for attempt in attempts] == [250, 550, 451, 552, 554, 250]
    assert attempts[2].retry_after == WHEN_GREYLISTED
    assert mailbox.sessions == 1


def test_a_connection_that_drops_after_data_leaves_one_unknown_and_the_rest_untried() -> None:
    mailbox = Mailbox(data_answers={"drop@example.org": "drop"})
    names = ("ada", "drop", "ben")

    with mail_server(mailbox) as port:
        attempts = deliver(
            [mail(number, f"{name}@example.org") for number, name in enumerate(names)],
            service(port),
        )

    assert outcomes(attempts) == [Outcome.SENT, Outcome.UNKNOWN, Outcome.RETRY]
    assert [attempt.was_tried for attempt in attempts] == [True, True, False]
    assert [to for to, _ in mailbox.mails] == ["ada@example.org"]


def test_a_server_that_closes_says_so_and_nothing_is_lost() -> None:
    mailbox = Mailbox(answers={"ada@example.org": "421 4.3.2 shutting down"})

    with mail_server(mailbox) as port:
        attempts = deliver([mail(1, "ada@example.org"), mail(2)], service(port))

    assert outcomes(attempts) == [Outcome.RETRY, Outcome.RETRY]
    assert [attempt.was_tried for attempt in attempts] == [True, False]


def test_wrong_credentials_stop_the_channel_and_cost_no_mail() -> None:
    authority = trustme.CA()
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    mailbox = Mailbox()

    with mail_server(mailbox, tls=theirs, needs_login=True) as port:
        to = service(port, security=Security.STARTTLS, login="doclife", password="wrong-hunter2")
        messages = [mail(number, subject=f"Mail {number}") for number in range(1000)]
        attempts = deliver(messages, to, tls=ours)

    assert set(outcomes(attempts)) == {Outcome.RETRY}
    assert all(attempt.stops_channel and attempt.retry_after for attempt in attempts)
    assert mailbox.sessions <= 2 * SmtpTransport.concurrency  # an EHLO before and after STARTTLS
    assert "hunter2" not in repr(attempts)


def test_a_server_that_cannot_be_reached_costs_no_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    attempt = deliver([mail(1)], service(port))[0]

    assert attempt.outcome is Outcome.RETRY
    assert not attempt.was_tried
    assert attempt.retry_after


def test_a_server_that_says_nothing_ends_with_the_time_out() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async def scenario() -> Attempt:
        async with listening(silent) as side:
            to = service(side.port)
            channel = EmailChannel(SmtpTransport(to, clock=lambda: NOW), sender=SENDER)
            short = replace(mail(1), timeout=timedelta(seconds=1))
            return (await channel.deliver([short]))[0]

    attempt = asyncio.run(scenario())

    assert attempt.outcome is Outcome.RETRY
    assert not attempt.was_tried


def test_what_a_slow_server_has_no_time_for_goes_back_untried() -> None:
    mailbox = Mailbox(seconds_per_mail=0.5)
    messages = [
        # Room to connect where others work too, and not for all.
        replace(mail(number, f"p{number}@example.org"), timeout=timedelta(seconds=6))
        for number in range(20)
    ]

    with mail_server(mailbox) as port:
        attempts = deliver(messages, service(port))

    tried = [attempt.was_tried for attempt in attempts]
    assert tried == sorted(tried, reverse=True)
    assert 1 <= sum(tried) < 20
    assert len(mailbox.mails) == outcomes(attempts).count(Outcome.SENT) == sum(tried)


def test_different_mails_share_a_connection() -> None:
    mailbox = Mailbox()

    with mail_server(mailbox) as port:
        deliver([mail(number, text=f"Mail {number}\n") for number in range(50)], service(port))

    assert len(mailbox.mails) == 50
    assert mailbox.sessions == 1


# ---- what somebody else wrote


@pytest.mark.parametrize(
    "payload",
    [
        {"to": "ben@example.org, eve@example.org"},
        {"to": ["ben@example.org"]},
        {"to": "ben@example.org\nBcc: eve@example.org"},
        {"to": "Ben <ben@example.org>"},
        {"text": ""},
        {"subject": None},
        {"html": 7},
        {"headers": {"Bcc": "eve@example.org"}},
        {"headers": {"X-A": "1\r\nBcc: eve@example.org"}},
        {"headers": {"From": "ceo@example.org"}},
        {"headers": {"Reply-To": "a@example.org, b@example.org"}},
        {"headers": ["X-A"]},
        {"from": "nobody"},
    ],
)
def test_what_is_no_mail_is_refused_and_the_others_go(payload: dict[str, Any]) -> None:
    mailbox = Mailbox()

    with mail_server(mailbox) as port:
        attempts = deliver([mail(1, **payload), mail(2, "ada@example.org")], service(port))

    assert outcomes(attempts) == [Outcome.DEAD, Outcome.SENT]
    assert [to for to, _ in mailbox.mails] == ["ada@example.org"]


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: eve@example.org", "a\n\nbody", "a\0b", "a\u2028Bcc: x", "x" * 1000]
)
def test_no_subject_forges_a_header(subject: str) -> None:
    mailbox = Mailbox()

    with mail_server(mailbox) as port:
        deliver([mail(1, subject=subject)], service(port))

    arrived = mailbox.mails[0][1]
    assert arrived["Bcc"] is None
    assert arrived["Subject"].startswith(subject[0])
    assert arrived.get_body(("plain",)).get_content().strip() == "Grüße"


def test_a_thousand_mails_keep_their_order_and_their_ids() -> None:
    mailbox = Mailbox(answers={f"p{number}@example.org": "550 no" for number in (3, 500, 999)})
    messages = [
        replace(mail(number, f"p{number}@example.org"), timeout=timedelta(minutes=1))
        for number in range(1000)
    ]

    with mail_server(mailbox) as port:
        attempts = deliver(messages, service(port))

    dead = [number for number, one in enumerate(attempts) if one.outcome is Outcome.DEAD]
    assert dead == [3, 500, 999]
    assert len({arrived["Message-ID"] for _, arrived in mailbox.mails}) == 997
