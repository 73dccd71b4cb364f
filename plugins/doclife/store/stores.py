"""Reads and writes the table of stores."""

from dataclasses import dataclass
from uuid import UUID

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True)
class StoreRow:
    """One store.

    :param connection_id: Airflow Connection with the credentials; None for a local folder, or
        where the machine's own credentials do.
    :param is_cold: its bytes cannot be read at once.
    """

    store_id: int
    name: str
    root_uri: str
    connection_id: str | None
    marker_id: UUID
    is_cold: bool


def list_all(conn: Connection) -> list[StoreRow]:
    """Return every store, oldest first."""
    return fetch_rows(conn, statement("stores/list"), {}, StoreRow)


def insert(
    conn: Connection, *, name: str, root_uri: str, connection_id: str | None, is_cold: bool
) -> StoreRow | None:
    """Add a store; None when one of that name or root has come to be meanwhile."""
    parameters = {
        "name": name,
        "root_uri": root_uri,
        "connection_id": connection_id,
        "is_cold": is_cold,
    }
    rows = fetch_rows(conn, statement("stores/insert"), parameters, StoreRow)
    return rows[0] if rows else None


def set_backup_expiry(conn: Connection, *, name: str, days: int | None) -> bool:
    """Keep how long a store's backups hold removed bytes; False when there is no such store."""
    parameters = {"name": name, "days": days}
    return fetch_value(conn, statement("stores/set_backup_expiry"), parameters) is not None


def deployment_id(conn: Connection) -> UUID:
    """Return who we are."""
    found: UUID = fetch_value(conn, statement("stores/deployment"), {})
    return found


def count_objects(conn: Connection) -> dict[int, tuple[int, int]]:
    """Return the number of objects and their bytes by store id."""
    rows = conn.execute(statement("stores/count_objects"))
    return {store_id: (count, int(size)) for store_id, count, size in rows}
