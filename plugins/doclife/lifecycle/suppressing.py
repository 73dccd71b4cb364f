"""Addresses that get no mail: because it came back, because they complained, or by request.

Sending on to an address that does not exist costs a sender the trust of every mail service.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg

from doclife.delivery.channel import Channel, Message
from doclife.delivery.classification import not_tried, refused
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.validators import check_email_address
from doclife.domain.address import mailbox_key
from doclife.domain.organization import Organization
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle.worker_session import Connect, Session
from doclife.store import audit, suppressions
from doclife.store.connection import Connection
from doclife.store.suppressions import Suppression

Answer = TypeVar("Answer")

BY_REQUEST = "by request"
GIVE_UP_SECONDS = 5.0
WHEN_UNREADABLE = timedelta(seconds=10)
"""The catalogue was away for a moment: nothing is sent to whom it may forbid."""
_NO_SUCH_MAILBOX = re.compile(r"5\.1\.(1|10)\b")
"""Enhanced status codes of addresses that are not there (RFC 3463, RFC 7505)."""


class SuppressingChannel:
    """Keeps mail from suppressed addresses, and remembers those that turn out not to exist.

    Holds one connection to the catalogue, opened with the first mail; close it when done.
    """

    def __init__(self, channel: Channel, *, connect: Connect) -> None:
        self._channel = channel
        self._session = Session(connect, give_up_seconds=GIVE_UP_SECONDS)
        self._turn = asyncio.Lock()

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Send what may go; the rest is given up with the reason."""
        try:
            forbidden = await self._run(
                lambda conn: suppressions.find(conn, [_key(message) for message in messages])
            )
        except psycopg.Error:
            waiting = not_tried("the catalogue did not answer", retry_after=WHEN_UNREADABLE)
            return [waiting] * len(messages)
        allowed = [message for message in messages if _key(message) not in forbidden]
        sent = dict(
            zip(
                (message.job_id for message in allowed),
                await self._channel.deliver(allowed) if allowed else (),
                strict=True,
            )
        )
        await self._remember(allowed, sent)
        return [
            sent.get(message.job_id) or _suppressed(forbidden[_key(message)])
            for message in messages
        ]

    async def _run(self, work: Callable[[Connection], Answer]) -> Answer:
        async with self._turn:
            return await asyncio.to_thread(self._session.run, work)

    async def _remember(self, messages: Sequence[Message], sent: Mapping[int, Attempt]) -> None:
        gone = [_key(message) for message in messages if _is_no_mailbox(sent[message.job_id])]

        def suppress_all(conn: Connection) -> None:
            for organization, address in gone:
                suppressions.add(conn, organization=organization, address=address, reason="bounced")

        if gone:
            # When the catalogue is away the attempt still says it, and the next one brings it here.
            with contextlib.suppress(psycopg.OperationalError):
                await self._run(suppress_all)


def list_suppressions(
    conn: Connection,
    *,
    organization: Organization,
    words: str | None = None,
    after: str | None = None,
    size: int | None = None,
) -> list[Suppression]:
    """Return the addresses of an organization that get no mail, by address.

    :param words: only those with this in them, in any case of letters.
    :param after: the last one of the page before; None to begin.
    :param size: at most so many; None for all.
    """
    for text in (words, after):
        if text is not None and (fault := text_fault(text)) is not None:
            raise ConfigurationError(f"nothing can be searched for by a {fault}")
    return suppressions.list_page(
        conn, organization_id=organization.id, words=words, after=after, size=size
    )


def suppress(
    conn: Connection,
    *,
    organization: Organization,
    address: str,
    now: datetime,
    actor: str,
    reason: str = BY_REQUEST,
) -> bool:
    """Let an address get no more mail, warnings included; False when it got none already.

    :param reason: kept in the audit trail.
    """
    key = mailbox_key(check_email_address(address))
    with conn.transaction():
        is_new = suppressions.add(
            conn, organization=organization.slug, address=key, reason="manual"
        )
        if is_new:
            _record(
                conn,
                organization,
                now=now,
                actor=actor,
                action="suppressed",
                address=key,
                reason=reason,
            )
    return is_new


def release(
    conn: Connection,
    *,
    organization: Organization,
    address: str,
    now: datetime,
    actor: str,
    reason: str = BY_REQUEST,
) -> None:
    """Let an address get mail again.

    :param reason: kept in the audit trail.
    :raises ConfigurationError: it is not suppressed.
    """
    key = mailbox_key(address)
    with conn.transaction():
        if not suppressions.remove(conn, organization_id=organization.id, address=key):
            raise ConfigurationError(
                f"{address!r} is not suppressed. Those that are: doclife suppressions list"
            )
        _record(
            conn,
            organization,
            now=now,
            actor=actor,
            action="released",
            address=key,
            reason=reason,
        )


def _record(
    conn: Connection,
    organization: Organization,
    *,
    now: datetime,
    actor: str,
    action: str,
    address: str,
    reason: str,
) -> None:
    audit.record(
        conn,
        organization_id=organization.id,
        at=now,
        actor=actor,
        action=f"address.{action}",
        reason=reason,
        details={"address": address},
    )


def _key(message: Message) -> tuple[str, str]:
    return message.organization, mailbox_key(str(message.payload.get("to")))


def _suppressed(reason: str) -> Attempt:
    return refused(
        f"the address gets no mail ({reason}). To send to it again: doclife suppressions remove"
    )


def _is_no_mailbox(attempt: Attempt) -> bool:
    return attempt.outcome is Outcome.DEAD and bool(
        _NO_SUCH_MAILBOX.match(attempt.answer_head or "")
    )
