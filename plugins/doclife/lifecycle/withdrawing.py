"""Taking back what was said to have happened: the clock that it started stops."""

import psycopg

from doclife.errors import ConfigurationError
from doclife.store import events
from doclife.store.connection import Connection


def withdraw_event(
    conn: Connection, *, organization: str, event_id: int, reason: str, actor: str
) -> bool:
    """Take an event of an application back; return whether it still stood.

    What counts from it is kept without end until a new event comes, and plans made before see a
    changed document. A second call changes nothing.

    :param reason: why, for the audit trail.
    :raises ConfigurationError: the organization has no such event, or no reason is given.
    """
    try:
        with conn.transaction():
            return events.withdraw(
                conn, event_id=event_id, reason=reason, organization=organization, actor=actor
            )
    except (psycopg.errors.NoDataFound, psycopg.errors.InvalidParameterValue) as error:
        raise ConfigurationError(f"{error.diag.message_primary}. {error.diag.message_hint}") from (
            None
        )
