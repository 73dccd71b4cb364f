"""Slack channels by name: which Connection posts there, and which messages find them alone."""

import re
from collections.abc import Sequence
from datetime import datetime

from doclife.connections import Connections
from doclife.delivery.channel import Message
from doclife.delivery.slack import Routes, SlackRoute, route_of
from doclife.delivery.validators import check_slack_channel
from doclife.domain.actions import NAME_PATTERN
from doclife.domain.faults import did_you_mean
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.store import audit, slack_channels
from doclife.store.connection import Connection
from doclife.store.slack_channels import SlackChannelRow

AUTO = "auto"
"""What a rule writes into ``to`` so that the channel is found by the rule, or by the document."""


def list_channels(conn: Connection, *, organization: Organization) -> list[SlackChannelRow]:
    """Return the channels of an organization, by name."""
    return slack_channels.list_all(conn, organization_id=organization.id)


def save_channel(
    conn: Connection,
    *,
    organization: Organization,
    row: SlackChannelRow,
    now: datetime,
    actor: str,
) -> bool:
    """Add a channel, or change the one of that name; the same again changes nothing: False.

    :raises ConfigurationError: the name or the channel is none.
    """
    if not re.fullmatch(NAME_PATTERN, row.name) or row.name == AUTO:
        raise ConfigurationError(
            f"{row.name!r} is no name for a channel: begin with a letter, then a-z, 0-9, '-', '_'"
        )
    if row.channel is not None:
        check_slack_channel(row.channel)
    with conn.transaction():
        if row in list_channels(conn, organization=organization):
            return False
        slack_channels.save(conn, row, organization_id=organization.id)
        _record(conn, organization, row, action="changed", now=now, actor=actor)
    return True


def delete_channel(
    conn: Connection, *, organization: Organization, name: str, now: datetime, actor: str
) -> None:
    """Forget a channel: what is to it goes to Slack's channel of that name from then on.

    :raises ConfigurationError: there is none of that name.
    """
    with conn.transaction():
        row = find_channel(conn, organization=organization, name=name)
        slack_channels.delete(conn, organization_id=organization.id, name=name)
        _record(conn, organization, row, action="deleted", now=now, actor=actor)


def find_channel(conn: Connection, *, organization: Organization, name: str) -> SlackChannelRow:
    """Return the channel of that name.

    :raises ConfigurationError: there is none; the message lists those there are.
    """
    known = list_channels(conn, organization=organization)
    for row in known:
        if row.name == name:
            return row
    names = [row.name for row in known]
    raise ConfigurationError(
        f"there is no saved Slack channel {name!r}.{did_you_mean(name, names)} "
        f"Known: {', '.join(names) or 'none'}. Save one with: doclife slack save"
    )


def slack_routes(
    rows: Sequence[SlackChannelRow],
    *,
    connections: Connections,
    default_connection: str,
) -> Routes:
    """Return what finds the way of each message.

    A message to a saved channel's name goes its way; one to ``auto`` goes to the first channel, by
    name, that takes its rule, else its document type, else to the one named ``default``. All others
    go where they say, over the default Connection.

    :param rows: the channels of every organization.
    """
    ways: dict[tuple[str, str | None], SlackRoute | None] = {}

    def way(connection_id: str, channel: str | None) -> SlackRoute | None:
        key = (connection_id, channel)
        if key not in ways:
            connection = connections(connection_id)
            ways[key] = None if connection is None else route_of(connection, channel=channel)
        return ways[key]

    def find(message: Message) -> SlackRoute | None:
        row = choose(rows, message)
        if row is None:
            return way(default_connection, None)
        return way(row.connection_id, row.channel)

    return find


def choose(rows: Sequence[SlackChannelRow], message: Message) -> SlackChannelRow | None:
    """Return the saved channel that a message goes to; None when it is to none of them."""
    mine = [row for row in rows if row.is_active and row.organization == message.organization]
    wanted = str(message.payload.get("channel") or "").removeprefix("#")
    if wanted != AUTO:
        return next((row for row in mine if row.name == wanted), None)
    rule = str(message.payload.get("rule") or "").partition("@")[0]
    document = message.payload.get("document")
    kind = document.get("document_type") if isinstance(document, dict) else None
    found = [
        *(row for row in mine if rule in (row.rule_names or ())),
        *(row for row in mine if kind in (row.document_types or ())),
        *(row for row in mine if row.name == "default"),
    ]
    return found[0] if found else None


def _record(
    conn: Connection,
    organization: Organization,
    row: SlackChannelRow,
    *,
    action: str,
    now: datetime,
    actor: str,
) -> None:
    audit.record(
        conn,
        organization_id=organization.id,
        at=now,
        actor=actor,
        action=f"slack_channel.{action}",
        reason=f"Slack channel {row.name} {action} by request",
        details={
            "connection_id": row.connection_id,
            "channel": row.channel,
            "document_types": row.document_types,
            "rule_names": row.rule_names,
            "is_active": row.is_active,
        },
    )
