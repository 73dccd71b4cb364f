"""Airflow's Connections, as the api-server sees them."""

import json

from airflow.models.connection import Connection
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.utils.session import create_session
from sqlalchemy import select

from doclife.connections import ServiceConnection, from_airflow
from doclife.errors import RefusedError


def find_connection(connection_id: str) -> ServiceConnection | None:
    """Return an Airflow Connection's values, or None when there is none of that id."""
    try:
        return from_airflow(BaseHook.get_connection(connection_id))
    except AirflowNotFoundException:
        return None


def store_secret(connection_id: str, secret: str) -> bool:
    """Make a secret the password of a Connection, which is made when there is none.

    The one before stays in its extra as ``previous_secret``, so that calls are signed with both.
    The caller has asked whether the person may change Connections.

    :returns: whether there was one before.
    :raises RefusedError: it comes from the environment or a secrets backend, which we cannot write.
    """
    with create_session() as session:
        found = session.scalar(select(Connection).where(Connection.conn_id == connection_id))
        if found is None:
            if find_connection(connection_id) is not None:
                raise RefusedError(
                    f"Connection {connection_id} comes from the environment or a secrets backend: "
                    "change its password there. See: doclife endpoints rotate"
                )
            session.add(Connection(conn_id=connection_id, conn_type="http", password=secret))
            return False
        before = found.password
        if before:
            found.extra = json.dumps({**found.extra_dejson, "previous_secret": before})
        found.password = secret
        return bool(before)


def store_connection(wanted: ServiceConnection) -> bool:
    """Write an Airflow Connection as a whole, in the place of the one of that id.

    The caller has asked whether the person may change Connections.

    :returns: whether there was one before.
    :raises RefusedError: it comes from the environment or a secrets backend, which we cannot write.
    """
    with create_session() as session:
        found = session.scalar(select(Connection).where(Connection.conn_id == wanted.id))
        if found is None and find_connection(wanted.id) is not None:
            raise RefusedError(
                f"Connection {wanted.id} comes from the environment or a secrets backend: "
                "change it there"
            )
        made = Connection(
            conn_id=wanted.id,
            conn_type=wanted.type,
            description=None if found is None else found.description,
            host=wanted.host,
            port=wanted.port,
            login=wanted.login,
            password=wanted.password,
            schema=wanted.schema,
            extra=json.dumps(dict(wanted.extra)) if wanted.extra else None,
            team_name=None if found is None else found.team_name,
        )
        if found is not None:
            # Not changed in place: Airflow's password cannot be set to none.
            session.delete(found)
            session.flush()
        session.add(made)
        return found is not None
