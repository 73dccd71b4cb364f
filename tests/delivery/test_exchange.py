"""One call over HTTP: what is sent, once, and what is known of it when no answer comes."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from doclife.delivery import exchange, transfers
from doclife.delivery.exchange import Answer, NoAnswer, open_client
from doclife.delivery.transfers import Transfers
from doclife.delivery.watched_sockets import EpollSockets, SelectorSockets, WatchedSockets
from tests.delivery.far_side import LOOPBACK, QUICKLY, answering, listening, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        return head + await reader.readexactly(1)  # every body here has one byte
    except asyncio.IncompleteReadError:
        raise ConnectionError("the client has gone") from None


@pytest.mark.parametrize("reads", [True, False])
def test_a_request_over_a_kept_connection_that_dies_is_not_sent_again(reads: bool) -> None:
    requests: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(OK)
        await writer.drain()
        if reads:
            requests.append(await read_request(reader))
        else:
            await reader.read(1)

    async def scenario() -> list[Answer | NoAnswer]:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            return [
                await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)
                for _ in range(2)
            ]

    first, second = asyncio.run(scenario())

    assert isinstance(first, Answer)
    assert isinstance(second, NoAnswer)
    assert second.is_sent
    assert len(requests) == (2 if reads else 1)


@pytest.mark.parametrize("way", [EpollSockets, SelectorSockets])
def test_a_kept_connection_is_used_again_and_a_closed_one_is_not(
    way: type[WatchedSockets], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "watched_sockets", way)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await read_request(reader)
            writer.write(OK)
        writer.close()
        await reader.read()

    async def scenario() -> tuple[list[Answer | NoAnswer], int]:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            answers = []
            for _ in range(4):
                answers.append(
                    await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)
                )
                await asyncio.sleep(0.1)  # the far side closes after its second answer
            return answers, len(side.calls)

    answers, connections = asyncio.run(scenario())

    assert [isinstance(answer, Answer) for answer in answers] == [True] * 4
    assert connections == 2


def test_a_connection_that_ends_while_it_rests_is_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its end stays readable for ever: who goes on watching it never sleeps again."""
    looks = 0
    go_on = Transfers._go_on

    def counting(self: Transfers) -> None:
        nonlocal looks
        looks += 1
        go_on(self)

    monkeypatch.setattr(Transfers, "_go_on", counting)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.1)  # the client has read it, and keeps the connection
        writer.close()
        await reader.read()

    async def scenario() -> tuple[list[Answer | NoAnswer], int]:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            answers = [await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)]
            before = looks
            await asyncio.sleep(0.3)
            seen = looks - before
            answers.append(await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY))
            return answers, seen

    answers, seen = asyncio.run(scenario())

    assert [isinstance(answer, Answer) for answer in answers] == [True] * 2
    assert seen == 1


