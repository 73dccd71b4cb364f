"""Reads and sets the halt switch and the deployment's identity."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltState:
    """Whether and why everything is halted."""

    reason: str | None
    """None when nothing is halted."""
    set_by: str
    set_at: datetime
    deployment_id: UUID
    is_adopted: bool
    """False in a copy or a restored database that nobody has adopted yet."""


def read(conn: Connection) -> HaltState:
    """Return whether and why everything is halted."""
    return fetch_rows(conn, statement("switches/read"), {}, HaltState)[0]


def halt(conn: Connection, *, reason: str, actor: str, now: datetime) -> None:
    """Set the switch."""
    parameters = {"reason": reason, "actor": actor, "now": now}
    conn.execute(statement("switches/halt"), parameters)


def resume(conn: Connection, *, actor: str, now: datetime) -> None:
    """Take the switch off."""
    conn.execute(statement("switches/resume"), {"actor": actor, "now": now})


def adopt(conn: Connection, *, deployment_id: UUID, actor: str, now: datetime) -> None:
    """Let this database be the deployment of that id, wherever it now runs."""
    parameters = {"deployment_id": deployment_id, "actor": actor, "now": now}
    conn.execute(statement("switches/adopt"), parameters)
