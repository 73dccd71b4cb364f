"""Tells the people who operate doclife that something needs them."""

from datetime import datetime

from doclife.delivery.rendering import TEMPLATE_FAULTS
from doclife.store import organizations
from doclife.store.connection import Connection
from doclife.store.sql import statement

OPERATORS = "role:operator"
"""The recipient that stands for everybody with the role, not for one person."""


def alert_operators(conn: Connection, *, title: str, body: str, now: datetime) -> None:
    """Store one notification for the operators of the deployment."""
    conn.execute(
        statement("notifications/insert_alert"),
        {
            "organization_id": organizations.find(conn, "default").id,
            "recipient": OPERATORS,
            "title": title,
            "body": body,
            "now": now,
        },
    )


def alert_of_templates(conn: Connection, *, now: datetime) -> None:
    """Tell the operators which templates of theirs could not be used since this was called last.

    They are told once as long as they have not read it, whichever process finds it again.
    """
    for fault in TEMPLATE_FAULTS.take():
        conn.execute(
            statement("notifications/insert_alert_once"),
            {
                "organization_id": organizations.find(conn, "default").id,
                "recipient": OPERATORS,
                "title": "A message template of yours is not used",
                "body": (
                    f"{fault.place}: {fault.reason}. Ours was used instead. After correcting it: "
                    "doclife templates check"
                ),
                "now": now,
            },
        )