def test_no_program_that_is_started_inherits_a_connection() -> None:
    """It would hold it open, watched, when it is closed here."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await reader.read()

    async def scenario() -> list[bool]:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)
            return [os.get_inheritable(each.descriptor) for each in client._connections.values()]

    assert asyncio.run(scenario()) == [False]


@pytest.mark.parametrize("headers", [{"X-A": "1\r\nX-B: 2"}, {"X\nA": "1"}, {"X-A": "\0"}])
def test_a_header_cannot_become_two(headers: dict[str, str]) -> None:
    async def scenario() -> tuple[Answer | NoAnswer, int]:
        async with serving(answering(200)) as side, open_client(LOOPBACK) as client:
            answer = await client.post(side.url(), body=b"x", headers=headers, timeout=QUICKLY)
            return answer, len(side.calls)

    answer, calls = asyncio.run(scenario())

    assert isinstance(answer, NoAnswer)
    assert not answer.is_sent
    assert calls == 0


def test_nothing_is_sent_unencrypted_where_that_is_not_permitted() -> None:
    strict = replace(LOOPBACK, allows_http=False)

    async def scenario() -> tuple[Answer | NoAnswer, int]:
        async with serving(answering(200)) as side, open_client(strict) as client:
            headers = {"Authorization": "Bearer of-a-service"}
            answer = await client.post(side.url(), body=b"x", headers=headers, timeout=QUICKLY)
            return answer, len(side.calls)

    answer, calls = asyncio.run(scenario())

    assert isinstance(answer, NoAnswer)
    assert "DOCLIFE_ALLOW_HTTP" in answer.error
    assert (answer.is_sent, calls) == (False, 0)


def test_headers_arrive_as_they_were_given() -> None:
    async def scenario() -> dict[str, str]:
        async with serving(answering(200)) as side, open_client(LOOPBACK) as client:
            headers = {"X-Empty": "", "X-Text": "a: b; c", "Content-Type": "text/plain"}
            await client.post(side.url(), body=b"x" * 2_000_000, headers=headers, timeout=QUICKLY)
            return side.calls[0].headers

    headers = asyncio.run(scenario())

    assert headers["X-Empty"] == ""
    assert headers["X-Text"] == "a: b; c"
    assert headers["Content-Type"] == "text/plain"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["User-Agent"] == "doclife"
    assert "Expect" not in headers


def test_a_head_that_never_ends_is_no_answer_whatever_came_before_it() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Slow: ")
        await asyncio.sleep(60)

    async def scenario() -> Answer | NoAnswer:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            timeout = timedelta(seconds=2)  # long enough to connect where others work too
            return await client.post(side.url(), body=b"x", headers={}, timeout=timeout)

    answer = asyncio.run(scenario())

    assert isinstance(answer, NoAnswer)
    assert answer.is_sent


def test_only_the_head_of_the_answer_itself_is_read() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(
            b"HTTP/1.1 100 Continue\r\nX-Hint: 1\r\n\r\n"
            b"HTTP/1.1 103 Early Hints\r\nRetry-After: 86400\r\n\r\n"
            b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1\r\nx\r\n0\r\nX-Trailer: 1\r\n\r\n"
        )
        await reader.read()

    async def scenario() -> Answer | NoAnswer:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            return await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)

    answer = asyncio.run(scenario())

    assert isinstance(answer, Answer)
    assert (answer.status, answer.header("retry-after")) == (503, "7")
    assert [line.strip() for line in answer.lines] == [
        b"HTTP/1.1 503 Busy",
        b"Retry-After: 7",
        b"Transfer-Encoding: chunked",
        b"",
    ]


def test_connections_that_are_long_closed_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "KNOWN_CONNECTIONS", 2)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        writer.close()
        await reader.read()

    async def scenario() -> tuple[list[Answer | NoAnswer], int]:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            answers = [
                await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)
                for _ in range(4)
            ]
            return answers, len(client._connections)

    answers, known = asyncio.run(scenario())

    assert [isinstance(answer, Answer) for answer in answers] == [True] * 4
    assert known == 2


def test_a_body_that_breaks_off_is_an_answer() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 202 Accepted\r\nX-A: b\r\nContent-Length: 9\r\n\r\nhalf")
        writer.close()
        await reader.read()

    async def scenario() -> Answer | NoAnswer:
        async with listening(script) as side, open_client(LOOPBACK) as client:
            return await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)

    answer = asyncio.run(scenario())

    assert isinstance(answer, Answer)
    assert (answer.status, answer.head, answer.header("x-a")) == (202, b"half", "b")


def test_a_call_that_is_given_up_does_not_spoil_the_next() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            if b"/hang" in await read_request(reader):
                await asyncio.sleep(60)
            writer.write(OK)

    async def scenario() -> list[Answer | NoAnswer]:
        async with listening(script) as side, open_client(LOOPBACK) as client:

            async def call(path: str) -> Answer | NoAnswer:
                return await client.post(side.url(path), body=b"x", headers={}, timeout=QUICKLY)

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*(call("/hang") for _ in range(3))), 0.3)
            return [await call("/ok") for _ in range(3)]

    answers = asyncio.run(scenario())

    assert all(isinstance(answer, Answer) and answer.head == b"ok" for answer in answers)


# ---- encrypted


def call_encrypted(certificate: trustme.LeafCert) -> tuple[Answer | NoAnswer, list[bytes]]:
    """Call a receiver on the loopback that shows this certificate."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def scenario() -> Answer | NoAnswer:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        async with server, open_client(LOOPBACK) as client:
            url = f"https://127.0.0.1:{port}/"
            return await client.post(url, body=b"x", headers={}, timeout=QUICKLY)

    return asyncio.run(scenario()), requests


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """An authority that this machine trusts, as Python's ssl is told of one."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


def test_a_trusted_certificate_is_believed(authority: trustme.CA) -> None:
    answer, requests = call_encrypted(authority.issue_cert("127.0.0.1"))

    assert isinstance(answer, Answer)
    assert len(requests) == 1


@pytest.mark.parametrize("who", ["a stranger", "another host"])
def test_nothing_is_sent_to_whom_no_certificate_vouches_for(
    authority: trustme.CA, who: str
) -> None:
    issuer = trustme.CA() if who == "a stranger" else authority

    answer, requests = call_encrypted(
        issuer.issue_cert("127.0.0.1" if who == "a stranger" else "other.example.com")
    )

    assert isinstance(answer, NoAnswer)
    assert answer.is_untrusted
    assert not answer.is_sent
    assert "certificate" in answer.error
    assert requests == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "dict://127.0.0.1/"])
def test_nothing_but_http_is_spoken(url: str) -> None:
    async def scenario() -> Answer | NoAnswer:
        async with open_client(LOOPBACK) as client:
            return await client.get(url, timeout=QUICKLY)

    answer = asyncio.run(scenario())

    assert isinstance(answer, NoAnswer)
    assert answer.error.startswith("only https is spoken")
