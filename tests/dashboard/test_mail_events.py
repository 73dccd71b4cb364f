"""Events of mail services: believed when the service signed them, and recorded once."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from doclife.connections import ServiceConnection
from doclife.delivery.ses_events import SnsReader
from doclife.lifecycle.cleaning import prune_history
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url
from tests.dashboard.public_server import PublicServer, serving
from tests.delivery.test_mail_events import CERTIFICATE, SUBSCRIBE, TOPIC, Amazon, sns
from tests.lifecycle.conftest import NOW, World
from tests.lifecycle.test_required_warnings import (
    OWNER,
    RECORDS,
    add,
    bounce,
    careful,
    fallback,
    judged,
    send,
    waiting,
    warn,
)

URL = "https://documents.example.com/doclife/public/events/"
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
MAILGUN_KEY = "key-of-mailguns-webhooks"


@pytest.fixture
def server(world: World, database: str, postgres: Postgres) -> Iterator[PublicServer]:
    """The pages over the world's catalogue, with the rights that they have in production."""
    url = role_url(postgres, database.rsplit("/", 1)[1], role=databases.TASKS)
    with serving(url, now=NOW) as running:
        running.connections["doclife_email"] = service("sendgrid", event_key=sendgrid_key())
        yield running


def service(transport: str, **extra: str) -> ServiceConnection:
    return ServiceConnection(
        id="doclife_email",
        type="aws" if transport == "ses" else "http",
        login="key",
        password="secret",
        extra={
            "transport": transport,
            "from_email": "records@example.org",
            "domain": "example.org",
            "region_name": "eu-west-1",
            **extra,
        },
    )


def sendgrid_key() -> str:
    der = SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def from_sendgrid(
    server: PublicServer, *events: dict[str, Any], at: datetime | None = None, tamper: bytes = b""
) -> httpx.Response:
    """Call as SendGrid does: signed over the time and the body."""
    body = json.dumps(events).encode()
    timestamp = str(int((at or server.now).timestamp()))
    signature = SENDGRID_KEY.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return server.post(
        URL + "sendgrid",
        body + tamper,
        {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            "Content-Type": "application/json",
        },
    )


def sendgrid_event(job_id: int, event: str, *, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "email": OWNER,
        "event": event,
        "timestamp": int(at.timestamp()),
        "delivery_id": f"doclife-{job_id}",
        "sg_event_id": "changes with every attempt",
        **more,
    }


def warned(world: World) -> int:
    """A required warning that was accepted; the id of its job."""
    add(world)
    careful(world)
    fallback(world)
    assert warn(world) == 1
    job_id = int(world.value("SELECT id FROM jobs"))
    send(world)
    return job_id


def recorded(world: World) -> list[tuple[str, bool, str]]:
    return world.conn.execute(
        "SELECT outcome, is_lasting, address FROM delivery_events ORDER BY occurred_at"
    ).fetchall()


def suppressed(world: World) -> list[tuple[str, str]]:
    return world.conn.execute("SELECT address, reason FROM email_suppressions").fetchall()


def test_a_signed_bounce_takes_the_warning_back_and_the_fallback_recipient_is_told(
    world: World, server: PublicServer
) -> None:
    job_id = warned(world)
    world.later(hours=20)
    server.now = world.now

    answer = from_sendgrid(
        server,
        sendgrid_event(job_id, "bounce", at=world.now, type="bounce", reason="550 5.1.1 no such"),
    )

    assert (answer.status_code, answer.text) == (200, "1 new")
    assert recorded(world) == [("bounced", True, OWNER)]
    assert suppressed(world) == [(OWNER, "bounced")]
    assert warn(world) == 1
    assert waiting(world) == [RECORDS]
    world.later(days=29, hours=4)
    assert "came back on 2026-03-02" not in judged(world)[2]  # the second one counts by then


def test_what_is_given_up_for_now_takes_the_warning_back_and_suppresses_nobody(
    world: World, server: PublicServer
) -> None:
    job_id = warned(world)

    from_sendgrid(server, sendgrid_event(job_id, "bounce", at=NOW, type="blocked"))

    assert recorded(world) == [("bounced", False, OWNER)]
    assert suppressed(world) == []
    assert warn(world) == 1
    assert waiting(world) == [RECORDS]


def test_a_bounce_within_72_hours_counts_also_when_it_is_told_late(
    world: World, server: PublicServer
) -> None:
    job_id = warned(world)
    world.later(hours=73)
    warn(world)  # notes that nothing came back
    server.now = world.now

    from_sendgrid(
        server, sendgrid_event(job_id, "bounce", at=NOW + timedelta(hours=71), type="blocked")
    )

    assert world.value("SELECT bounced_at FROM notices") == NOW + timedelta(hours=71)
    assert warn(world) == 1
    assert waiting(world) == [RECORDS]


