"""Mail: read from jobs, batched by equal content, handed to whichever service is configured."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from doclife.delivery.channel import Message
from doclife.delivery.classification import AFTER_REFUSED_CREDENTIALS, not_tried, refused
from doclife.delivery.mail import Mail, Sender, batches, read_mail
from doclife.delivery.mail_transport import OUT_OF_TIME, Transport
from doclife.delivery.outcome import Attempt, Outcome
from doclife.errors import ConfigurationError

_ONE_OF_THEM = frozenset({400, 413})
"""A vendor that refuses a whole call so may mean a single mail of it."""


class EmailChannel:
    """Sends mail.

    Once a service has refused our credentials, nothing more is tried as long as the channel is
    open: the mails stay, and an account is not locked for a thousand wrong logins.
    """

    def __init__(self, transport: Transport, *, sender: Sender) -> None:
        self._transport = transport
        self._sender = sender
        self._turns = asyncio.Semaphore(transport.concurrency)
        self._stopped: Attempt | None = None

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Send each mail once, together as far as the service allows.

        What has not had its turn within the longest time-out of them was not tried.
        """
        attempts: dict[int, Attempt] = {}
        mails = []
        for message in messages:
            try:
                mails.append(read_mail(message, sender=self._sender))
            except ConfigurationError as error:
                attempts[message.job_id] = refused(str(error))
        timeout = max((message.timeout for message in messages), default=timedelta(0))
        until = asyncio.get_running_loop().time() + timeout.total_seconds()
        limit, is_shared = self._transport.limit, self._transport.is_shared
        sent = await asyncio.gather(
            *(
                self._send(batch, timeout=timeout, until=until)
                for batch in batches(mails, limit=limit, is_shared=is_shared)
            )
        )
        for batch in sent:
            attempts |= batch
        return [attempts[message.job_id] for message in messages]

    async def _send(
        self, mails: Sequence[Mail], *, timeout: timedelta, until: float
    ) -> dict[int, Attempt]:
        async with self._turns:
            if self._stopped is not None:
                return dict.fromkeys((mail.job_id for mail in mails), self._stopped)
            if asyncio.get_running_loop().time() > until:
                return dict.fromkeys((mail.job_id for mail in mails), OUT_OF_TIME)
            attempts = await self._transport.send(mails, timeout=timeout)
        stopping = next((attempt for attempt in attempts if attempt.stops_channel), None)
        if stopping is not None:
            self._stopped = not_tried(
                stopping.error or "", retry_after=AFTER_REFUSED_CREDENTIALS, stops_channel=True
            )
        if len(mails) > 1 and _may_be_one_of_them(attempts):
            middle = len(mails) // 2
            halves = (mails[:middle], mails[middle:])
            first, second = [
                await self._send(half, timeout=timeout, until=until) for half in halves
            ]
            return first | second
        return {mail.job_id: attempt for mail, attempt in zip(mails, attempts, strict=True)}


def _may_be_one_of_them(attempts: Sequence[Attempt]) -> bool:
    """Whether a call of many was refused as a whole, which may be one mail's fault.

    None of it was taken, so that halves can be offered again until the bad one stands alone.
    """
    return all(
        attempt.outcome is Outcome.DEAD and attempt.status_code in _ONE_OF_THEM
        for attempt in attempts
    )
