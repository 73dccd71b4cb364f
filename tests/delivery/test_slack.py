"""Slack: what is posted, how its answers are read, and what cannot be smuggled in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.models.blocks import Block

from doclife.connections import ServiceConnection
from doclife.delivery.channel import Message
from doclife.delivery.exchange import open_client
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.rendering import templates
from doclife.delivery.slack import SlackChannel, SlackRoute, route_of
from doclife.errors import ConfigurationError
from tests.delivery.far_side import LOOPBACK, NOW, QUICKLY, FarSide, Handler, answering, serving

TOKEN = "xoxb-1-s3cret"


def message(job_id: int = 1, channel: str = "#legal", **payload: Any) -> Message:
    return Message(
        job_id=job_id,
        kind="slack",
        stored=json.dumps({"channel": channel, "text": "Hello", "blocks": [], **payload}),
        organization="default",
        endpoint=None,
        attempt=1,
        timeout=QUICKLY,
    )


def api(**answer: Any) -> Handler:
    """Answer as Slack's Web API does: with 200, whatever happened."""
    return answering(
        200,
        body=json.dumps(answer or {"ok": True, "ts": "1.2"}).encode(),
        headers={"Content-Type": "application/json"},
    )


def post(
    messages: Sequence[Message], handler: Handler, *, webhook: bool = False
) -> tuple[Sequence[Attempt], FarSide]:
    async def scenario() -> tuple[Sequence[Attempt], FarSide]:
        async with (
            serving(handler) as side,
            open_client(LOOPBACK) as client,
        ):
            route = (
                SlackRoute(webhook_url=side.url("/services/T/B/x"))
                if webhook
                else SlackRoute(token=TOKEN, base_url=side.url("/api/"))
            )
            channel = SlackChannel(client, routes=lambda *_: route, clock=lambda: NOW)
            return await channel.deliver(messages), side

    return asyncio.run(scenario())


def test_a_bot_posts_to_the_channel_that_the_job_names() -> None:
    attempts, side = post([message(4711, "C0123456789")], api())

    assert attempts[0].outcome is Outcome.SENT
    call = side.calls[0]
    body = json.loads(call.body)
    assert call.path == "/api/chat.postMessage"
    assert call.headers["Authorization"] == f"Bearer {TOKEN}"
    assert body["channel"] == "C0123456789"
    assert body["metadata"]["event_payload"] == {"delivery_id": "doclife-4711"}
    assert body["unfurl_links"] is False


def test_an_incoming_webhook_has_a_channel_of_its_own() -> None:
    attempts, side = post([message()], answering(200, body=b"ok"), webhook=True)

    assert attempts[0].outcome is Outcome.SENT
    assert "channel" not in json.loads(side.calls[0].body)
    assert "Authorization" not in side.calls[0].headers


@pytest.mark.parametrize(
    ("error", "outcome", "stops"),
    [
        ("channel_not_found", Outcome.DEAD, False),
        ("not_in_channel", Outcome.DEAD, False),
        ("is_archived", Outcome.DEAD, False),
        ("msg_too_long", Outcome.DEAD, False),
        ("invalid_blocks", Outcome.DEAD, False),
        ("ratelimited", Outcome.RETRY, False),
        ("internal_error", Outcome.RETRY, False),
        ("service_unavailable", Outcome.RETRY, False),
        ("invalid_auth", Outcome.RETRY, True),
        ("token_revoked", Outcome.RETRY, True),
        ("account_inactive", Outcome.RETRY, True),
    ],
)
def test_the_web_api_says_with_200_that_it_failed(
    error: str, outcome: Outcome, stops: bool
) -> None:
    attempts, _ = post([message()], api(ok=False, error=error))

    assert attempts[0].outcome is outcome
    assert attempts[0].stops_channel is stops
    assert error in (attempts[0].error or "")
    assert TOKEN not in repr(attempts)


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (400, b"invalid_payload", Outcome.DEAD),
        (403, b"action_prohibited", Outcome.DEAD),
        (404, b"no_service", Outcome.DEAD),
        (410, b"channel_is_archived", Outcome.DEAD),
        (500, b"rollup_error", Outcome.RETRY),
    ],
)
def test_a_webhook_says_it_in_its_body(status: int, text: bytes, outcome: Outcome) -> None:
    attempts, _ = post([message()], answering(status, body=text), webhook=True)

    assert attempts[0].outcome is outcome
    assert attempts[0].answer_head == text.decode()
    assert not attempts[0].disables_endpoint


@pytest.mark.parametrize("webhook", [True, False])
def test_retry_after_is_honoured(webhook: bool) -> None:
    attempts, _ = post([message()], answering(429, headers={"Retry-After": "7"}), webhook=webhook)

    assert attempts[0].outcome is Outcome.RETRY
    assert attempts[0].retry_after == timedelta(seconds=7)