def test_a_bounce_after_72_hours_speaks_against_nothing(world: World, server: PublicServer) -> None:
    job_id = warned(world)
    world.later(hours=73)
    server.now = world.now

    from_sendgrid(server, sendgrid_event(job_id, "bounce", at=world.now, type="bounce"))

    assert suppressed(world) == [(OWNER, "bounced")]
    assert world.value("SELECT bounced_at FROM notices") is None
    assert warn(world) == 0


def test_events_twice_out_of_order_or_of_others_are_harmless(
    world: World, server: PublicServer
) -> None:
    job_id = warned(world)
    complained = sendgrid_event(job_id, "spamreport", at=NOW + timedelta(minutes=9))
    delivered = sendgrid_event(job_id, "delivered", at=NOW + timedelta(minutes=1))
    server.now = NOW + timedelta(hours=1)

    counts = [
        from_sendgrid(
            server,
            complained,
            complained,
            sendgrid_event(job_id, "deferred", at=NOW),
            sendgrid_event(job_id + 999, "bounce", at=NOW, type="bounce"),
            sendgrid_event(job_id, "bounce", at=NOW, delivery_id="theirs-7"),
            {"event": "bounce"},
            {"event": "bounce", "timestamp": "soon", "delivery_id": 7},
        ).text,
        from_sendgrid(server, delivered, complained).text,
        from_sendgrid(server, delivered).text,
    ]

    assert counts == ["1 new", "1 new", "0 new"]
    assert recorded(world) == [("delivered", False, OWNER), ("complained", False, OWNER)]
    assert suppressed(world) == [(OWNER, "complained")]


def test_an_event_is_known_before_the_attempt_is_recorded(
    world: World, server: PublicServer
) -> None:
    add(world)
    careful(world)
    warn(world)
    job_id = int(world.value("SELECT id FROM jobs"))

    assert from_sendgrid(server, sendgrid_event(job_id, "delivered", at=NOW)).text == "1 new"


def test_nothing_is_believed_that_sendgrid_did_not_sign(world: World, server: PublicServer) -> None:
    event = sendgrid_event(warned(world), "bounce", at=NOW, type="bounce")

    refused = [
        from_sendgrid(server, event, tamper=b" "),
        from_sendgrid(server, event, at=NOW - timedelta(hours=49)),
        from_sendgrid(server, event, at=NOW + timedelta(minutes=6)),
        server.post(URL + "sendgrid", json.dumps([event]).encode()),
        server.post(
            URL + "sendgrid",
            b"[]",
            {
                "X-Twilio-Email-Event-Webhook-Signature": "no base64",
                "X-Twilio-Email-Event-Webhook-Timestamp": "9" * 400,
            },
        ),
    ]

    assert [answer.status_code for answer in refused] == [403] * 5
    assert recorded(world) == []


def test_only_the_configured_service_is_listened_to(world: World, server: PublicServer) -> None:
    event = sendgrid_event(warned(world), "bounce", at=NOW)
    assert server.post(URL + "mailgun", b"{}").status_code == 404
    server.connections["doclife_email"] = service("sendgrid")
    assert from_sendgrid(server, event).status_code == 404
    server.connections["doclife_email"] = service("sendgrid", event_key="no key")
    assert from_sendgrid(server, event).status_code == 503
    assert httpx.get(server.here(URL + "sendgrid"), timeout=30).status_code == 405


def test_a_body_without_an_end_is_not_read_to_it(world: World, server: PublicServer) -> None:
    answer = server.post(URL + "sendgrid", b"[" + b" " * 1_100_000 + b"]")

    assert answer.status_code == 413


def test_whoever_calls_without_end_is_told_to_wait(world: World, server: PublicServer) -> None:
    assert server.post(URL + "mailgun", b"{}").status_code == 404
    while server.configuration.of_events.take("127.0.0.1", at=server.ticks) is None:
        pass

    answer = server.post(URL + "mailgun", b"{}")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def from_mailgun(
    server: PublicServer,
    *,
    token: str,
    at: datetime = NOW,
    key: str = MAILGUN_KEY,
    **event: Any,
) -> httpx.Response:
    """Call as Mailgun does: signed over a time and a token."""
    timestamp = str(int(at.timestamp()))
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), "sha256").hexdigest()
    told = {
        "signature": {"timestamp": timestamp, "token": token, "signature": signature},
        "event-data": {"recipient": OWNER, "timestamp": at.timestamp() + 0.25, **event},
    }
    return server.post(URL + "mailgun", json.dumps(told).encode())


