"""Mail servers: aiosmtpd, which nobody here wrote, behaving well or badly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """Takes mail, but answers some recipients with a code of their own."""

    answers: dict[str, str] = field(default_factory=dict)
    """By recipient, at RCPT."""
    data_answers: dict[str, str] = field(default_factory=dict)
    """By recipient, at the end of DATA; ``drop`` closes the connection instead."""
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    sessions: int = 0
    has_tls: list[bool] = field(default_factory=list)
    seconds_per_mail: float = 0

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, answers: Any
    ) -> Any:
        session.host_name = hostname
        self.sessions += 1
        return answers

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.seconds_per_mail)
        recipient = envelope.rcpt_tos[0]
        answer = self.data_answers.get(recipient, "250 queued as 4711")
        content = envelope.content
        assert isinstance(content, bytes)
        if answer == "drop":
            assert server.transport is not None
            server.transport.abort()
            return "250 nobody hears this"
        if answer.startswith("250"):
            parsed = message_from_bytes(content, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append((recipient, parsed))
            self.senders.append(envelope.mail_from or "")
            self.has_tls.append(session.ssl is not None)
        return answer


def _login(_server: Any, _session: Any, _envelope: Any, mechanism: str, given: Any) -> AuthResult:
    ours = LoginPassword(b"doclife", b"s3cret-of-smtp")
    return AuthResult(success=given == ours, handled=mechanism not in ("LOGIN", "PLAIN"))


class _AnyPort(Controller):
    """Lets the system choose the port, and hangs up before it ends."""

    sessions: list[SMTP]

    def factory(self) -> SMTP:
        session: SMTP = super().factory()
        self.sessions = [*getattr(self, "sessions", []), session]
        return session

    def stop(self, no_assert: bool = False) -> None:
        """End after the last connection is closed: aiosmtpd ends its loop in the middle of them."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(timeout=60)
        super().stop(no_assert=no_assert)

    async def _hang_up(self) -> None:
        assert self.server is not None
        self.server.close()
        for _turn in range(5):  # a connection that was accepted last gets its transport in the next
            for session in self.sessions:
                if session.transport is not None:
                    session.transport.abort()
            await asyncio.sleep(0.005)

    def _trigger_server(self) -> None:
        """Knock at the port that it is, not at 0."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(
    mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, needs_login: bool = False
) -> Iterator[int]:
    """Run a server on the loopback; yield its port. With ``tls`` it insists on STARTTLS."""
    controller = _AnyPort(
        mailbox,
        hostname="127.0.0.1",
        port=0,
        tls_context=tls,
        require_starttls=tls is not None,
        auth_required=needs_login,
        authenticator=_login if needs_login else None,
        auth_require_tls=tls is not None,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop(no_assert=True)
