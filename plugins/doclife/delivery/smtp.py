"""Mail over SMTP: one connection for a batch, a transaction of its own for each recipient.

Not Airflow's SmtpHook: it offers a refused mail again by itself, throws away which recipients were
refused, and writes no Message-ID.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import aiosmtplib
from msgspec.structs import replace

from doclife.delivery.classification import not_tried, readable
from doclife.delivery.mail import Mail
from doclife.delivery.mail_service import MailService, Security
from doclife.delivery.mail_transport import OUT_OF_TIME, WHEN_UNREACHABLE, stopped
from doclife.delivery.outcome import Attempt, Outcome

WHEN_GREYLISTED = timedelta(minutes=5)
"""Servers that put off strangers once look again after some minutes (RFC 6647, 4.5)."""
WHEN_MAILBOX_FULL = timedelta(hours=4)
_OUR_FAULT = frozenset({530, 534, 535, 538})
"""Authentication is required, too weak or was refused (RFC 4954, 6)."""
_CLOSING = 421
_MAILBOX_FULL = 552


class SmtpTransport:
    """Hands mail to one server.

    :param clock: the present, for ``Date``.
    :param tls: another trust than the system's, for a server with a certificate of its own.
    """

    limit = 100
    """RFC 5321, 4.5.3.1.8: as many recipients a server takes in one session at least."""
    is_shared = False
    concurrency = 4
    """Connections at once; relays of one's own bear it, and hosted ones rarely allow more."""

    def __init__(
        self,
        service: MailService,
        *,
        clock: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._service = service
        self._clock = clock
        self._tls = tls or ssl.create_default_context()

    async def send(self, mails: Sequence[Mail], *, timeout: timedelta) -> Sequence[Attempt]:
        """Send each mail by itself; after a broken connection the others were not tried."""
        client = aiosmtplib.SMTP(
            hostname=self._service.host,
            port=self._service.port,
            username=self._service.login,
            password=self._service.password,
            use_tls=self._service.security is Security.TLS,
            start_tls=_START_TLS[self._service.security],
            tls_context=self._tls,
            timeout=timeout.total_seconds(),
        )
        begun = time.monotonic()
        try:
            failed = await self._connect(client, begun)
            if failed is not None:
                return [failed] * len(mails)
            attempts = await self._send_all(client, mails, until=begun + timeout.total_seconds())
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
            return attempts
        finally:
            client.close()
            await asyncio.sleep(0)  # lets the socket close before the loop may end

    async def _connect(self, client: aiosmtplib.SMTP, begun: float) -> Attempt | None:
        """Connect and log in; return what became of every mail when that failed."""
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            attempt = _reply(error, Outcome.RETRY, begun)
            if error.code < 500:
                return attempt
            return stopped(
                attempt, f"the mail server refuses the login: {error.code}. Check user and password"
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            return not_tried(
                f"the mail server cannot be reached: {_kind(error)}", retry_after=WHEN_UNREACHABLE
            )
        return None

    async def _send_all(
        self, client: aiosmtplib.SMTP, mails: Sequence[Mail], *, until: float
    ) -> list[Attempt]:
        attempts: list[Attempt] = []
        for mail in mails:
            if attempts and time.monotonic() > until:
                return attempts + [OUT_OF_TIME] * (len(mails) - len(attempts))
            attempt = await self._send_one(client, mail)
            attempts.append(attempt)
            if attempt.stops_channel or not client.is_connected:
                break
        if attempts[-1].stops_channel:
            return attempts + [attempts[-1]] * (len(mails) - len(attempts))
        left = not_tried("the mail server closed the connection", retry_after=timedelta(0))
        return attempts + [left] * (len(mails) - len(attempts))

    async def _send_one(self, client: aiosmtplib.SMTP, mail: Mail) -> Attempt:
        begun = time.monotonic()
        has_begun_data = False
        try:
            await client.mail(mail.sender.address)
            await client.rcpt(mail.to)
            has_begun_data = True
            reply = await client.data(mail.mime(now=self._clock()))
            return Attempt(
                outcome=Outcome.SENT,
                status_code=reply.code,
                latency_ms=_since(begun),
                answer_head=readable(reply.message.encode()),
                error=None,
                retry_after=None,
            )
        except aiosmtplib.SMTPResponseException as error:
            await self._forget(client, error)
            return _refusal(error, begun)
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            return Attempt(
                outcome=Outcome.UNKNOWN if has_begun_data else Outcome.RETRY,
                status_code=None,
                latency_ms=_since(begun),
                answer_head=None,
                error=f"the mail server stopped answering: {_kind(error)}",
                retry_after=None,
            )

    async def _forget(
        self, client: aiosmtplib.SMTP, error: aiosmtplib.SMTPResponseException
    ) -> None:
        """End the transaction that was refused; a server that is closing is let go."""
        if error.code == _CLOSING:
            client.close()
            return
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            client.close()


_START_TLS: dict[Security, bool | None] = {
    Security.TLS: False,
    Security.STARTTLS: True,
    Security.IF_OFFERED: None,  # aiosmtplib: use it when the server offers it
    Security.NONE: False,
}


def _refusal(error: aiosmtplib.SMTPResponseException, begun: float) -> Attempt:
    is_ours = error.code in _OUR_FAULT or (
        isinstance(error, aiosmtplib.SMTPSenderRefused) and error.code >= 500
    )
    if is_ours:
        text = f"the mail server takes no mail from us: {error.code} {error.message}"
        return stopped(_reply(error, Outcome.RETRY, begun), text)
    is_at_recipient = isinstance(error, aiosmtplib.SMTPRecipientRefused)
    if error.code < 500:
        wait = WHEN_GREYLISTED if is_at_recipient else None
        return replace(_reply(error, Outcome.RETRY, begun), retry_after=wait)
    if is_at_recipient and (error.code == _MAILBOX_FULL or "5.2.2" in error.message):
        return replace(_reply(error, Outcome.RETRY, begun), retry_after=WHEN_MAILBOX_FULL)
    return _reply(error, Outcome.DEAD, begun)


def _reply(error: aiosmtplib.SMTPResponseException, outcome: Outcome, begun: float) -> Attempt:
    head = readable(error.message.encode())
    return Attempt(
        outcome=outcome,
        status_code=error.code,
        latency_ms=_since(begun),
        answer_head=head,
        error=f"the mail server answered {error.code} {head}"[:500],
        retry_after=None,
    )


def _kind(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        return "no answer within the time-out"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "no trusted TLS connection"
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return "the connection was closed"
    if isinstance(error, aiosmtplib.SMTPException) and "STARTTLS" in str(error):
        return "it offers no STARTTLS, and mail with a password is not sent in the clear"
    return "no connection"


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
