"""The mail server: takes every mail for everybody, and delivers it into the folder."""

from __future__ import annotations

from datetime import UTC, datetime

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.catcher.caught import CaughtFolder


class Mailbox:
    """What aiosmtpd calls for each mail."""

    def __init__(self, folder: CaughtFolder) -> None:
        self._folder = folder

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds a hook by its name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail with the addresses of its envelope, as a mail server does on delivery."""
        del server, session
        content = envelope.content or b""
        lines = [f"Return-Path: <{envelope.mail_from}>"]
        lines += [f"Delivered-To: {address}" for address in envelope.rcpt_tos]
        trace = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
        body = content if isinstance(content, bytes) else content.encode()
        self._folder.add_mail(trace + body, received_at=datetime.now(UTC))
        return "250 2.0.0 Caught"
