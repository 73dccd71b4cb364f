"""Calls webhooks: signed as Standard Webhooks 1.0 asks, guarded, each receiver in its own lane."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.hmac import HMAC
from msgspec.structs import replace

from doclife.delivery.channel import Endpoint, Message
from doclife.delivery.classification import attempt_of, not_tried, refused
from doclife.delivery.exchange import Answer, GuardedClient
from doclife.delivery.guard import Guard, RefusedUrl
from doclife.delivery.lane import Lane, LaneClosed
from doclife.delivery.outcome import Attempt
from doclife.delivery.signing import sign, signing_key
from doclife.delivery.validators import check_headers
from doclife.errors import ConfigurationError

MAX_BODY_BYTES = 1_000_000
"""What is larger is refused: receivers refuse it too, and a link would do."""
UNTIL_SET_UP = timedelta(minutes=5)
"""How soon to look again whether an endpoint has got its address or its secret."""


_NOTHING = msgspec.Raw(b"{}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Receiver:
    """An endpoint that may be called, checked."""

    endpoint: Endpoint
    url: str
    keys: Sequence[HMAC]


class WebhookChannel:
    """Calls endpoints.

    :param clock: the present; stamped on each attempt and signed with it, so that a receiver can
        refuse what is replayed later.
    """

    def __init__(
        self,
        client: GuardedClient,
        *,
        guard: Guard,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._guard = guard
        self._clock = clock
        self._lanes: dict[int, Lane] = {}
        self._receivers: dict[int, _Receiver] = {}

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Call the endpoint of each message once, side by side as far as its lane allows."""
        if len(messages) == 1:
            return [await self._deliver(messages[0])]
        return await asyncio.gather(*(self._deliver(message) for message in messages))

    async def _deliver(self, message: Message) -> Attempt:
        receiver = self._receiver(message)
        if isinstance(receiver, Attempt):
            return receiver
        endpoint = receiver.endpoint
        try:
            # Before its turn: what is refused here takes none, and is no probe of a resting lane.
            stored = _read(message.stored)
            body = _body_of(stored, clock=self._clock)
            sent_along = _sent_along(endpoint, stored.headers)
            async with self._lane(endpoint) as lane:
                # After waiting for the turn: a receiver refuses what is five minutes old.
                now = self._clock()
                headers = _headers(message.job_id, receiver.keys, now=now, body=body)
                answer = await self._client.post(
                    receiver.url,
                    body=body,
                    headers={**sent_along, **headers} if sent_along else headers,
                    timeout=message.timeout,
                )
                attempt = attempt_of(answer, now=now)
                lane.note(attempt.outcome, has_answered=isinstance(answer, Answer))
                return attempt
        except ConfigurationError as error:
            return refused(f"endpoint {endpoint.name!r}: {error}")
        except LaneClosed as closed:
            return not_tried(
                f"endpoint {endpoint.name!r}: {closed}", retry_after=closed.retry_after
            )

    def _receiver(self, message: Message) -> _Receiver | Attempt:
        """Return who is to be called, or what stands for the attempt when nobody can be.

        An endpoint is checked once as long as it is the same object: drains read it anew with
        each batch, and the address that is dialled is checked each time by the guard's sockets.
        """
        endpoint = message.endpoint
        if endpoint is None or endpoint.url is None:
            name = endpoint.name if endpoint else message.payload.get("endpoint")
            return not_tried(
                f"there is no endpoint {name!r} yet. Add it with: doclife endpoints add",
                retry_after=UNTIL_SET_UP,
            )
        known = self._receivers.get(endpoint.id)
        if known is not None and known.endpoint is endpoint:
            return known
        if not endpoint.secrets:
            return not_tried(
                f"the Airflow Connection doclife_endpoint_{endpoint.id} with the signing secret of "
                f"endpoint {endpoint.name!r} is missing",
                retry_after=UNTIL_SET_UP,
            )
        try:
            keys = [signing_key(secret) for secret in endpoint.secrets]
        except ConfigurationError as error:
            return not_tried(f"endpoint {endpoint.name!r}: {error}", retry_after=UNTIL_SET_UP)
        try:
            url = str(self._guard.check_url(endpoint.url))
        except RefusedUrl as error:
            return replace(refused(f"endpoint {endpoint.name!r}: {error}"), disables_endpoint=True)
        receiver = _Receiver(endpoint=endpoint, url=url, keys=keys)
        self._receivers[endpoint.id] = receiver
        return receiver

    def _lane(self, endpoint: Endpoint) -> Lane:
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(
                max_concurrency=endpoint.max_concurrency, max_per_second=endpoint.max_per_second
            )
        return lane


def message_id(job_id: int) -> str:
    """Return ``webhook-id``: the same for each attempt, so that a receiver acts once."""
    return f"msg_{job_id}"


class _Stored(msgspec.Struct):
    """What is read of a stored payload: ``data`` is passed on as it is."""

    type: Any = None
    timestamp: Any = None
    data: msgspec.Raw = _NOTHING
    headers: Any = None


class _Body(msgspec.Struct):
    type: Any
    timestamp: Any
    data: msgspec.Raw


_read_stored = msgspec.json.Decoder(_Stored).decode
_write = msgspec.json.Encoder().encode


def _read(stored: str) -> _Stored:
    try:
        found = _read_stored(stored)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"the payload cannot be read: {error}") from None
    if not found.type:
        raise ConfigurationError("the payload says no type, e.g. invoice.paid")
    return found


def _body_of(stored: _Stored, *, clock: Callable[[], datetime]) -> bytes:
    """Return the JSON that is sent: ``type``, ``timestamp`` of the event, ``data``.

    :raises ConfigurationError: it is larger than 1 MB.
    """
    data = _NOTHING if bytes(stored.data) == b"null" else stored.data
    timestamp = stored.timestamp or clock().isoformat()
    body = _write(_Body(type=stored.type, timestamp=timestamp, data=data))
    if len(body) > MAX_BODY_BYTES:
        raise ConfigurationError(
            f"the payload is {len(body)} bytes, more than {MAX_BODY_BYTES}: send a link instead"
        )
    return body


def _sent_along(endpoint: Endpoint, wanted: Any) -> dict[str, str]:
    """Return the headers of the endpoint and those of the job, which yield to the endpoint's."""
    if not wanted and not endpoint.headers:
        return {}
    if not isinstance(wanted or {}, Mapping):
        raise ConfigurationError("the headers of the payload are no object of texts")
    return check_headers({**(wanted or {}), **endpoint.headers})


def _headers(job_id: int, keys: Sequence[HMAC], *, now: datetime, body: bytes) -> dict[str, str]:
    id_, timestamp = message_id(job_id), int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(keys, message_id=id_, timestamp=timestamp, body=body),
    }