def test_one_message_a_second_and_channel_and_other_channels_do_not_wait() -> None:
    arrived: list[tuple[str, float]] = []

    async def note(request: web.Request) -> web.StreamResponse:
        arrived.append(((await request.json())["channel"], time.monotonic()))
        return web.json_response({"ok": True})

    attempts, _ = post([message(1), message(2), message(3, "#other")], note)

    assert {attempt.outcome for attempt in attempts} == {Outcome.SENT}
    legal = [moment for channel, moment in arrived if channel == "#legal"]
    (other,) = [moment for channel, moment in arrived if channel == "#other"]
    assert legal[1] - legal[0] > 0.5  # the first one had to connect as well
    assert other < legal[1]


@pytest.mark.parametrize(
    "payload",
    [
        {"text": ""},
        {"text": None},
        {"channel": "two words"},
        {"channel": "<!channel>"},
        {"blocks": [{"type": "divider"}] * 51},
        {"blocks": "no list"},
    ],
)
def test_what_slack_would_refuse_is_not_sent(payload: dict[str, Any]) -> None:
    attempts, side = post([message(1, **payload)], api())

    assert attempts[0].outcome is Outcome.DEAD
    assert side.calls == []


def test_without_a_route_messages_wait_untried() -> None:
    async def scenario() -> Sequence[Attempt]:
        async with open_client(LOOPBACK) as client:
            channel = SlackChannel(client, routes=lambda *_: None, clock=lambda: NOW)
            return await channel.deliver([message()])

    attempt = asyncio.run(scenario())[0]

    assert attempt.outcome is Outcome.RETRY
    assert not attempt.was_tried


# ---- Connections


def test_the_providers_connections_are_understood() -> None:
    url = "https://hooks.slack.com/services/T000/B000/XXXX"
    whole = ServiceConnection(id="s", type="slackwebhook", password=url)
    token_only = ServiceConnection(id="s", type="slackwebhook", password="/T000/B000/XXXX")
    other = ServiceConnection(
        id="s", type="slackwebhook", host="https://chat.example.org/hooks", password="abc"
    )
    bot = ServiceConnection(id="s", type="slack", password=TOKEN)

    assert route_of(whole).webhook_url == url
    assert route_of(token_only).webhook_url == url
    assert route_of(other).webhook_url == "https://chat.example.org/hooks/abc"
    assert route_of(bot).token == TOKEN
    assert TOKEN not in repr(route_of(bot)) + repr(bot)
    assert "XXXX" not in repr(route_of(whole)) + repr(whole)


@pytest.mark.parametrize(
    "connection",
    [
        ServiceConnection(id="s", type="http", password="x"),
        ServiceConnection(id="s", type="slack"),
        ServiceConnection(id="s", type="slackwebhook", password="https://evil.example/services/T"),
    ],
)
def test_what_is_no_slack_is_refused(connection: ServiceConnection) -> None:
    with pytest.raises(ConfigurationError):
        route_of(connection)


# ---- what somebody else wrote


@pytest.mark.parametrize("name", ["notice", "expiry-warning", "deletion-warning"])
@pytest.mark.parametrize("locale", ["en", "es"])
def test_every_kind_of_notice_is_block_kit_that_slack_takes(name: str, locale: str) -> None:
    rendered = templates().slack(name, locale=locale, context=_context("<!channel> & <http://x|y>"))

    parsed = Block.parse_all([dict(block) for block in rendered.blocks])
    assert None not in parsed
    for block in parsed:
        block.to_dict()  # slack_sdk checks lengths and required parts here
    shown = json.dumps(rendered.blocks)
    assert "<!channel>" not in shown
    assert "<http://x" not in shown


@pytest.mark.parametrize("name", ["notice", "expiry-warning", "deletion-warning"])
def test_a_long_title_is_cut_and_no_entity_in_two(name: str) -> None:
    rendered = templates().slack(name, locale="en", context=_context("&" * 5000))

    for block in Block.parse_all([dict(block) for block in rendered.blocks]):
        block.to_dict()
    assert not rendered.text.endswith(("&", "&a", "&am", "&amp"))


def _context(title: str) -> dict[str, Any]:
    return {
        "document": {
            "external_id": "invoice-1",
            "title": title,
            "document_type": "invoice",
            "owner": "ben",
            "expires_on": date(2026, 3, 2),
        },
        "rule": {"name": "r", "version": "1", "description": None, "authority": None},
        "organization": "default",
        "contact": None,
        "action": "DELETE",
        "anchor_on": date(2026, 1, 1),
        "due_on": date(2026, 3, 2),
        "days_left": 7,
    }
