"""One HTTP call: bytes out, the head of an answer back, and whether our bytes had left."""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp

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


def traced() -> aiohttp.TraceConfig:
    """What a session needs so that ``post`` knows whether a request has left."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_note_sent)
    return trace


async def _note_sent(_session: aiohttp.ClientSession, _ctx: SimpleNamespace, _params: Any) -> None:
    progress = _progress.get(None)
    if progress is not None:
        progress.is_sent = True


async def post(
    session: aiohttp.ClientSession,
    url: str,
    *,
    body: aiohttp.FormData | bytes,
    headers: Mapping[str, str],
    timeout: timedelta,
) -> Answer | NoAnswer:
    """POST once: no redirect is followed, nothing is tried again.

    :param session: one that was opened with ``traced()``.
    :param timeout: for all of it, looking up the name and reading the answer included. Once the
        status has come, an answer that drips or never ends is cut off and counts as given.
    """
    progress = _Progress()
    _progress.set(progress)
    begun = time.monotonic()
    limit = aiohttp.ClientTimeout(
        total=timeout.total_seconds(), sock_connect=CONNECT_TIMEOUT_SECONDS
    )
    try:
        async with session.post(
            url, data=body, headers=headers, allow_redirects=False, timeout=limit
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
