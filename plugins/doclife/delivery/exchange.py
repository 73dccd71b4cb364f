"""One HTTP call: bytes out, the head of an answer back, and whether our bytes had left."""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from yarl import URL

from doclife.delivery.guard import CONNECT_TIMEOUT_SECONDS, RefusedAddress

MAX_ANSWER_BYTES = 65_536
"""Where reading an answer stops; the rest is never taken off the wire."""


@dataclass(slots=True)
class _Progress:
    is_sent: bool = False


_progress: ContextVar[_Progress] = ContextVar("progress of the call that is being made")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the far side said."""

    status: int
    headers: Mapping[str, str]
    head: bytes = field(repr=False)
    """At most 64 kB of the body, as they came: never unpacked."""
    latency_ms: int


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


class NotedRequest(aiohttp.ClientRequest):
    """What a session needs so that ``post`` knows whether a request has left.

    aiohttp's own traces would say it too, and cost a fifth of a call.
    """

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Write the body; the headers wait in the same buffer."""
        progress = _progress.get(None)
        if progress is not None:
            progress.is_sent = True
        await super().write_bytes(writer, conn, content_length)


@lru_cache(maxsize=128)
def _limit(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT_SECONDS)


async def post(
    session: aiohttp.ClientSession,
    url: str | URL,
    *,
    body: aiohttp.FormData | bytes,
    headers: Mapping[str, str],
    timeout: timedelta,
) -> Answer | NoAnswer:
    """POST once: no redirect is followed, nothing is tried again.

    :param session: one whose requests are ``NotedRequest``.
    :param body: not empty, or nobody would know whether it has left.
    :param timeout: for all of it, looking up the name and reading the answer included. Once the
        status has come, an answer that drips or never ends is cut off and counts as given.
    """
    progress = _Progress()
    _progress.set(progress)
    begun = time.monotonic()
    try:
        async with session.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=_limit(timeout.total_seconds()),
        ) as response:
            head = await _head_of(response)
            return Answer(
                status=response.status,
                headers=response.headers,
                head=head,
                latency_ms=_since(begun),
            )
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return NoAnswer(
            error=_in_words(error, is_sent=progress.is_sent),
            is_sent=progress.is_sent,
            is_refused=_cause(error, RefusedAddress),
            is_untrusted=isinstance(error, aiohttp.ClientSSLError),
            latency_ms=_since(begun),
        )


async def _head_of(response: aiohttp.ClientResponse) -> bytes:
    head = bytearray()
    try:
        while len(head) < MAX_ANSWER_BYTES and not response.content.at_eof():
            head += await response.content.read(MAX_ANSWER_BYTES - len(head))
    except (aiohttp.ClientError, TimeoutError):
        pass  # the status has been read, and that is the answer
    if not response.content.at_eof():
        response.close()
    return bytes(head)


def _in_words(error: Exception, *, is_sent: bool) -> str:
    """Say what happened without an address: the names behind a host may be nobody's business."""
    if _cause(error, RefusedAddress):
        return RefusedAddress().strerror or ""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host is not known to DNS"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate of the host is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no encrypted connection could be made"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection within the time-out"
    if isinstance(error, TimeoutError):
        return "no answer within the time-out" if is_sent else "no connection within the time-out"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "the connection was refused or cannot be made"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is not HTTP"
    if isinstance(error, ValueError):
        return "the request cannot be written"
    return "the connection was closed without an answer"


def _cause(error: BaseException, kind: type[BaseException]) -> bool:
    found: object = getattr(error, "os_error", None) or error.__cause__
    return isinstance(found, kind)


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
