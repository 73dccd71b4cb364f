"""The secrets that calls of endpoints are signed with: made here, kept by Airflow, shown once."""

from dataclasses import dataclass, field

from airflow.models.connection import Connection
from airflow.utils.session import create_session
from sqlalchemy import delete

from doclife.dashboard.connecting import store_secret
from doclife.dashboard.visit import Visit
from doclife.delivery.signing import new_secret
from doclife.lifecycle import endpoints
from doclife.lifecycle.sending import connection_id_of
from doclife.store.endpoints import EndpointRecord


@dataclass(frozen=True, kw_only=True)
class ShownSecret:
    """A new secret on its way to the person who gives it to the receiver.

    :param had_one: whether calls are signed with the one before too, until it is taken out of the
        Connection.
    """

    connection_id: str
    secret: str = field(repr=False)
    had_one: bool


def give_secret(here: Visit, record: EndpointRecord) -> ShownSecret:
    """Make a new secret and let Airflow keep it. The caller has asked for the rights."""
    connection_id = connection_id_of(record)
    secret = new_secret()
    # Noted first: a secret that nobody noted would be worse than a note without a secret.
    endpoints.record_rotation(
        here.conn, organization=here.tenant, record=record, now=here.now, actor=here.actor
    )
    had_one = store_secret(connection_id, secret)
    return ShownSecret(connection_id=connection_id, secret=secret, had_one=had_one)


def forget_secret(record: EndpointRecord) -> None:
    """Remove the Connection of an endpoint that is gone, unless it was chosen by somebody."""
    if record.connection_id is None:
        with create_session() as session:
            session.execute(
                delete(Connection).where(Connection.conn_id == connection_id_of(record))
            )
