"""Reaches the catalogue and the stores through Airflow Connections."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from doclife.errors import ConfigurationError

if TYPE_CHECKING:
    from doclife.connections import ServiceConnection
    from doclife.storage.stores import Stores
    from doclife.store.connection import Connection

# What is heavy is imported where it is used: DAG files import the operators on every parse.

_REFUSED_FOR_GOOD = re.compile(
    r"authentication failed|(role|database) \"[^\"]*\" does not exist|no pg_hba\.conf entry"
    r"|permission denied for database"
)
"""What a server that answers says about a wrong Connection. Libpq gives no SQLSTATE here."""


@contextmanager
def documents_database(conn_id: str, *, application_name: str) -> "Iterator[Connection]":
    """Yield a prepared connection to the catalogue, and close it.

    :param conn_id: Airflow Connection of type postgres.
    :param application_name: how the session is named in the database's list of sessions.
    :raises ConfigurationError: the server answers and does not let this user in. A server that
        does not answer is psycopg's OperationalError: it may come back.
    """
    import psycopg
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    from doclife.store.connection import one_line, prepare

    try:
        conn: Any = PostgresHook(postgres_conn_id=conn_id).get_conn()
    except psycopg.OperationalError as error:
        if not _REFUSED_FOR_GOOD.search(str(error)):
            raise
        raise ConfigurationError(
            f"the documents database refuses the Airflow Connection {conn_id!r}: "
            f"{one_line(error)}. Correct its host, schema, login or password."
        ) from error
    try:
        yield prepare(conn, application_name=application_name)
    finally:
        conn.close()


def document_stores(conn: "Connection") -> "Stores":
    """Return the stores of the deployment; nothing is opened before it is used.

    Their credentials are Airflow Connections of type aws; a store without one uses what the
    machine offers (the standard AWS variables, an instance's role).
    """
    from doclife.lifecycle.stores import open_stores
    from doclife.storage.credentials import credentials

    return open_stores(conn, options=credentials(find_connection))


def find_connection(connection_id: str) -> "ServiceConnection | None":
    """Return an Airflow Connection's values, or None when there is none of that id."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from doclife.connections import from_airflow

    try:
        return from_airflow(BaseHook.get_connection(connection_id))
    except AirflowNotFoundException:
        return None
