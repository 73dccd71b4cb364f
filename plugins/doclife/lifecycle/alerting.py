"""Tells the people who operate doclife that something needs them."""

from datetime import datetime

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
