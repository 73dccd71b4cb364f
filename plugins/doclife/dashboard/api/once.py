"""Writes that carry an ``Idempotency-Key`` are done once, however often they are sent.

As draft-ietf-httpapi-idempotency-key-header says: the same request is answered again as it was,
another one under the same key is refused with 422, one that is being done with 409.
"""

import hashlib
import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from anyio import CancelScope
from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import SAFE_METHODS, Need
from doclife.dashboard.lease import Lease
from doclife.dashboard.visit import Visit
from doclife.errors import ConfigurationError
from doclife.lifecycle.repeating import Answer, Once

HEADER = "Idempotency-Key"
REPEATED = {"Idempotent-Replayed": "true"}
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A mark among the dependencies of a route: what it does takes more than one transaction.

    :param hidden: fields of the answer that are shown once and never kept.
    """

    hidden: tuple[str, ...] = ()

    def __call__(self) -> None:
        """Ask nothing: only the route looks at it."""


def in_steps(*, hidden: tuple[str, ...] = ()) -> Any:
    """Return what a route lists in its ``dependencies`` when it is no single transaction."""
    return Depends(Steps(hidden=hidden))


def _change_nothing() -> None:
    """Ask nothing: only the route looks at it."""


CHANGES_NOTHING = Depends(_change_nothing)
"""What a route lists in its ``dependencies`` that only looks, though readers may not send it.

It is asked anew each time, and its answer, which may name documents, is kept nowhere.
"""


def repeat_id(request: Request) -> str | None:
    """Return what names the request to others; None without a key.

    The same each time it is sent within a day, another one when the key is used again later.

    What Airflow or a store is asked for under it is found again after a crash.
    """
    found: str | None = getattr(request.state, "repeat_id", None)
    return found


class OnceRoute(APIRoute):
    """A route whose writes take a key: the ``route_class`` of every router of the API."""

    @property
    def takes_key(self) -> bool:
        """Whether a key means anything: not where nothing is changed, or bytes are sent.

        Readers may send what changes nothing, or what is as true the second time; previews that
        only others may send are marked.
        """
        deeds = {
            each.dependency.deed for each in self.dependencies if isinstance(each.dependency, Need)
        }
        return (
            not self.methods <= set(SAFE_METHODS)
            and deeds != {Deed.READ}
            and CHANGES_NOTHING not in self.dependencies
            and self.response_class is not StreamingResponse
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request, once."""
        handle = super().get_route_handler()
        if not self.takes_key:
            return handle
        steps = next(
            (each.dependency for each in self.dependencies if isinstance(each.dependency, Steps)),
            None,
        )

        async def handle_once(request: Request) -> Response:
            header = request.headers.get(HEADER)
            if header is None:
                return await handle(request)
            asked = _Asked(_read_key(header), await request.body(), steps)
            request.state.on_visit = asked.begin
            try:
                response = await handle(request)
            except _AnsweredBeforeError as before:
                return before.response
            except BaseException:
                # Also of a request that is cancelled: the connection goes back to the pool, and
                # must not take the key's lock along.
                with CancelScope(shield=True):
                    await run_in_threadpool(asked.give_up)
                raise
            await run_in_threadpool(asked.end, response)
            return response

        return handle_once


class _AnsweredBeforeError(Exception):
    """Carries the first answer past the route, which is not asked again."""

    def __init__(self, answer: Answer) -> None:
        self.response = Response(
            answer.body,
            status_code=answer.status,
            media_type=answer.media_type,
            headers=REPEATED,
        )


class _Asked:
    """One request with a key, from when it is known who asks until it is answered."""

    def __init__(self, key: str, body: bytes, steps: Steps | None) -> None:
        self._key, self._body, self._steps = key, body, steps
        self._once: Once | None = None
        self._lease: Lease | None = None

    def begin(self, visit: Visit) -> None:
        """Begin, once the login, the rights and the organization are known."""
        once = Once(
            visit.conn,
            requested_by=visit.actor,
            key=self._key,
            organization_id=visit.tenant.id,
            request_digest=_digest(visit, self._body),
            is_in_steps=self._steps is not None,
            now=visit.now,
        )
        if (answer := once.begin()) is not None:
            raise _AnsweredBeforeError(answer)
        self._once, self._lease = once, visit.lease
        if self._steps is not None:
            visit.lease.holder = once
        visit.request.state.repeat_id = hashlib.sha256(
            json.dumps([visit.actor, self._key, once.begun_at.astimezone(UTC).isoformat()]).encode()
        ).hexdigest()[:32]

    def end(self, response: Response) -> None:
        """Keep the answer; a refusal is not kept."""
        if self._once is None or self._lease is None:
            return
        if not 200 <= response.status_code < 300:
            self.give_up()
            return
        body = bytes(response.body)
        if self._steps is not None and self._steps.hidden:
            body = json.dumps(json.loads(body) | dict.fromkeys(self._steps.hidden)).encode()
        self._lease.take()
        self._once.end(
            Answer(
                status=response.status_code,
                media_type=response.headers.get("content-type"),
                body=body or None,
            )
        )

    def give_up(self) -> None:
        """Let go of the key."""
        if self._once is None or self._lease is None:
            return
        try:
            self._lease.take()
        except PoolTimeout:
            return  # the key is free in a minute
        self._once.give_up()


def _read_key(header: str) -> str:
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise ConfigurationError(
            f"{HEADER} is 1 to 255 visible characters of ASCII, for example a new UUID"
        )
    return found[1]


def _digest(visit: Visit, body: bytes) -> bytes:
    """Return what tells this request from every other of the person."""
    request = visit.request
    place = [request.method, request.url.path, request.url.query, visit.tenant.slug]
    return hashlib.sha256(json.dumps(place).encode() + b"\n" + body).digest()
