"""What the dashboard shows a person, and what they have read of it.

A person goes by several names: their user name, their mail address, the roles they have. Whoever
calls says which; nobody sees or marks what is addressed to other names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.domain.organization import Organization
from doclife.store import notifications
from doclife.store.connection import Connection
from doclife.store.notifications import Notification

__all__ = ["Notification", "NotificationPage"]

MOST_COUNTED = 1000
"""Nobody reads more; a page can write ``999+``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationPage:
    """A page of notifications, newest first."""

    notifications: Sequence[Notification]
    next_before: int | None
    """Give it back to go on; None on the last page."""


def list_notifications(
    conn: Connection,
    *,
    organization: Organization,
    recipients: Sequence[str],
    types: Sequence[str] | None = None,
    is_unread: bool = False,
    with_quiet: bool = False,
    before: int | None = None,
    size: int = 50,
) -> NotificationPage:
    """Return a page of what is addressed to a person.

    :param types: only these; None for all.
    :param is_unread: only what they have not read.
    :param with_quiet: also the types of which they asked to be left alone (``quiet_types`` of their
        preference for the channel ``notification``).
    :param before: ``next_before`` of the page before.
    """
    found = notifications.list_page(
        conn,
        organization_id=organization.id,
        recipients=recipients,
        types=types,
        is_unread=is_unread,
        with_quiet=with_quiet,
        before=before,
        size=size,
    )
    return NotificationPage(
        notifications=found, next_before=found[-1].id if len(found) == size else None
    )


def count_unread(
    conn: Connection, *, organization: Organization, recipients: Sequence[str]
) -> dict[str, int]:
    """Return how many are unread by type, quiet ones left out; counting ends at 1,000."""
    return notifications.count_unread(
        conn, organization_id=organization.id, recipients=recipients, most=MOST_COUNTED
    )


def mark_read(
    conn: Connection,
    *,
    organization: Organization,
    recipients: Sequence[str],
    ids: Sequence[int],
    now: datetime,
) -> list[int]:
    """Note that a person has read these; return those that were theirs and unread."""
    return notifications.mark_read(
        conn,
        organization_id=organization.id,
        recipients=recipients,
        ids=ids,
        until=None,
        now=now,
    )


def mark_all_read(
    conn: Connection,
    *,
    organization: Organization,
    recipients: Sequence[str],
    now: datetime,
    until: int | None = None,
) -> list[int]:
    """Note that a person has read everything; return what was unread.

    :param until: the newest that was on their page: what came meanwhile stays unread. None for all.
    """
    return notifications.mark_read(
        conn,
        organization_id=organization.id,
        recipients=recipients,
        ids=None,
        until=until,
        now=now,
    )
