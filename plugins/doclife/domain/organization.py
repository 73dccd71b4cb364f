"""A tenant: whose documents, in which time zone, under which limits."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Organization:
    """One organization and the settings that decisions need."""

    id: int
    slug: str
    name: str
    """Its name for people."""
    time_zone: str
    locale: str
    cooling_off_days: int
    """No DELETE this soon after registration or after a change to a field that the rule uses."""
    reprieve_days: int
    """How long a restored or rejected document is left alone."""
    max_documents_per_day: int
    max_fraction_per_day: float
    fallback_recipient: str | None
    logo_url: str | None = None
    """Shown in mail: an https address, which the reader's program loads."""

    def date_of(self, moment: datetime) -> date:
        """Return the calendar day of a moment in the organization's time zone."""
        return moment.astimezone(ZoneInfo(self.time_zone)).date()


LOGO_URL_LENGTH = 500


def is_logo_url(url: str) -> bool:
    """Whether a mail program may load a logo from there: an https address with a host."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
    return is_address and url.isascii() and url.isprintable() and len(url) <= LOGO_URL_LENGTH


def is_time_zone(name: str) -> bool:
    """Whether Python knows a time zone of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
