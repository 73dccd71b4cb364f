"""Asks the database what time it is."""

from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_value
from doclife.store.sql import statement


def present(conn: Connection) -> datetime:
    """Return the present (aware, UTC) by the clock that also judges the plans.

    Nothing may be planned for a moment that is the future to the database, so whoever runs on
    another machine asks it instead of trusting its own clock.
    """
    now: datetime = fetch_value(conn, statement("database/clock"), {})
    return now
