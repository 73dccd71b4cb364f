"""Scratch databases of drills: made empty, filled by a restore, and dropped."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import conninfo, errors, sql

from doclife.errors import ConfigurationError
from doclife.store.connection import Connection, connect
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement

PREFIX = "doclife_drill_"
KEPT = "kept by a drill of doclife"
"""The comment of a database that is to stay; ``backups/list_leftovers`` asks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerFacts:
    """Which server this is, and what we may do on it."""

    system_identifier: str
    version: int
    """As 180000."""
    login: str
    is_superuser: bool
    may_create_databases: bool
    may_create_roles: bool


def describe_server(conn: Connection) -> ServerFacts:
    """Return which server this is; needs no migration."""
    return fetch_rows(conn, statement("backups/describe_server"), {}, ServerFacts)[0]


@contextmanager
def scratch_database(conn: Connection, url: str, *, name: str, is_kept: bool) -> Iterator[str]:
    """Make an empty database, yield its address, and drop it.

    What earlier drills left that were killed is dropped first, unless somebody is connected to it;
    what one was told to keep is not.

    :param conn: to a database of the server where the scratch one is made.
    :param url: of that connection, as libpq takes it.
    :param name: begins with PREFIX; there must be no database of that name.
    :param is_kept: leave it there.
    :raises ConfigurationError: there is one of that name, or this login may make none.
    """
    if not name.startswith(PREFIX):
        raise ConfigurationError(f"{name!r} is no name of a scratch database: {PREFIX}...")
    for (leftover,) in conn.execute(statement("backups/list_leftovers")).fetchall():
        _drop(conn, leftover)
    try:
        # From template0: the encoding and collation may be the server's, the content is nothing.
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    except (errors.DuplicateDatabase, errors.InsufficientPrivilege) as error:
        raise ConfigurationError(
            f"no scratch database can be made: {error.diag.message_primary}. Let --server name "
            "a login that may create databases, on a server kept for drills"
        ) from None
    try:
        if is_kept:
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            conn.execute(comment.format(sql.Identifier(name), sql.Literal(KEPT)))
        yield conninfo.make_conninfo(url, dbname=name)
    finally:
        if not is_kept:
            _drop(conn, name)


@contextmanager
def borrowed_roles(conn: Connection, names: Sequence[str], *, is_kept: bool) -> Iterator[list[str]]:
    """Make the roles that a dump names and this server lacks; yield and drop those that were made.

    None of them can log in. Enter it before the database is made, so that they go after it.

    :raises ConfigurationError: this login may make none, and some are missing.
    """
    rows = conn.execute(statement("backups/list_existing_roles"), {"names": list(names)})
    missing = sorted(set(names) - {name for (name,) in rows})
    made: list[str] = []
    try:
        for name in missing:
            if _make_role(conn, name):
                made.append(name)
        yield made
    finally:
        if not is_kept:
            for name in made:
                _drop_role(conn, name)


def _make_role(conn: Connection, name: str) -> bool:
    """Make a role that nobody logs in as; False when another drill was quicker."""
    role = sql.Identifier(name)
    try:
        conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        # Without it only a superuser could give it what it owns.
        conn.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"role {name} is named in the backup and missing on the scratch server, and: "
            f"{error.diag.message_primary}. Let --server name a login that may create roles"
        ) from None
    except errors.DuplicateObject:
        return False
    return True


def _drop_role(conn: Connection, name: str) -> None:
    try:
        conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    except errors.DependentObjectsStillExist:
        # A database that stayed needs it.
        return


def _drop(conn: Connection, name: str) -> None:
    try:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    except errors.ObjectInUse:
        # Somebody looks into it. The next drill removes it.
        return


def connect_to_server(url: str) -> Connection:
    """Connect to the server of a drill.

    :raises ConfigurationError: it cannot be reached.
    """
    try:
        return connect(url, application_name="doclife drill")
    except ConfigurationError as error:
        said = str(error).partition(". Check")[0].replace("the documents database", "it")
        raise ConfigurationError(f"the server of the drill: {said}") from None
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "--server is no address of a PostgreSQL server: write "
            "postgresql://user:password@host/database"
        ) from None
