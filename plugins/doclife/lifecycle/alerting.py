"""Tells the people who operate doclife that something needs them."""

from datetime import datetime

from doclife.delivery.rendering import TEMPLATE_FAULTS
from doclife.store import notifications, organizations
from doclife.store.connection import Connection

OPERATORS = "role:operator"
"""The recipient that stands for everybody with the role, not for one person."""


def alert_operators(conn: Connection, *, title: str, body: str, now: datetime) -> None:
    """Store one notification for the operators of the deployment."""
    notifications.insert_alert(
        conn,
        organization_id=organizations.find(conn, "default").id,
        recipient=OPERATORS,
        title=title,
        body=body,
        now=now,
    )


def alert_of_templates(conn: Connection, *, now: datetime) -> None:
    """Tell the operators which templates of theirs could not be used since this was called last.

    They are told once as long as they have not read it, whichever process finds it again.
    """
    for fault in TEMPLATE_FAULTS.take():
        notifications.insert_alert(
            conn,
            organization_id=organizations.find(conn, "default").id,
            recipient=OPERATORS,
            title="A message template of yours is not used",
            body=(
                f"{fault.place}: {fault.reason}. Ours was used instead. After correcting it: "
                "doclife templates check"
            ),
            now=now,
            is_repeated=False,
        )
