"""Whose message it is: the name and the logo that every template can show."""

from doclife.delivery.plain_text import one_line
from doclife.domain.organization import Organization, is_logo_url


def branding(organization: Organization) -> dict[str, object]:
    """Return what every template has of the organization."""
    logo = organization.logo_url or ""
    return {
        "organization": one_line(organization.name),
        "logo_url": logo if is_logo_url(logo) else None,  # applications may write it unchecked
    }
