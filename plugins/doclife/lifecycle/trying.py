"""Tests that a person sends: one mail, one Slack message, and what the far side really answered.

A test is no job, and no notice of anybody's: it stands in the delivery log with a number below 0.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from doclife.connections import Connections
from doclife.delivery.channel import Message
from doclife.delivery.configuration import DeliverySettings
from doclife.delivery.opening import open_channels
from doclife.delivery.outcome import Attempt
from doclife.delivery.slack import Routes, route_of
from doclife.delivery.validators import check_email_address, check_slack_channel
from doclife.domain.address import mailbox_key
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.slack_channels import AUTO, list_channels
from doclife.store import audit, deliveries, suppressions
from doclife.store.connection import Connection

TIMEOUT = timedelta(seconds=30)
"""Somebody sits and waits for the answer."""
SUBJECT = "Test from doclife"


def try_mail(
    conn: Connection,
    *,
    organization: Organization,
    to: str,
    delivery: DeliverySettings,
    connections: Connections,
    now: datetime,
    actor: str,
) -> Attempt:
    """Send one mail to an address, exactly as every mail is sent.

    :raises ConfigurationError: it is no address.
    :raises RefusedError: it gets no mail.
    """
    key = organization.slug, mailbox_key(check_email_address(to))
    if (reason := suppressions.find(conn, [key]).get(key)) is not None:
        raise RefusedError(
            f"{to} gets no mail ({reason}). To send to it again: doclife suppressions remove {to}"
        )
    payload = {
        "to": to,
        "subject": SUBJECT,
        "text": f"doclife can send mail for the organization {organization.slug}: this one was "
        f"asked for by {actor}. There is nothing to do.",
        "headers": {"Auto-Submitted": "auto-generated"},
    }
    attempt = asyncio.run(
        _send_once(
            "email", payload, organization, delivery=delivery, connections=connections, now=now
        )
    )
    record(conn, organization=organization, kind="email", target=to, attempt=attempt, now=now)
    _audit(conn, organization, f"test mail to {to}", attempt, kind="mail", now=now, actor=actor)
    return attempt


def try_slack(
    conn: Connection,
    *,
    organization: Organization,
    to: str,
    delivery: DeliverySettings,
    connections: Connections,
    now: datetime,
    actor: str,
) -> Attempt:
    """Post one message, exactly as every message is posted.

    :param to: the name of a saved channel, which goes its own way, also while it is paused; else
        what Slack calls the channel, over the default Connection. Empty for an incoming webhook.
    :raises ConfigurationError: it is no channel, or its Connection is no Slack.
    """
    saved = {row.name: row for row in list_channels(conn, organization=organization)}
    row = saved.get(to.removeprefix("#"))
    if to == AUTO:
        raise ConfigurationError("name a channel: 'auto' is found by rule or document type")
    if row is None and to:
        check_slack_channel(to)
    connection_id = delivery.slack_connection if row is None else row.connection_id
    connection = connections(connection_id)
    route = (
        None
        if connection is None
        else route_of(connection, channel=None if row is None else row.channel)
    )
    payload = {
        "channel": to,
        "text": f"Test from doclife: messages of the organization {organization.slug} "
        "arrive here. There is nothing to do.",
    }
    attempt = asyncio.run(
        _send_once(
            "slack",
            payload,
            organization,
            delivery=delivery,
            connections=connections,
            now=now,
            slack_routes=lambda _message: route,
        )
    )
    target = to or connection_id
    record(conn, organization=organization, kind="slack", target=target, attempt=attempt, now=now)
    _audit(
        conn,
        organization,
        f"test message to Slack: {target}",
        attempt,
        kind="slack",
        now=now,
        actor=actor,
    )
    return attempt


def number_of(now: datetime) -> int:
    """Return a number that no job has, and no two tests that are not of the same millisecond."""
    return -int(now.timestamp() * 1000)


def record(
    conn: Connection,
    *,
    organization: Organization,
    kind: str,
    attempt: Attempt,
    now: datetime,
    target: str | None = None,
    endpoint_id: int | None = None,
) -> None:
    """Note a test in the delivery log.

    :param target: where it went, when the log does not say it otherwise.
    """
    said = attempt.error if target is None else f"to {target}: {attempt.error or 'taken'}"
    deliveries.record_test(
        conn,
        number=number_of(now),
        organization_id=organization.id,
        kind=kind,
        endpoint_id=endpoint_id,
        outcome=attempt.outcome,
        status_code=attempt.status_code,
        latency_ms=attempt.latency_ms,
        answer_head=attempt.answer_head,
        error=said,
        at=now,
    )


async def _send_once(
    kind: str,
    payload: Mapping[str, Any],
    organization: Organization,
    *,
    delivery: DeliverySettings,
    connections: Connections,
    now: datetime,
    slack_routes: Routes | None = None,
) -> Attempt:
    message = Message(
        job_id=number_of(now),
        kind=kind,
        stored=json.dumps(payload),
        organization=organization.slug,
        endpoint=None,
        attempt=1,
        timeout=TIMEOUT,
    )
    async with open_channels(
        delivery, connections=connections, clock=lambda: now, slack_routes=slack_routes
    ) as channels:
        return (await channels[kind].deliver([message]))[0]


def _audit(
    conn: Connection,
    organization: Organization,
    reason: str,
    attempt: Attempt,
    *,
    kind: str,
    now: datetime,
    actor: str,
) -> None:
    audit.record(
        conn,
        organization_id=organization.id,
        at=now,
        actor=actor,
        action=f"{kind}.tested",
        reason=reason,
        details={"outcome": attempt.outcome, "status_code": attempt.status_code},
    )
