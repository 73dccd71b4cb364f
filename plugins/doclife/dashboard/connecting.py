"""Airflow's Connections, as the api-server sees them."""

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from doclife.connections import ServiceConnection


def find_connection(connection_id: str) -> ServiceConnection | None:
    """Return an Airflow Connection's values, or None when there is none of that id."""
    try:
        found = BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        return None
    return ServiceConnection(
        id=connection_id,
        type=found.conn_type or "",
        host=found.host,
        port=found.port,
        login=found.login,
        password=found.password,
        schema=found.schema,
        extra=found.extra_dejson,
    )
