"""Reads a mail that came: what a page shows of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_SHOWN_FIRST = ("from", "to", "subject", "date")
NEW_WINDOW = '<base target="_blank">'
"""Links lead out of the frame that a mail is shown in, where nothing else may run."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail, read."""

    sender: str
    recipients: str
    """The addresses of its envelope, which the server put on top."""
    subject: str
    headers: Sequence[tuple[str, str]]
    text: str | None
    html: str | None
    attachments: Sequence[str]
    """Their names."""


def read_mail(path: Path) -> Mail:
    """Read a file; what cannot be read of it is left out."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    headers = [(name, str(value)) for name, value in message.items()]
    delivered = [value for name, value in headers if name == "Delivered-To"]
    return Mail(
        sender=str(message["From"] or ""),
        recipients=", ".join(delivered) or str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        headers=sorted(headers, key=lambda header: header[0].lower() not in _SHOWN_FIRST),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=[part.get_filename() or "?" for part in message.iter_attachments()],
    )


def framed(html: str) -> str:
    """Return a mail's HTML with links that open a window of their own."""
    head = _HEAD.search(html)
    at = head.end() if head else 0
    return html[:at] + NEW_WINDOW + html[at:]


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a charset that nobody knows
        return str(part.get_payload())
