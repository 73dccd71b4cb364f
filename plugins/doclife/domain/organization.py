"""A tenant: whose documents, in which time zone, under which limits."""

from dataclasses import dataclass
from datetime import date, datetime
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


def is_time_zone(name: str) -> bool:
    """Whether Python knows a time zone of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
