"""The bytes of documents, by the credentials that Airflow keeps."""

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from doclife.connections import ServiceConnection
from doclife.lifecycle.stores import open_stores
from doclife.storage.credentials import credentials
from doclife.storage.stores import Stores
from doclife.store.connection import Connection


def document_stores(conn: Connection) -> Stores:
    """Return the stores of the deployment; nothing is opened before it is used."""
    return open_stores(conn, options=credentials(_find_connection))


def _find_connection(connection_id: str) -> ServiceConnection | None:
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
