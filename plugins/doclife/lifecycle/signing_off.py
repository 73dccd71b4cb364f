"""Signs a reader off from daily summaries by the link of one of them.

Warnings still come: they are no summaries, and nobody signs off from them.
"""

from datetime import datetime

from doclife.delivery.link_tokens import InvalidToken
from doclife.delivery.links import ListMember
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.lifecycle.preferring import PreferenceChange, change_preferences
from doclife.store import organizations
from doclife.store.connection import Connection


def organization_of(conn: Connection, member: ListMember) -> Organization:
    """Return whose summaries a link is about; changes nothing.

    :raises InvalidToken: there is no such organization any more.
    """
    try:
        return organizations.find(conn, member.organization)
    except ConfigurationError:
        raise InvalidToken from None


def sign_off(conn: Connection, member: ListMember, *, now: datetime) -> Organization:
    """Send a reader no more summaries by mail; a second time changes nothing.

    The audit entry's actor is ``link:<address>``.

    :raises InvalidToken: there is no such organization any more.
    """
    organization = organization_of(conn, member)
    change_preferences(
        conn,
        organization=organization,
        recipient=member.address,
        change=PreferenceChange(channel="email", wants_digest=False),
        now=now,
        actor=f"link:{member.address}",
    )
    return organization
