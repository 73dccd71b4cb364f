"""One HTTP call: bytes out, the head of an answer back, and whether our bytes had left.

libcurl makes the calls. It asks the guard for the socket of each address that it would dial, and
tells when a request is about to leave.
"""

import asyncio
import os
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pycurl
from msgspec import Struct
from yarl import URL

from doclife.delivery.curl_errors import UNENCRYPTED, in_words
from doclife.delivery.curl_handle import new_handle
from doclife.delivery.guard import REFUSED_ADDRESS, Guard
from doclife.delivery.transfers import Transfers

MAX_ANSWER_BYTES = 65_536
"""Where reading an answer stops; the rest is never taken off the wire."""
KEPT_CONNECTIONS = 500
KNOWN_CONNECTIONS = 2 * KEPT_CONNECTIONS
"""Of how many is remembered when they were used; those beyond are long closed."""
ASKED_AFTER_SECONDS = 0.05
"""A kept connection that was used less than so long before is not asked whether it still lives."""
_ALWAYS = ("Accept-Encoding: identity", "Expect:")
"""Nothing packed is wanted, and nobody waits for a receiver's leave to send."""


class Answer(Struct, frozen=True, kw_only=True):
    """What the far side said."""

    status: int
    came: tuple[bytes, ...]
    """Every line that came beside the body: of a 103 before this answer too, and trailers."""
    head: bytes
    """At most 64 kB of the body, as they came: never unpacked."""
    latency_ms: int

    def __repr__(self) -> str:
        """Return it without what the far side said, which may be a secret."""
        return f"Answer(status={self.status}, latency_ms={self.latency_ms})"

    @property
    def lines(self) -> list[bytes]:
        """The status line and the headers of this answer: of no other before it, no trailers."""
        return _own_head(self.came)

    def header(self, name: str) -> str:
        """Return a header's value; empty when it was not sent."""
        wanted = name.lower().encode()
        for line in self.lines:
            found, _, value = line.partition(b":")
            if found.lower() == wanted:
                return value.strip().decode("utf-8", "replace")
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoAnswer:
    """Why there is no answer."""

    error: str
    is_sent: bool
    """Whether any byte of the request may have left us."""
    is_refused: bool = False
    """The guard forbids the address."""
    is_untrusted: bool = False
    """The certificate is not one for this host."""
    latency_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a form."""

    name: str
    content: bytes
    filename: str | None = None
    media_type: str | None = None


@asynccontextmanager
async def open_client(guard: Guard, *, names: Sequence[str] = ()) -> AsyncIterator["GuardedClient"]:
    """Yield a client that connects to what the guard permits.

    :param names: what DNS is not asked for, ``HOST:PORT:ADDRESS`` each; for tests.
    """
    client = GuardedClient(guard, names=names)
    try:
        yield client
    finally:
        await client.close()


class GuardedClient:
    """All of doclife's HTTP goes out through one of these; ``open_client`` makes it.

    Keeps no cookies, takes no proxy from the environment (the guard would see the proxy, not the
    target), follows no redirect, unpacks nothing (a bomb stays small), tries nothing again, and
    connects within 10 seconds. How many calls run at once is for the channels to say. Belongs to
    one event loop.
    """

    def __init__(self, guard: Guard, *, names: Sequence[str]) -> None:
        self._guard = guard
        self._names = names
        self._transfers = Transfers(kept_connections=KEPT_CONNECTIONS)
        self._idle: list[_Exchange] = []
        self._connections: dict[tuple[object, ...], _Connection] = {}

    async def close(self) -> None:
        """End what still runs, and close every connection."""
        self._transfers.close()
        for exchange in self._idle:
            exchange.curl.close()

    async def post(
        self,
        url: str | URL,
        *,
        body: bytes | Sequence[Field],
        headers: Mapping[str, str],
        timeout: timedelta,
    ) -> Answer | NoAnswer:
        """POST once.

        :param body: bytes, or the fields of a form.
        :param timeout: for all of it, looking up the name and reading the answer included. Once the
            status and the headers have come, an answer that drips or never ends is cut off and
            counts as given.
        """
        return await self._call(url, body=body, headers=headers, timeout=timeout)

    async def get(self, url: str | URL, *, timeout: timedelta) -> Answer | NoAnswer:
        """GET once."""
        return await self._call(url, body=None, headers={}, timeout=timeout)

    async def _call(
        self,
        url: str | URL,
        *,
        body: bytes | Sequence[Field] | None,
        headers: Mapping[str, str],
        timeout: timedelta,
    ) -> Answer | NoAnswer:
        exchange = (
            self._idle.pop()
            if self._idle
            else _Exchange(self._guard, new_handle(self._guard, self._names), self._connections)
        )
        ended: Answer | NoAnswer
        try:
            exchange.prepare(str(url), body=body, headers=headers, timeout=timeout)
            # A call that is cancelled while it runs does not come back to the idle ones.
            try:
                await self._transfers.perform(exchange.curl)
            except pycurl.error:
                if not exchange.is_stale:
                    raise
                with exchange.fresh_connection():
                    await self._transfers.perform(exchange.curl)
            ended = exchange.answer()
        except ValueError:  # UnicodeError is one
            ended = exchange.no_answer(pycurl.E_BAD_FUNCTION_ARGUMENT)
        except pycurl.error as error:
            ended = exchange.answer_in_spite_of(error.args[0])
        self._idle.append(exchange)
        return ended


@dataclass(slots=True)
class _Connection:
    """A connection that was made."""

    descriptor: int
    used_at: float
    """When the last request over it began."""


class _Exchange:
    """What one call after another is made with.

    :param connections: those that were used last, by their two addresses and ports; the longest
        unused one comes first.
    """

    def __init__(
        self, guard: Guard, curl: Any, connections: dict[tuple[object, ...], _Connection]
    ) -> None:
        self.curl = curl
        self.is_stale = False
        """The far side had closed the kept connection: nothing has left, and a new one may do."""
        self._guard = guard
        self._connections = connections
        self._dialled: list[int] = []
        self._came: list[bytes] = []
        self._head = bytearray()
        self._is_sent = self._is_refused = False
        self._url = ""
        self._timeout = timedelta()
        self._begun = 0.0
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.SOCKOPTFUNCTION, self._note_socket)
        curl.setopt(pycurl.PREREQFUNCTION, self._let_go)
        curl.setopt(pycurl.HEADERFUNCTION, self._came.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._take)

    def prepare(
        self,
        url: str,
        *,
        body: bytes | Sequence[Field] | None,
        headers: Mapping[str, str],
        timeout: timedelta,
    ) -> None:
        """Forget the call before, and set what is of this one alone.

        :raises ValueError: it cannot be written.
        """
        self._begun = time.monotonic()
        self._came.clear()
        self._head.clear()
        self._dialled.clear()
        self._is_sent = self._is_refused = self.is_stale = False
        curl = self.curl
        if url != self._url:
            curl.setopt(pycurl.URL, url)
            self._url = url
        if timeout != self._timeout:
            curl.setopt(pycurl.TIMEOUT_MS, max(1, round(timeout.total_seconds() * 1000)))
            self._timeout = timeout
        curl.setopt(pycurl.HTTPHEADER, _lines_of(headers))
        if isinstance(body, bytes):
            curl.setopt(pycurl.POSTFIELDS, body)  # makes it a POST
        elif body is None:
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            form = pycurl.CurlMime(curl)
            for each in body:
                form.add(
                    name=each.name,
                    data=each.content,
                    filename=each.filename and each.filename.encode(),
                    content_type=each.media_type,
                )
            curl.setopt(pycurl.MIMEPOST, form)

    @contextmanager
    def fresh_connection(self) -> Iterator[None]:
        self.is_stale = False
        self.curl.setopt(pycurl.FRESH_CONNECT, 1)
        try:
            yield
        finally:
            self.curl.setopt(pycurl.FRESH_CONNECT, 0)

    def answer(self) -> Answer:
        return Answer(
            status=self.curl.getinfo(pycurl.RESPONSE_CODE),
            came=tuple(self._came),
            head=bytes(self._head),
            latency_ms=self._latency_ms(),
        )

    def answer_in_spite_of(self, code: int) -> Answer | NoAnswer:
        """Return the answer if its headers had come when the call broke off."""
        head = _own_head(self._came)
        is_whole = bool(head) and not head[-1].strip()
        if is_whole and self.curl.getinfo(pycurl.RESPONSE_CODE) >= 200:
            return self.answer()
        return self.no_answer(code)

    def no_answer(self, code: int) -> NoAnswer:
        is_refused = self._is_refused and not self._dialled
        return NoAnswer(
            error=REFUSED_ADDRESS if is_refused else in_words(code, is_sent=self._is_sent),
            is_sent=self._is_sent,
            is_refused=is_refused,
            is_untrusted=code in UNENCRYPTED,
            latency_ms=self._latency_ms(),
        )

    def _open_socket(self, _purpose: int, found: Any) -> socket.socket | int:
        """Make the socket for one address, or none: libcurl dials no other way."""
        is_internet = found.family in (socket.AF_INET, socket.AF_INET6)
        if not is_internet or not self._guard.permits_text(str(found.addr[0])):
            self._is_refused = True
            return int(pycurl.SOCKET_BAD)
        made = socket.socket(found.family, found.socktype, found.protocol)
        # pycurl takes a copy of its descriptor as soon as this returns.
        asyncio.get_running_loop().call_soon(made.close)
        return made

    def _note_socket(self, descriptor: int, _purpose: int) -> int:
        # pycurl's copy would go on into every program that is started, and not end with ours.
        os.set_inheritable(descriptor, False)
        self._dialled.append(descriptor)
        return int(pycurl.SOCKOPT_OK)

    def _let_go(self, *addresses: object) -> int:
        """Note that the request leaves; once only.

        When a kept connection dies under a request, libcurl would send it again over a new one, and
        nobody knows whether the far side has read the first. libcurl looks once a second only
        whether kept connections live, so it is asked here.
        """
        if self._is_sent:
            return int(pycurl.PREREQFUNC_ABORT)
        if len(self._dialled) == 1:
            self._connections[addresses] = _Connection(self._dialled[0], self._begun)
            if len(self._connections) > KNOWN_CONNECTIONS:
                del self._connections[next(iter(self._connections))]
        elif not self._dialled and (kept := self._connections.pop(addresses, None)) is not None:
            is_idle = self._begun - kept.used_at > ASKED_AFTER_SECONDS
            if is_idle and _has_ended(kept.descriptor):
                self.is_stale = True
                return int(pycurl.PREREQFUNC_ABORT)
            kept.used_at = self._begun
            self._connections[addresses] = kept
        self._is_sent = True
        return int(pycurl.PREREQFUNC_OK)

    def _take(self, chunk: bytes) -> int | None:
        room = MAX_ANSWER_BYTES - len(self._head)
        self._head += chunk[:room]
        return None if len(chunk) <= room else 0  # libcurl stops at a chunk that was not taken

    def _latency_ms(self) -> int:
        return round((time.monotonic() - self._begun) * 1000)


def _lines_of(headers: Mapping[str, str]) -> Sequence[str | bytes]:
    """Return headers as libcurl takes them.

    :raises ValueError: one has a control character in it, and would be more than one.
    """
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
    lines += _ALWAYS
    together = "".join(lines)
    if not together.isprintable():
        raise ValueError("a control character in a header")
    return lines if together.isascii() else [line.encode() for line in lines]


def _own_head(came: Sequence[bytes]) -> list[bytes]:
    """Return the last head among the lines that came, as far as it came."""
    head: list[bytes] = []
    for line in came:
        if head and not head[-1].strip():
            if not line.startswith(b"HTTP/"):
                break  # a trailer
            head = []  # a 100 or 103 was only the beginning
        head.append(line)
    return head


def _has_ended(descriptor: int) -> bool:
    """Whether a connection on which nothing is awaited has something to tell: its end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
