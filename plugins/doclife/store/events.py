"""What applications said has happened to documents."""

from doclife.store.connection import Connection
from doclife.store.rows import fetch_value
from doclife.store.sql import statement


def withdraw(
    conn: Connection, *, event_id: int, reason: str, organization: str, actor: str
) -> bool:
    """Take an event back, with an audit entry; return False when it was taken back before."""
    parameters = {
        "event_id": event_id,
        "reason": reason,
        "organization": organization,
        "actor": actor,
    }
    return bool(fetch_value(conn, statement("events/withdraw"), parameters))
