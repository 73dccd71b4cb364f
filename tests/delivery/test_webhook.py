"""Webhook calls, as receivers see them and as receivers behave."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec import structs
from standardwebhooks import Webhook, WebhookVerificationError

from doclife.delivery.channel import Endpoint, Message
from doclife.delivery.exchange import MAX_ANSWER_BYTES, open_client
from doclife.delivery.guard import Guard
from doclife.delivery.lane import TRIPS_AFTER
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.signing import new_secret, sign, signing_key
from doclife.delivery.webhook import MAX_BODY_BYTES, WebhookChannel
from doclife.errors import ConfigurationError
from tests.delivery.far_side import (
    LOOPBACK,
    NOW,
    QUICKLY,
    FarSide,
    answering,
    listening,
    serving,
)

OLD, NEW = new_secret(), new_secret()
SIGNATURES = [
    line.split("\t")
    for line in (Path(__file__).parent / "vectors" / "signatures.tsv").read_text().splitlines()
]


def endpoint(url: str | None, **changes: Any) -> Endpoint:
    return replace(Endpoint(id=7, name="erp", url=url, secrets=(NEW,)), **changes)


def message(to: Endpoint | None, *, job_id: int = 1, **changes: Any) -> Message:
    payload = {
        "endpoint": "erp",
        "type": "document.due",
        "timestamp": "2026-03-02T03:00:00+00:00",
        "data": {"title": "Räumung €"},
        "headers": {},
    }
    made = Message(
        job_id=job_id,
        kind="webhook",
        stored=json.dumps(payload),
        organization="default",
        endpoint=to,
        attempt=1,
        timeout=QUICKLY,
    )
    return structs.replace(made, **changes)


async def deliver(
    messages: Sequence[Message], *, guard: Guard = LOOPBACK, now: datetime | None = None
) -> Sequence[Attempt]:
    def clock() -> datetime:
        return now or datetime.now(UTC)

    async with open_client(guard) as client:
        return await WebhookChannel(client, guard=guard, clock=clock).deliver(messages)


async def call_once(side: FarSide, **changes: Any) -> Attempt:
    return (await deliver([message(endpoint(side.url()), **changes)]))[0]


# ---- what is sent


@pytest.mark.parametrize("row", SIGNATURES, ids=lambda row: row[1])
def test_signs_as_the_vectors_say(row: list[str]) -> None:
    secret, id_, timestamp, body, expected = row

    made = sign(
        [signing_key(secret)], message_id=id_, timestamp=int(timestamp), body=b64decode(body)
    )

    assert made == expected


@pytest.mark.parametrize("secret", [NEW, OLD], ids=["new", "old"])
def test_the_reference_receiver_verifies_a_call_with_either_secret_of_a_rotation(
    secret: str,
) -> None:
    async def scenario() -> FarSide:
        async with serving(answering(204)) as side:
            await deliver([message(endpoint(side.url(), secrets=(NEW, OLD)))])
        return side

    call = asyncio.run(scenario()).calls[0]

    Webhook(secret).verify(call.body, call.headers)
    assert json.loads(call.body) == {
        "type": "document.due",
        "timestamp": "2026-03-02T03:00:00+00:00",
        "data": {"title": "Räumung €"},
    }


def test_the_reference_receiver_refuses_a_call_with_another_secret() -> None:
    async def scenario() -> FarSide:
        async with serving(answering(204)) as side:
            await deliver([message(endpoint(side.url()))])
        return side

    call = asyncio.run(scenario()).calls[0]

    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(call.body, call.headers)


def test_attempts_share_an_id_and_each_has_its_own_timestamp() -> None:
    async def scenario() -> FarSide:
        async with serving(answering(500)) as side:
            for later in (0, 5):
                await deliver(
                    [message(endpoint(side.url()), job_id=4711)], now=NOW + timedelta(seconds=later)
                )
        return side

    first, second = asyncio.run(scenario()).calls

    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "msg_4711"
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 5


def test_headers_of_the_endpoint_go_along_and_win_over_those_of_the_job() -> None:
    async def scenario() -> FarSide:
        async with serving(answering(200)) as side:
            to = endpoint(side.url(), headers={"X-Token": "t0ps3cret", "X-Both": "endpoint"})
            payload = {"type": "a.b", "headers": {"X-Both": "job", "X-Job": "1"}}
            await deliver([message(to, stored=json.dumps(payload))])
        return side

    headers = asyncio.run(scenario()).calls[0].headers

    assert headers["X-Token"] == "t0ps3cret"
    assert headers["X-Both"] == "endpoint"
    assert headers["X-Job"] == "1"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"webhook-signature": "v1,x"},
        {"X A": "1"},
        {"X-A": "1\r\nX-B: 2"},
        {"X-A": 1},
        ["X-A"],
        {f"X-{number}": "1" for number in range(11)},
    ],
)
def test_a_job_cannot_forge_headers(headers: Any) -> None:
    async def scenario() -> tuple[Attempt, int]:
        async with serving(answering(200)) as side:
            attempt = await call_once(side, stored=json.dumps({"type": "a.b", "headers": headers}))
            return attempt, len(side.calls)

    attempt, calls = asyncio.run(scenario())

    assert attempt.outcome is Outcome.DEAD
    assert calls == 0


# ---- what comes back


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.SENT) for status in (200, 201, 204, 299)),
        *((status, Outcome.DEAD) for status in (301, 302, 304, 307, 308)),
        *((status, Outcome.DEAD) for status in (400, 401, 403, 404, 405, 410, 413, 422, 451)),
        *((status, Outcome.RETRY) for status in (408, 409, 425, 429)),
        *((status, Outcome.RETRY) for status in (500, 501, 502, 503, 504, 507, 520, 599)),
    ],
)
def test_an_answer_means(status: int, outcome: Outcome) -> None:
    async def scenario() -> Attempt:
        headers = {"Location": "http://127.0.0.2/"} if 300 <= status < 400 else None
        async with serving(answering(status, headers=headers)) as side:
            attempt = await call_once(side)
            assert len(side.calls) == 1
            return attempt

    attempt = asyncio.run(scenario())

    assert attempt.outcome is outcome
    assert attempt.status_code == status
    assert attempt.disables_endpoint is (status == 410)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (" 7 ", 7),
        ("-5", None),
        ("1e3", None),
        ("abc", None),
        ("999999999999", 86400),
        (format_datetime(NOW + timedelta(seconds=60), usegmt=True), 60),
        (format_datetime(NOW - timedelta(seconds=60), usegmt=True), 0),
        ("Fri, 99 Foo 2020", None),
    ],
)
def test_retry_after_is_taken_into_account_and_not_for_ever(
    value: str, seconds: int | None
) -> None:
    async def scenario() -> Attempt:
        async with serving(answering(429, headers={"Retry-After": value})) as side:
            return (await deliver([message(endpoint(side.url()))], now=NOW))[0]

    attempt = asyncio.run(scenario())

    assert attempt.outcome is Outcome.RETRY
    assert attempt.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_redirect_is_not_followed() -> None:
    async def scenario() -> tuple[Attempt, int]:
        async with serving(answering(200)) as other:
            location = {"Location": other.url()}
            async with serving(answering(307, headers=location)) as side:
                return await call_once(side), len(other.calls)

    attempt, calls = asyncio.run(scenario())

    assert attempt.outcome is Outcome.DEAD
    assert "redirect" in (attempt.error or "")
    assert calls == 0


def test_nobody_listens_so_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    attempt = asyncio.run(deliver([message(endpoint(f"http://127.0.0.1:{port}/"))]))[0]

    assert attempt.outcome is Outcome.RETRY
    assert attempt.status_code is None


async def _hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    await asyncio.sleep(60)


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _close(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
        writer.write(bytes([letter]))
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("script", [_hang, _reset, _close, _drip])
def test_bytes_that_left_without_an_answer_are_unknown(script: Any) -> None:
    async def scenario() -> tuple[Attempt, float]:
        async with listening(script) as side:
            begun = time.monotonic()
            attempt = await call_once(side, timeout=timedelta(seconds=1))
            return attempt, time.monotonic() - begun

    attempt, seconds = asyncio.run(scenario())

    assert attempt.outcome is Outcome.UNKNOWN
    assert attempt.error
    assert seconds < 20  # it would drip or hang for a minute


def test_garbage_is_no_answer() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await writer.drain()

    async def scenario() -> Attempt:
        async with listening(script) as side:
            return await call_once(side)

    assert asyncio.run(scenario()).outcome is Outcome.UNKNOWN


def test_200_megabytes_are_not_read() -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(200):
                await response.write(b"x" * 1_000_000)
                written += 1_000_000
        except ConnectionError:
            pass
        return response

    async def scenario() -> Attempt:
        async with serving(endless) as side:
            return await call_once(side)

    attempt = asyncio.run(scenario())

    assert attempt.outcome is Outcome.SENT
    assert len(attempt.answer_head or "") <= 2048
    assert written < 20_000_000  # what the sockets between us hold


def test_a_gzip_bomb_stays_small() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < MAX_ANSWER_BYTES

    async def scenario() -> Attempt:
        headers = {"Content-Encoding": "gzip"}
        async with serving(answering(200, body=bomb, headers=headers)) as side:
            return await call_once(side)

    attempt = asyncio.run(scenario())

    assert attempt.outcome is Outcome.SENT
    assert attempt.answer_head  # what came, packed: fifty million zeros would read as nothing
    assert len(attempt.answer_head) <= 2048


def test_an_answer_that_drips_after_its_status_counts_as_given() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.05)
        return response

    async def scenario() -> Attempt:
        async with serving(drip) as side:
            return await call_once(side, timeout=timedelta(seconds=1))

    assert asyncio.run(scenario()).outcome is Outcome.SENT


def test_what_was_answered_is_kept_as_harmless_text() -> None:
    async def scenario() -> Attempt:
        async with serving(answering(500, body=b"Oops \x1b[2J\x00\xff\n<b>")) as side:
            return await call_once(side)

    head = asyncio.run(scenario()).answer_head

    assert head is not None
    assert head.startswith("Oops")
    assert head.isprintable()


@pytest.mark.parametrize("strict", [Guard(allows_http=True), replace(LOOPBACK, allows_http=False)])
def test_the_guard_refuses_at_delivery_too_and_the_endpoint_is_flagged(strict: Guard) -> None:
    """An address inside, and one that was saved while calls could be unencrypted."""

    async def scenario() -> tuple[Attempt, int]:
        async with serving(answering(200)) as side:
            attempts = await deliver([message(endpoint(side.url()))], guard=strict)
            return attempts[0], len(side.calls)

    attempt, calls = asyncio.run(scenario())

    assert attempt.outcome is Outcome.DEAD
    assert attempt.disables_endpoint
    assert calls == 0


def test_what_is_not_set_up_yet_waits_untried() -> None:
    attempts = asyncio.run(
        deliver(
            [
                message(None),
                message(endpoint(None)),
                message(endpoint("https://example.com/", secrets=())),
                message(endpoint("https://example.com/", secrets=("whsec_short",))),
            ]
        )
    )

    assert [attempt.outcome for attempt in attempts] == [Outcome.RETRY] * 4
    assert not any(attempt.was_tried for attempt in attempts)
    assert all(attempt.retry_after for attempt in attempts)


# ---- many at once


def test_order_is_kept_and_one_fault_is_one_messages() -> None:
    async def even(request: web.Request) -> web.StreamResponse:
        number = int(request.headers["webhook-id"].removeprefix("msg_"))
        await asyncio.sleep(0.01 * (number % 3))
        return web.Response(status=200 if number % 2 else 500)

    async def scenario() -> Sequence[Attempt]:
        async with serving(even) as side:
            to = endpoint(side.url())
            return await deliver([message(to, job_id=number) for number in range(1, 31)])

    attempts = asyncio.run(scenario())

    expected = [Outcome.SENT if number % 2 else Outcome.RETRY for number in range(1, 31)]
    assert [attempt.outcome for attempt in attempts] == expected


def test_no_more_calls_at_once_than_the_endpoint_bears() -> None:
    running, most = 0, 0

    async def slow(_request: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return web.Response()

    async def scenario() -> Sequence[Attempt]:
        async with serving(slow) as side:
            to = endpoint(side.url(), max_concurrency=3)
            return await deliver([message(to, job_id=number) for number in range(20)])

    attempts = asyncio.run(scenario())

    assert {attempt.outcome for attempt in attempts} == {Outcome.SENT}
    assert most == 3


def test_no_more_calls_per_second_than_the_endpoint_bears() -> None:
    async def scenario() -> float:
        async with serving(answering(200)) as side:
            to = endpoint(side.url(), max_per_second=20)
            begun = time.monotonic()
            await deliver([message(to, job_id=number) for number in range(11)])
            return time.monotonic() - begun

    assert 0.45 < asyncio.run(scenario()) < 20


def test_what_would_wait_too_long_for_its_turn_goes_back_untried() -> None:
    async def scenario() -> tuple[Sequence[Attempt], int]:
        async with serving(answering(200)) as side:
            to = endpoint(side.url(), max_per_second=0.05)
            attempts = await deliver([message(to, job_id=number) for number in range(4)])
            return attempts, len(side.calls)

    attempts, calls = asyncio.run(scenario())

    assert calls == 1
    assert [attempt.was_tried for attempt in attempts] == [True, False, False, False]
    assert all(attempt.retry_after for attempt in attempts[1:])


def test_what_can_never_be_sent_takes_no_turn_from_another() -> None:
    too_large = json.dumps({"type": "a", "data": "x" * MAX_BODY_BYTES})

    async def scenario() -> Sequence[Attempt]:
        async with serving(answering(200)) as side:
            to = endpoint(side.url(), max_per_second=0.05)
            return await deliver([message(to, stored=too_large), message(to, job_id=2)])

    attempts = asyncio.run(scenario())

    assert [attempt.outcome for attempt in attempts] == [Outcome.DEAD, Outcome.SENT]


def test_a_dead_endpoint_costs_a_few_time_outs_and_delays_nobody_else() -> None:
    async def scenario() -> tuple[Sequence[Attempt], int, float]:
        async with listening(_hang) as dead, serving(answering(200)) as alive:
            to_dead = endpoint(dead.url(), id=1, max_concurrency=TRIPS_AFTER)
            to_alive = endpoint(alive.url(), id=2)
            messages = [
                message(
                    to_dead if number % 2 else to_alive,
                    job_id=number,
                    timeout=timedelta(seconds=5) if number % 2 else QUICKLY,
                )
                for number in range(400)
            ]
            begun = time.monotonic()
            attempts = await deliver(messages)
            return attempts, len(dead.calls), time.monotonic() - begun

    attempts, calls, seconds = asyncio.run(scenario())

    assert {attempt.outcome for attempt in attempts[::2]} == {Outcome.SENT}
    assert TRIPS_AFTER <= calls < 2 * TRIPS_AFTER
    assert sum(attempt.was_tried for attempt in attempts[1::2]) == calls
    assert seconds < 100  # five at once would take 200 s for all


def test_errors_are_a_sign_of_life_and_rest_no_endpoint() -> None:
    async def scenario() -> Sequence[Attempt]:
        async with serving(answering(500)) as side:
            to = endpoint(side.url())
            return await deliver([message(to, job_id=number) for number in range(20)])

    assert all(attempt.was_tried for attempt in asyncio.run(scenario()))


# ---- secrets


@pytest.mark.parametrize("secret", ["", "hunter2", "whsec_@@@", "whsec_c2hvcnQ=", "whsec_" * 40])
def test_what_is_no_secret_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        signing_key(secret)

    assert not secret or secret not in str(refusal.value)


def test_an_endpoint_shows_neither_secrets_nor_headers() -> None:
    shown = repr(message(endpoint("https://example.com/", headers={"X-Token": "t0ps3cret"})))

    assert NEW not in shown
    assert "t0ps3cret" not in shown
