"""Where messages lead: to pages for users of Airflow, and to public pages by a sealed link."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from urllib.parse import urlsplit

from doclife.connections import Connections
from doclife.delivery.link_tokens import (
    CONNECTION,
    InvalidToken,
    LinkKeys,
    Purpose,
    read_link_keys,
)
from doclife.errors import ConfigurationError
from doclife.settings import AIRFLOW_URL

PUBLIC_URL = "DOCLIFE_PUBLIC_URL"
PUBLIC_PATH = "/doclife/public"
"""Everything that needs no login is below it: a proxy may let through this and nothing else."""
_SEPARATOR = "\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepSubject:
    """What a "keep it" link is about: one warning of one document to one person."""

    rule_id: int
    document_id: int
    due_on: date
    """When the rule found it due; it may be kept once for that day."""
    goes_on: date
    """The day that the warning named."""
    recipient: str

    def to_text(self) -> str:
        """Return it for a token."""
        return _SEPARATOR.join(
            (
                str(self.rule_id),
                str(self.document_id),
                self.due_on.isoformat(),
                self.goes_on.isoformat(),
                self.recipient,
            )
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what ``to_text`` was called on.

        :raises InvalidToken: something else.
        """
        try:
            rule_id, document_id, due_on, goes_on, recipient = text.split(_SEPARATOR)
            return cls(
                rule_id=int(rule_id),
                document_id=int(document_id),
                due_on=date.fromisoformat(due_on),
                goes_on=date.fromisoformat(goes_on),
                recipient=recipient,
            )
        except ValueError:
            raise InvalidToken from None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListMember:
    """Who gets the digests of an organization: what an unsubscribe link is about."""

    organization: str
    """Short name."""
    address: str

    def to_text(self) -> str:
        """Return it for a token."""
        return _SEPARATOR.join((self.organization, self.address))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what ``to_text`` was called on.

        :raises InvalidToken: something else.
        """
        try:
            organization, address = text.split(_SEPARATOR)
        except ValueError:
            raise InvalidToken from None
        return cls(organization=organization, address=address)


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Makes the links of messages; each is None where nobody said what it needs.

    :param airflow_url: where users find Airflow, without a slash at the end.
    :param public_url: where everybody finds the public pages; None while they are off.
    :param keys: never None when there is a public URL.
    :param fault: why there are no public links although somebody asked for them: messages go out
        without, for a warning without a link is better than none.
    """

    airflow_url: str | None = None
    public_url: str | None = None
    keys: LinkKeys | None = None
    fault: str | None = None

    def document(self, document_id: int) -> str | None:
        """Return the page of a document, for users of Airflow."""
        return self._page(f"documents/{document_id}")

    def plan(self, plan_id: int) -> str | None:
        """Return the page of a plan, for users of Airflow."""
        return self._page(f"plans/{plan_id}")

    def report(self, report_id: int) -> str | None:
        """Return the page of a report, for users of Airflow."""
        return self._page(f"reports/{report_id}")

    def start(self) -> str | None:
        """Return the first page, for users of Airflow."""
        return self._page("")

    def keep(self, subject: KeepSubject, *, expires_at: datetime) -> str | None:
        """Return the link by which a person keeps a document that they were warned of."""
        return self._public(Purpose.KEEP, subject.to_text(), expires_at=expires_at)

    def unsubscribe(self, member: ListMember) -> str | None:
        """Return the link by which a reader gets no more digests. It never expires (RFC 8058)."""
        return self._public(Purpose.UNSUBSCRIBE, member.to_text(), expires_at=None)

    def _page(self, path: str) -> str | None:
        return None if self.airflow_url is None else f"{self.airflow_url}/doclife/{path}"

    def _public(self, purpose: Purpose, subject: str, *, expires_at: datetime | None) -> str | None:
        if self.public_url is None or self.keys is None:
            return None
        token = self.keys.seal(purpose, subject, expires_at=expires_at)
        return f"{self.public_url}{PUBLIC_PATH}/{purpose}/{token}"


NO_LINKS = Links()


def read_links(
    environment: Mapping[str, str], *, connections: Connections, airflow_url: str | None = None
) -> Links:
    """Read where messages lead.

    :param airflow_url: Airflow's own ``[api] base_url``, where ``DOCLIFE_AIRFLOW_URL`` is not set.
    """
    public_url, keys, fault = None, None, None
    try:
        public_url = read_public_url(environment)
        keys = read_link_keys(connections) if public_url else None
        if public_url and keys is None:
            raise ConfigurationError(
                f"{PUBLIC_URL} is set, and nothing to seal links with: add the Airflow Connection "
                f"{CONNECTION!r} of type generic with a password from: openssl rand -base64 48"
            )
    except ConfigurationError as error:
        public_url, keys, fault = None, None, str(error)
    pages = (environment.get(AIRFLOW_URL) or airflow_url or "").strip().rstrip("/")
    return Links(
        airflow_url=pages if pages.startswith(("https://", "http://")) else None,
        public_url=public_url,
        keys=keys,
        fault=fault,
    )


def read_public_url(environment: Mapping[str, str]) -> str | None:
    """Return ``DOCLIFE_PUBLIC_URL`` without a slash at its end; None while public pages are off.

    :raises ConfigurationError: it is not https (http serves only this machine), or carries a user,
        a query or a fragment.
    """
    text = environment.get(PUBLIC_URL, "").strip().rstrip("/")
    if not text:
        return None
    try:
        address = urlsplit(text)
        host, _port = address.hostname or "", address.port
    except ValueError:
        address, host = urlsplit(""), ""
    is_plain = not (address.query or address.fragment or "@" in address.netloc)
    is_safe = address.scheme == "https" or (address.scheme == "http" and _is_this_machine(host))
    if not (host and is_plain and is_safe and text.isascii() and text.isprintable()):
        raise ConfigurationError(
            f"{PUBLIC_URL}={text!r} cannot stand in a link: write the address at which everybody "
            "reaches the public pages, for example https://documents.example.com"
        )
    return text


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
