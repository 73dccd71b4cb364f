"""Puts the names that existing applications know into a schema of their own."""

from pathlib import Path

from psycopg import errors

from doclife.errors import ConfigurationError
from doclife.store.connection import Connection
from doclife.store.rows import fetch_value
from doclife.store.sql import SQL_DIR, statement

QUEUE_NAMES = SQL_DIR / "compatibility/queue.sql"


def install_queue_names(conn: Connection, *, schema: str, file: Path = QUEUE_NAMES) -> None:
    """Create ``queue_jobs`` and what belongs to it in a schema; a second call replaces them.

    :param schema: an existing one, never doclife's own.
    :raises ConfigurationError: there is no such schema, or the application has something else there
        under one of the names. Then nothing has changed.
    """
    if schema == "doclife":
        raise ConfigurationError(
            "doclife's own schema has tables of these names; name the application's, e.g. public"
        )
    with conn.transaction():
        if not fetch_value(conn, statement("migrations/use_other_schema"), {"schema": schema}):
            raise ConfigurationError(
                f"this database has no schema {schema!r}; name the one that the application uses"
            )
        try:
            conn.execute(file.read_bytes())
        except (
            errors.WrongObjectType,
            errors.InvalidTableDefinition,
            errors.InvalidFunctionDefinition,
        ) as error:
            raise ConfigurationError(
                f"{error.diag.message_primary}: something else of this name is in {schema!r} "
                "already. Rename it, or choose another schema; nothing was changed"
            ) from None
