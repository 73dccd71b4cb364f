"""Opens connections to the documents database the way every statement expects them."""

from datetime import date
from typing import Any

import psycopg
from psycopg.types.datetime import DateLoader

from doclife.errors import ConfigurationError
from doclife.store.sql import statement

Connection = psycopg.Connection[tuple[Any, ...]]


class FarDateLoader(DateLoader):
    """Reads ``infinity`` and years past 9999 as ``date.max``: kept for good.

    "Retained until the event" and "permanent" are infinity in the database, which Python's date
    cannot express.
    """

    def load(self, data: Any) -> date:
        """Read one date as the server wrote it (ISO)."""
        text = bytes(data)
        if text == b"infinity" or len(text) > len(b"9999-12-31"):
            return date.max
        return super().load(data)


USE_SCHEMA = statement("session/use_schema")
"""For transactions on connections that are not prepared: a pooler's, and a new database's."""
LOCK_TIMEOUT_SECONDS = 60
"""A statement that waits longer for a lock gives up, and its task is retried."""


def prepare(conn: Connection, *, application_name: str) -> Connection:
    """Set what every doclife session relies on: the schema, a lock limit and dates as ISO.

    Transactions are always explicit (``with conn.transaction()``), so the connection is in
    autocommit mode between them. Preparing a connection twice changes nothing.
    """
    conn.autocommit = True
    conn.adapters.register_loader("date", FarDateLoader)
    conn.execute(
        statement("session/prepare"),
        {
            "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
            "application_name": application_name[:63],
        },
    )
    return conn


def limit_statements(conn: Connection, *, seconds: float) -> None:
    """Let the server end each later statement of this session that takes longer."""
    conn.execute(statement("session/limit_statements"), {"longest": f"{seconds}s"})


def limit_lock_wait(conn: Connection, *, seconds: float) -> None:
    """Wait for a lock no longer than this, in the transaction that is under way."""
    conn.execute(statement("session/limit_lock_wait"), {"longest": f"{seconds}s"})


def one_line(error: Exception) -> str:
    """Return what libpq says over several indented lines as one sentence without its end."""
    return " ".join(str(error).split()).rstrip("?.")


def connect(url: str, *, application_name: str = "doclife") -> Connection:
    """Open a prepared connection to ``url`` (``postgresql://...``)."""
    try:
        conn: Connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise ConfigurationError(
            f"cannot reach the documents database: {one_line(error)}. "
            "Check DOCLIFE_DATABASE_URL, or start the local one with ./run."
        ) from None
    return prepare(conn, application_name=application_name)
