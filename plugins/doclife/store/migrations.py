"""Applies include/sql/schema/*.sql once each, in order."""

import hashlib
from pathlib import Path

from doclife.errors import ConfigurationError
from doclife.store.connection import USE_SCHEMA, Connection
from doclife.store.rows import fetch_value
from doclife.store.sql import SQL_DIR, statement

SCHEMA_DIR = SQL_DIR / "schema"
FIRST = "001_roles_and_schema.sql"
OLDEST_SERVER = 150000
"""PostgreSQL 15: UNIQUE NULLS NOT DISTINCT and security_invoker views."""


def migrate(conn: Connection, *, directory: Path = SCHEMA_DIR) -> list[str]:
    """Bring the database up to date and return the names of the migrations applied now.

    Each file is applied in a transaction of its own together with the record of it, under an
    advisory lock, so that a killed run continues where it stopped and two runs at once do each
    file once. A second call applies nothing. The user must own the database and be able to
    create roles (or an administrator has created them, see 001_roles_and_schema.sql).

    :raises ConfigurationError: the server is too old, a file that was applied has changed or is
        gone, or a new file sorts before one that was applied.
    """
    if conn.info.server_version < OLDEST_SERVER:
        raise ConfigurationError(
            f"PostgreSQL {conn.info.server_version // 10000} is too old; doclife needs 15 to 18."
        )
    files = {path.name: path.read_bytes() for path in sorted(directory.glob("*.sql"))}
    if not files:
        raise ConfigurationError(f"no migrations in {directory}: is include/ mounted?")
    applied_now = []
    for name, content in files.items():
        with conn.transaction():
            conn.execute(statement("migrations/lock"))
            if name == FIRST:
                conn.execute(statement("migrations/create_schema"))
                conn.execute(statement("migrations/create_ledger"))
            applied = list_applied(conn)
            _refuse_rewritten_history(files, applied)
            if name in applied:
                continue
            if name != FIRST:
                conn.execute(statement("migrations/become_owner"))
            conn.execute(USE_SCHEMA)
            conn.execute(content)
            digest = hashlib.sha256(content).hexdigest()
            conn.execute(statement("migrations/record"), {"name": name, "sha256": digest})
        applied_now.append(name)
    return applied_now


def list_pending(conn: Connection, *, directory: Path = SCHEMA_DIR) -> list[str]:
    """Return the names of the migrations that this database lacks, in order; all of an empty one.

    :raises ConfigurationError: a file that was applied has changed or is gone.
    """
    files = {path.name: path.read_bytes() for path in sorted(directory.glob("*.sql"))}
    is_empty = not fetch_value(conn, statement("migrations/ledger_exists"), {})
    applied = {} if is_empty else list_applied(conn)
    _refuse_rewritten_history(files, applied)
    return [name for name in files if name not in applied]


def list_applied(conn: Connection) -> dict[str, str]:
    """Return the checksum of each migration that was applied, by name."""
    return dict(conn.execute(statement("migrations/list_applied")).fetchall())


def _refuse_rewritten_history(files: dict[str, bytes], applied: dict[str, str]) -> None:
    """Stop when what was applied is no longer what the files say."""
    for name, digest in applied.items():
        if name not in files:
            raise ConfigurationError(
                f"migration {name} was applied to this database but its file is gone. "
                "This checkout is older than the database: update it."
            )
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise ConfigurationError(
                f"migration {name} has changed since it was applied. "
                "Restore the file and put the change into a new migration."
            )
    pending = [name for name in files if name not in applied]
    if pending and applied and pending[0] < max(applied):
        raise ConfigurationError(
            f"migration {pending[0]} sorts before {max(applied)}, which was already applied. "
            "Give it the next free number."
        )
