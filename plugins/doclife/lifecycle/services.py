"""The services that mail and Slack go over, as far as the catalogue knows: who set them up."""

import re
from datetime import datetime

from doclife.domain.organization import Organization
from doclife.store import audit
from doclife.store.connection import Connection

_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def is_connection_id(text: str) -> bool:
    """Whether Airflow can have a Connection of that name."""
    return bool(_CONNECTION_ID.fullmatch(text))


def record_connection(
    conn: Connection,
    *,
    organization: Organization,
    connection_id: str,
    type_: str,
    now: datetime,
    actor: str,
) -> None:
    """Note that an Airflow Connection is written; nothing of what is in it.

    :param organization: whose page it was done on; the service may serve all.
    """
    audit.record(
        conn,
        organization_id=organization.id,
        at=now,
        actor=actor,
        action="connection.changed",
        reason=f"Airflow Connection {connection_id} set up by request",
        details={"connection_id": connection_id, "type": type_},
    )
