"""Reads and writes the Slack channels that have a way of their own."""

from dataclasses import dataclass

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackChannelRow:
    """One channel; its token or URL is in the Connection."""

    organization: str
    """Short name."""
    name: str
    connection_id: str
    channel: str | None
    """None for an incoming webhook, which writes to its own."""
    document_types: list[str] | None
    rule_names: list[str] | None
    is_active: bool


def list_all(conn: Connection, *, organization_id: int | None = None) -> list[SlackChannelRow]:
    """Return the channels of an organization, or of all, by name."""
    parameters = {"organization_id": organization_id}
    return fetch_rows(conn, statement("slack/list"), parameters, SlackChannelRow)


def save(conn: Connection, row: SlackChannelRow, *, organization_id: int) -> None:
    """Add a channel, or change the one of that name."""
    conn.execute(
        statement("slack/save"),
        {
            "organization_id": organization_id,
            "name": row.name,
            "connection_id": row.connection_id,
            "channel": row.channel,
            "document_types": row.document_types,
            "rule_names": row.rule_names,
            "is_active": row.is_active,
        },
    )


def delete(conn: Connection, *, organization_id: int, name: str) -> None:
    """Forget the channel of that name."""
    parameters = {"organization_id": organization_id, "name": name}
    conn.execute(statement("slack/delete"), parameters)
