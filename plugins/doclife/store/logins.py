"""Reads and writes which login of the database stands for which organizations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginRow:
    """A login, and whose it is."""

    login: str
    may: str
    """``application``, ``reader``; ``everything`` for tasks and owners, whom nothing binds;
    ``nothing`` for a name that has none of its roles."""
    organizations: Sequence[str]
    by_claims: bool
    """Also those of the person whom the claims of a request name."""
    is_bound: bool


def list_all(conn: Connection) -> list[LoginRow]:
    """Return every login with a role of doclife's, and every one that is bound, by name."""
    return fetch_rows(conn, statement("logins/list"), {}, LoginRow)


def bind(
    conn: Connection, login: str, *, organization_id: int | None, actor: str, now: datetime
) -> None:
    """Bind a login to an organization; None: to those of the person whom the claims name."""
    parameters = {
        "login": login,
        "organization_id": organization_id,
        "actor": actor,
        "now": now,
    }
    conn.execute(statement("logins/bind"), parameters)


def unbind(conn: Connection, login: str, *, organization_id: int | None) -> list[int | None]:
    """Take bindings away and return them; None is that by claims."""
    parameters = {"login": login, "organization_id": organization_id}
    return [row[0] for row in conn.execute(statement("logins/unbind"), parameters)]


def give_store(conn: Connection, name: str, *, organization_id: int) -> bool:
    """Let a store belong to an organization; False: no such store, or bytes of others are in it."""
    parameters = {"name": name, "organization_id": organization_id}
    return fetch_value(conn, statement("stores/give"), parameters) is not None
