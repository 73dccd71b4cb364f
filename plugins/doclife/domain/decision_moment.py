"""The decision moment that a person names by a day."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError


def read_moment(text: str, *, tenant: Organization, now: datetime) -> datetime:
    """Return the moment that ``2027-01-31`` or an ISO 8601 moment names.

    A day means its end in the organization's zone, so that all of it has happened; today means now.

    :raises ConfigurationError: it is neither.
    """
    zone = ZoneInfo(tenant.time_zone)
    try:
        if len(text) > len("2027-01-31"):
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=zone)
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is no date: write for example 2027-01-31, or a moment such as "
            "2027-01-31T03:00:00+01:00"
        ) from None
    return now if day == tenant.date_of(now) else datetime.combine(day, time.max, tzinfo=zone)
