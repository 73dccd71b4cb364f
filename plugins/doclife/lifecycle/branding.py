"""Whose message it is: the name and the logo that every template can show."""

from doclife.delivery.plain_text import one_line
from doclife.domain.organization import Organization


def branding(organization: Organization) -> dict[str, object]:
    """Return what every template has of the organization."""
    logo = organization.logo_url or ""
    return {
        "organization": one_line(organization.name),
        "logo_url": logo if logo.startswith("https://") else None,
    }
