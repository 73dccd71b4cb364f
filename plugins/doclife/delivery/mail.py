"""One mail to one person: read from a job's payload, written as MIME, batched by content."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any

from doclife.delivery.attachments import Attachment, read_attachments
from doclife.delivery.channel import Message
from doclife.delivery.plain_text import one_line
from doclife.delivery.validators import check_email_address
from doclife.domain.address import mailbox_key
from doclife.errors import ConfigurationError

DIGEST = "digest"
SUBJECT_LENGTH = 500
HEADER_LENGTH = 900
"""RFC 5322, 2.1.1: a line has at most 998 characters, its name included."""
UNSUBSCRIBE_LENGTH = 500
_HEADER_NAME = re.compile(
    r"X-[A-Za-z0-9-]{1,60}|List-[A-Za-z-]{1,60}|Reply-To|References|In-Reply-To|Auto-Submitted"
    r"|Feedback-ID",
    re.IGNORECASE,
)


class _LinkHeader(UniqueUnstructuredHeader):
    """A list of ``<links>``: folded between them.

    Python would make an encoded word of a link that is longer than a line, and no mail program
    finds a link in that.
    """

    def fold(self, *, policy: EmailPolicy) -> str:
        """Return the lines of the header."""
        links = f",{policy.linesep} ".join(str(self).split(", "))
        return f"List-Unsubscribe: {links}{policy.linesep}"


_HEADERS = HeaderRegistry()
# The registry adds the BaseHeader that its types ask for; a class that had it is refused instead.
_HEADERS.map_to_type("list-unsubscribe", _LinkHeader)  # type: ignore[arg-type]
_POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Whom mail comes from."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the ``@``."""
        return self.address.rpartition("@")[2]

    def header(self) -> Address:
        """Return what ``From`` says."""
        return Address(display_name=self.name, addr_spec=self.address)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One mail, rendered and addressed."""

    job_id: int
    to: str
    sender: Sender
    subject: str
    text: str
    html: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()

    @property
    def message_id(self) -> str:
        """The same for each attempt: many mailboxes show a mail that came twice only once."""
        return f"<doclife-{self.job_id}@{self.sender.domain}>"

    @property
    def delivery_id(self) -> str:
        """What a vendor hands back in its events, so that they find the job."""
        return f"doclife-{self.job_id}"

    @property
    def content(self) -> tuple[object, ...]:
        """What mails of one batch have in common: everything but who gets it."""
        headers = tuple(sorted(self.headers.items()))
        return (self.sender, self.subject, self.text, self.html, headers, self.attachments)

    def mime(self, *, now: datetime) -> bytes:
        """Return the bytes of the mail, text before HTML."""
        message = EmailMessage(policy=_POLICY)
        message["From"] = self.sender.header()
        message["To"] = Address(addr_spec=self.to)
        message["Subject"] = self.subject
        message["Message-ID"] = self.message_id
        message["Date"] = format_datetime(now)
        for name, value in self.headers.items():
            message[name] = value
        message.set_content(self.text, cte="quoted-printable")
        if self.html is not None:
            message.add_alternative(self.html, subtype="html", cte="quoted-printable")
        for file in self.attachments:
            maintype, subtype = file.media_type.split("/")
            message.add_attachment(
                file.content, maintype=maintype, subtype=subtype, filename=file.name
            )
        return message.as_bytes()


def read_mail(message: Message, *, sender: Sender) -> Mail:
    """Return the mail that a job of kind ``email`` asks for.

    Digests get ``List-Id`` and ``List-Unsubscribe`` (RFC 2919, 2369), and ``List-Unsubscribe-Post``
    where they have a link to sign off with one click (RFC 8058). Warnings and notices have none of
    these: they are about one document, and nobody may sign off from them.

    :raises ConfigurationError: it is no mail, with every reason.
    """
    payload = message.payload
    faults = []
    to = payload.get("to")
    if not isinstance(to, str):
        faults.append("'to' is one mail address")
    for name in ("subject", "text"):
        if not isinstance(payload.get(name), str) or not payload[name].strip():
            faults.append(f"{name!r} is missing")
    if not isinstance(payload.get("html"), str | None):
        faults.append("'html' is no text")
    if faults:
        raise ConfigurationError("; ".join(faults))
    headers = check_mail_headers(payload.get("headers") or {})
    if payload.get("template") == DIGEST:
        headers = (
            _list_headers(
                sender, organization=message.organization, url=payload.get("unsubscribe_url")
            )
            | headers
        )
    return Mail(
        job_id=message.job_id,
        to=check_email_address(str(to)),
        sender=_sender(payload.get("from"), sender),
        subject=one_line(str(payload["subject"]), length=SUBJECT_LENGTH),
        text=str(payload["text"]),
        html=payload.get("html") or None,
        headers=headers,
        attachments=read_attachments(payload.get("attachments")),
    )


def check_mail_headers(headers: Any) -> dict[str, str]:
    """Return headers that a job may add: ``X-*``, ``List-*``, ``Reply-To`` and a few more.

    :raises ConfigurationError: another name, or a value that would begin a new line.
    """
    if not isinstance(headers, Mapping):
        raise ConfigurationError("'headers' is no object of texts")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(
                f"the header {name!r} cannot be set: X-*, List-*, Reply-To, References, "
                "In-Reply-To, Auto-Submitted and Feedback-ID can"
            )
        if not isinstance(value, str) or not value.isprintable() or len(value) > HEADER_LENGTH:
            raise ConfigurationError(
                f"the value of header {name!r} is no single line of at most {HEADER_LENGTH} "
                "printable characters"
            )
        if name.lower() == "reply-to":
            check_email_address(value)
    return dict(headers)


def batches(mails: Sequence[Mail], *, limit: int, is_shared: bool) -> list[list[Mail]]:
    """Cut mails into batches of at most ``limit``.

    :param is_shared: a batch has one content and no mailbox twice: SendGrid refuses a call with one
        address twice, Mailgun leaves the second out.
    """
    if not is_shared:
        return [list(mails[start : start + limit]) for start in range(0, len(mails), limit)]
    found: dict[tuple[object, ...], list[tuple[list[Mail], set[str]]]] = {}
    for mail in mails:
        key = mailbox_key(mail.to)
        group = found.setdefault(mail.content, [])
        place = next(
            (one for one in reversed(group) if len(one[0]) < limit and key not in one[1]), None
        )
        if place is None:
            place = ([], set())
            group.append(place)
        place[0].append(mail)
        place[1].add(key)
    return [batch for group in found.values() for batch, _ in group]


def _sender(given: object, ours: Sender) -> Sender:
    """A job may write from another address; without a name, for ours is not its name."""
    if given is None or given == ours.address:
        return ours
    return Sender(address=check_email_address(str(given)))


def _list_headers(sender: Sender, *, organization: str, url: object) -> dict[str, str]:
    by_mail = f"<mailto:{sender.address}?subject=unsubscribe>"
    headers = {
        "List-Id": f"<digest.{organization}.{sender.domain}>",
        "List-Unsubscribe": by_mail,
    }
    # One click needs https (RFC 8058, 3.1); a link that a header cannot hold is in the text.
    if isinstance(url, str) and url.startswith("https://") and len(url) <= UNSUBSCRIBE_LENGTH:
        headers["List-Unsubscribe"] = f"<{url}>, {by_mail}"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
