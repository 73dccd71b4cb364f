"""Reads what tells whether a deployment is well."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from doclife.domain.checkup import (
    DisabledTrigger,
    ExpectedIndex,
    Index,
    Login,
    OpenTable,
    Right,
    Server,
)
from doclife.domain.checkup_proof import BackupState, HeadState
from doclife.domain.checkup_reach import OpenFunction, Reach, Unreadable
from doclife.domain.checkup_running import ChannelTrouble, Night, Queue, SlowPlan
from doclife.domain.checkup_upkeep import DatabaseUpkeep, History, HoldBack, TableUpkeep
from doclife.store.connection import Connection
from doclife.store.migrations import SCHEMA_DIR
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement

_COMMENT = re.compile(r"--[^\n]*")
_BODY = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)
_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX (\w+)\s+ON\s[^;]+")
_DROPPED = re.compile(r"DROP INDEX (?:IF EXISTS )?(\w+)")


def describe_server(conn: Connection) -> Server:
    """Return what the server is; needs no migration."""
    return fetch_rows(conn, statement("doctor/describe_server"), {}, Server)[0]


def list_rights(conn: Connection) -> list[Right]:
    """Return what the group roles may write to, table by table."""
    return fetch_rows(conn, statement("doctor/list_rights"), {}, Right)


def list_logins(conn: Connection) -> list[Login]:
    """Return who may log in and work with the catalogue, superusers left out."""
    return fetch_rows(conn, statement("doctor/list_logins"), {}, Login)


def list_indexes(conn: Connection) -> list[Index]:
    """Return the indexes there are."""
    return fetch_rows(conn, statement("doctor/list_indexes"), {}, Index)


def expected_indexes(*, directory: Path = SCHEMA_DIR) -> Sequence[ExpectedIndex]:
    """Return the indexes that the migrations make and do not drop later.

    Those that belong to a constraint, and those made in a function, are not among them.
    """
    found: dict[str, ExpectedIndex] = {}
    for path in sorted(directory.glob("*.sql")):
        text = _BODY.sub("", _COMMENT.sub("", path.read_text(encoding="utf-8")))
        for name in _DROPPED.findall(text):
            found.pop(name, None)
        for match in _INDEX.finditer(text):
            name = match.group(2)
            found[name] = ExpectedIndex(
                name=name,
                is_unique=match.group(1) is not None,
                statement=" ".join(match.group(0).split()),
            )
    return tuple(found.values())


def list_disabled_triggers(conn: Connection) -> list[DisabledTrigger]:
    """Return the guards that somebody has switched off."""
    return fetch_rows(conn, statement("doctor/list_disabled_triggers"), {}, DisabledTrigger)


def list_open_tables(conn: Connection) -> list[OpenTable]:
    """Return the tables with rows of organizations that no policy encloses."""
    return fetch_rows(conn, statement("doctor/list_open_tables"), {}, OpenTable)


def describe_queue(conn: Connection, *, now: datetime) -> Queue:
    """Return how the queue is."""
    return fetch_rows(conn, statement("doctor/describe_queue"), {"now": now}, Queue)[0]


def list_channel_troubles(conn: Connection, *, now: datetime) -> list[ChannelTrouble]:
    """Return channels that are stopped and endpoints that are disabled."""
    query = statement("doctor/list_channel_troubles")
    return fetch_rows(conn, query, {"now": now}, ChannelTrouble)


def list_slow_plans(conn: Connection) -> list[SlowPlan]:
    """Return the plans that are being applied and those that wait for a person."""
    return fetch_rows(conn, statement("doctor/list_slow_plans"), {}, SlowPlan)


def list_nights(conn: Connection) -> list[Night]:
    """Return when each organization was last checked for expiry."""
    return fetch_rows(conn, statement("doctor/list_nights"), {}, Night)


def list_named_connections(conn: Connection) -> list[tuple[str, str]]:
    """Return the ids of the Connections that are named, each with who needs it."""
    rows = conn.execute(statement("doctor/list_named_connections")).fetchall()
    return [(connection_id, needed_by) for connection_id, needed_by in rows]


def list_history(conn: Connection) -> list[History]:
    """Return how far ahead the history tables have partitions, and what lies in none."""
    return fetch_rows(conn, statement("doctor/list_history"), {}, History)


def list_upkeep(conn: Connection) -> list[TableUpkeep]:
    """Return how each table is vacuumed, partitions included."""
    return fetch_rows(conn, statement("doctor/list_upkeep"), {}, TableUpkeep)


def describe_upkeep(conn: Connection) -> DatabaseUpkeep:
    """Return how old the oldest row is that was not frozen."""
    return fetch_rows(conn, statement("doctor/describe_upkeep"), {}, DatabaseUpkeep)[0]


def list_hold_backs(conn: Connection) -> list[HoldBack]:
    """Return for whose sake vacuum keeps what is dead, or the server keeps WAL."""
    return fetch_rows(conn, statement("doctor/list_hold_backs"), {}, HoldBack)


def list_heads(conn: Connection) -> list[HeadState]:
    """Return how far the audit chain of each organization was signed."""
    return fetch_rows(conn, statement("doctor/list_heads"), {}, HeadState)


def describe_backups(conn: Connection) -> BackupState:
    """Return when the last backup was made by ``doclife backup make``."""
    return fetch_rows(conn, statement("doctor/describe_backups"), {}, BackupState)[0]


def list_reach(conn: Connection) -> list[Reach]:
    """Return what logins of applications may beyond their role."""
    return fetch_rows(conn, statement("doctor/list_reach"), {}, Reach)


def list_unreadable(conn: Connection) -> list[Unreadable]:
    """Return the tables that tasks or readers may not read any more."""
    return fetch_rows(conn, statement("doctor/list_unreadable"), {}, Unreadable)


def list_open_functions(conn: Connection) -> list[OpenFunction]:
    """Return the functions that run as their owner and are not closed to others."""
    return fetch_rows(conn, statement("doctor/list_open_functions"), {}, OpenFunction)
