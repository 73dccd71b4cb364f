"""The bytes of documents, by the credentials that Airflow keeps."""

from doclife.dashboard.connecting import find_connection
from doclife.lifecycle.stores import open_stores
from doclife.storage.credentials import credentials
from doclife.storage.stores import Stores
from doclife.store.connection import Connection


def document_stores(conn: Connection) -> Stores:
    """Return the stores of the deployment; nothing is opened before it is used."""
    return open_stores(conn, options=credentials(find_connection))