def test_mailguns_events_are_believed_once_for_each_token(
    world: World, server: PublicServer
) -> None:
    job_id = warned(world)
    ours = {"user-variables": {"delivery_id": f"doclife-{job_id}"}}
    server.connections["doclife_email"] = service("mailgun", event_secret=MAILGUN_KEY)

    answers = [
        from_mailgun(server, token="a" * 50, event="delivered", **ours),
        # The token of one event proves no other.
        from_mailgun(server, token="a" * 50, event="failed", severity="permanent", **ours),
        from_mailgun(server, token="b" * 50, event="failed", severity="temporary", **ours),
        from_mailgun(
            server, token="c" * 50, event="failed", severity="permanent", reason="bounce", **ours
        ),
        from_mailgun(server, token="d" * 50, event="opened", **ours),
        from_mailgun(server, token="d" * 50, event="complained", **ours),
        from_mailgun(server, token="e" * 50, key="another", event="complained", **ours),
        # Their tokens are forgotten in time; by then they prove nothing any more.
        from_mailgun(
            server, token="f" * 50, at=NOW - timedelta(hours=49), event="complained", **ours
        ),
        server.post(URL + "mailgun", b"no json"),
        server.post(URL + "mailgun", b'{"signature": {"timestamp": [], "token": {}}}'),
    ]

    assert [answer.status_code for answer in answers] == [200] * 6 + [403] * 4
    assert [answer.text for answer in answers[:6]] == [f"{new} new" for new in (1, 0, 0, 1, 0, 0)]
    assert recorded(world) == [("delivered", False, OWNER), ("bounced", True, OWNER)]
    assert suppressed(world) == [(OWNER, "bounced")]


def ses_bounce(job_id: int, kind: str = "Permanent") -> str:
    """As docs.aws.amazon.com shows the event of a bounce."""
    return json.dumps(
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [
                    {
                        "emailAddress": OWNER,
                        "action": "failed",
                        "status": "5.1.1",
                        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                    }
                ],
                "timestamp": "2026-03-02T03:00:00.000Z",
            },
            "mail": {
                "destination": [OWNER],
                "tags": {"ses:from-domain": ["example.org"], "delivery_id": [f"doclife-{job_id}"]},
            },
        }
    )


@pytest.fixture
def amazon(server: PublicServer) -> Amazon:
    amazon = Amazon()
    server.connections["doclife_email"] = service("ses", event_topic=TOPIC)
    server.configuration.amazon = SnsReader(amazon.fetch)
    return amazon


def test_events_of_ses_are_believed_when_amazon_signed_them(
    world: World, server: PublicServer, amazon: Amazon
) -> None:
    job_id = warned(world)

    first = server.post(URL + "ses", sns(ses_bounce(job_id)), {"Content-Type": "text/plain"})
    again = server.post(URL + "ses", sns(ses_bounce(job_id)))

    assert (first.text, again.text) == ("1 new", "0 new")
    assert recorded(world) == [("bounced", True, OWNER)]
    assert world.value("SELECT reason FROM delivery_events") == "smtp; 550 5.1.1 user unknown"
    assert suppressed(world) == [(OWNER, "bounced")]
    assert amazon.asked == [CERTIFICATE]  # once for all


def test_a_full_mailbox_at_ses_is_not_for_ever(
    world: World, server: PublicServer, amazon: Amazon
) -> None:
    server.post(URL + "ses", sns(ses_bounce(warned(world), "Transient")))

    assert recorded(world) == [("bounced", False, OWNER)]
    assert suppressed(world) == []


def test_a_subscription_is_confirmed_when_it_is_ours(server: PublicServer, amazon: Amazon) -> None:
    assert server.post(URL + "ses", sns(kind="SubscriptionConfirmation")).status_code == 200
    assert amazon.asked == [CERTIFICATE, SUBSCRIBE]


def test_what_amazon_did_not_sign_is_refused_and_confirms_nothing(
    server: PublicServer, amazon: Amazon
) -> None:
    told = sns("ours", kind="SubscriptionConfirmation").replace(b"ours", b"theirs")

    assert server.post(URL + "ses", told).status_code == 403
    assert amazon.asked == [CERTIFICATE]


def test_what_was_told_is_forgotten_with_the_attempts(world: World, server: PublicServer) -> None:
    from_sendgrid(server, sendgrid_event(warned(world), "delivered", at=NOW))

    prune_history(world.conn, now=NOW + timedelta(days=90))
    assert len(recorded(world)) == 1
    prune_history(world.conn, now=NOW + timedelta(days=90, seconds=1))

    assert recorded(world) == []


def test_an_address_that_is_suppressed_by_hand_keeps_its_reason(
    world: World, server: PublicServer
) -> None:
    job_id = warned(world)
    bounce(world)
    world.conn.execute("UPDATE email_suppressions SET reason = 'manual'")

    from_sendgrid(server, sendgrid_event(job_id, "spamreport", at=NOW))

    assert suppressed(world) == [(OWNER, "manual")]


def test_what_strangers_make_up_is_no_fault_of_ours(server: PublicServer) -> None:
    for transport, extra in (
        ("mailgun", {"event_secret": MAILGUN_KEY}),
        ("ses", {"event_topic": TOPIC}),
    ):
        server.connections["doclife_email"] = service(transport, **extra)
        no_text = {"signature": dict.fromkeys(("timestamp", "token", "signature"), "\ud800")}
        for body in (b"[" * 500_000, json.dumps(no_text).encode()):
            answer = server.post(URL + transport, body)
            assert answer.status_code in (200, 400, 403), (transport, body[:20], answer.text)
