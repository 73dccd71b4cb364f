"""The public routes. GET shows and changes nothing, for scanners follow links; POST acts."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from psycopg_pool import ConnectionPool, PoolTimeout

from doclife.dashboard.public.configuration import PublicConfiguration, public_configuration
from doclife.dashboard.public.pages import page
from doclife.delivery.link_tokens import ExpiredToken, InvalidToken, Purpose
from doclife.delivery.links import KeepSubject, ListMember
from doclife.errors import ConfigurationError
from doclife.lifecycle import keeping, mail_events, signing_off
from doclife.lifecycle.mail_events import Provider, RefusedEvent
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)
router = APIRouter()

MOST_BYTES = 1_000_000
"""Of a call of a mail service; SendGrid sends at most 768 kB."""

KEY_LENGTH = 100
"""Characters of a token that tell it from others when calls are counted."""

Configuration = Annotated[PublicConfiguration, Depends(public_configuration)]


@router.get("/keep/{token}")
def show_document(request: Request, configuration: Configuration, token: str) -> Response:
    """Show the document that a warning was about."""
    return _keep(request, configuration, token, acts=False)


@router.post("/keep/{token}")
def keep_document(request: Request, configuration: Configuration, token: str) -> Response:
    """Keep it; a second call does no more."""
    return _keep(request, configuration, token, acts=True)


@router.get("/unsubscribe/{token}")
def show_subscription(request: Request, configuration: Configuration, token: str) -> Response:
    """Show whose summaries a link is about."""
    return _unsubscribe(request, configuration, token, acts=False)


@router.post("/unsubscribe/{token}")
def unsubscribe(request: Request, configuration: Configuration, token: str) -> Response:
    """Send no more summaries: what mail programs call (RFC 8058), and the button of the page."""
    return _unsubscribe(request, configuration, token, acts=True)


@router.post("/events/{provider}")
async def take_events(request: Request, configuration: Configuration, provider: str) -> Response:
    """Take in what the configured mail service tells. What nobody signed is answered with 403."""
    wait = configuration.of_events.take(_address(request), at=configuration.ticks())
    if wait is not None:
        return _plain(429, "too many calls", retry_after=wait)
    body = await _body(request)
    if body is None:
        return _plain(413, f"at most {MOST_BYTES} bytes")
    try:
        service = await run_in_threadpool(configuration.mail_service)
        if service is None or service.provider != provider or not service.event_proof:
            return _plain(404, "no events are received from there")
        new = await _take(request, configuration, service.provider, body, service.event_proof)
    except RefusedEvent as error:
        logger.warning("An event in the name of %s was refused: %s", provider[:20], error)
        return _plain(403, str(error))
    except ConfigurationError as error:
        logger.error("Events of %s cannot be received: %s", provider[:20], error)
        return _plain(503, "not configured rightly")
    except (psycopg.OperationalError, PoolTimeout):
        return _plain(503, "try again later")
    except (RecursionError, UnicodeError, psycopg.DataError):
        # JSON can be nested without end, and hold what is no text; services send neither.
        return _plain(400, "it cannot be read")
    return _plain(200, f"{new} new")


async def _take(
    request: Request,
    configuration: PublicConfiguration,
    provider: Provider,
    body: bytes,
    proof: str,
) -> int:
    now = configuration.present()
    if provider is Provider.SES:
        call = await configuration.amazon.read(body, topic=proof, now=now)
        if call.subscribe_url is not None:
            await configuration.amazon.confirm(call.subscribe_url)
        if not call.events:
            return 0

    def record() -> int:
        with _database(request) as conn:
            if provider is Provider.SENDGRID:
                return mail_events.take_sendgrid(
                    conn, body, request.headers, public_key=proof, now=now
                )
            if provider is Provider.MAILGUN:
                return mail_events.take_mailgun(conn, body, signing_key=proof, now=now)
            return mail_events.take_ses(conn, call.events, now=now)

    return await run_in_threadpool(record)


def _keep(
    request: Request, configuration: PublicConfiguration, token: str, *, acts: bool
) -> Response:
    def answer(text: str, conn: Connection) -> Response:
        act = keeping.keep_by_link if acts else keeping.look_up
        found = act(conn, KeepSubject.from_text(text), now=configuration.present())
        if found is None:
            raise InvalidToken
        return page(
            "keep",
            organization=found.organization,
            standing=str(found.standing),
            title=found.title,
            external_id=found.external_id,
            document_type=found.document_type,
            goes_on=found.goes_on,
            kept_until=found.kept_until,
            restorable_until=found.restorable_until,
        )

    return _answer(request, configuration, Purpose.KEEP, token, answer)


def _unsubscribe(
    request: Request, configuration: PublicConfiguration, token: str, *, acts: bool
) -> Response:
    def answer(text: str, conn: Connection) -> Response:
        member = ListMember.from_text(text)
        if acts:
            organization = signing_off.sign_off(conn, member, now=configuration.present())
        else:
            organization = signing_off.organization_of(conn, member)
        return page("unsubscribe", organization=organization, address=member.address, is_done=acts)

    return _answer(request, configuration, Purpose.UNSUBSCRIBE, token, answer)


def _answer(
    request: Request,
    configuration: PublicConfiguration,
    purpose: Purpose,
    token: str,
    answer: Callable[[str, Connection], Response],
) -> Response:
    """Return what a good link shows, or why there is nothing to show."""
    accepted = request.headers.get("accept-language", "")
    at = configuration.ticks()
    for buckets, key in (
        (configuration.by_address, _address(request)),
        (configuration.by_token, f"{purpose}:{token[:KEY_LENGTH]}"),
    ):
        if (wait := buckets.take(key, at=at)) is not None:
            busy = page("problem", status=429, accepted=accepted, what="busy")
            busy.headers["Retry-After"] = str(math.ceil(wait))
            return busy
    try:
        keys = configuration.keys()
        if keys is None:
            raise InvalidToken
        text = keys.open(purpose, token, now=configuration.present())
        with _database(request) as conn:
            return answer(text, conn)
    except ExpiredToken:
        return page("problem", status=410, accepted=accepted, what="expired")
    except InvalidToken:
        return page("problem", status=404, accepted=accepted, what="invalid")
    except (ConfigurationError, psycopg.OperationalError, PoolTimeout) as error:
        logger.error("A public page cannot be shown: %s", error)
        return page("problem", status=503, accepted=accepted, what="away")


@contextmanager
def _database(request: Request) -> Iterator[Connection]:
    pool: ConnectionPool[Connection] = request.app.state.pool
    with pool.connection() as conn:
        yield conn


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _body(request: Request) -> bytes | None:
    """Return the body, or None when it is larger than anybody has to send."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _plain(status: int, text: str, *, retry_after: float | None = None) -> Response:
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    if retry_after is not None:
        headers["Retry-After"] = str(math.ceil(retry_after))
    return Response(text, status_code=status, media_type="text/plain", headers=headers)
