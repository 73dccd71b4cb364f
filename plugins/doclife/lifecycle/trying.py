"""Tests that a person sends: one mail, message or call, and what the far side really answered.

A test is no job, and no notice of anybody's: it stands in the delivery log with a number below 0.
It is made ready and noted with a connection, and sent without one: a far side may take half a
minute, and whoever has connections to share gives this one back meanwhile.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from doclife.connections import Connections
from doclife.delivery.channel import Endpoint, Message
from doclife.delivery.configuration import DeliverySettings
from doclife.delivery.opening import open_channels
from doclife.delivery.outcome import Attempt
from doclife.delivery.slack import SlackRoute, route_of
from doclife.delivery.validators import check_email_address, check_slack_channel
from doclife.domain.address import mailbox_key
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.endpoints import find_endpoint
from doclife.lifecycle.sending import connection_id_of, endpoint_of
from doclife.lifecycle.slack_channels import AUTO, list_channels
from doclife.store import audit, deliveries, queue, suppressions
from doclife.store.connection import Connection
from doclife.store.queue import EndpointRow

TIMEOUT = timedelta(seconds=30)
"""Somebody sits and waits for the answer."""
SUBJECT = "Test from doclife"
ENDPOINT_EVENT = "doclife.test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A test that is ready to be sent."""

    organization: Organization
    kind: str
    """Of the job that it is like: ``email``, ``slack`` or ``webhook``."""
    payload: Mapping[str, Any]
    action: str
    """What the audit trail calls it, and with which words."""
    reason: str
    now: datetime
    """When it was asked for: its number in the delivery log, and what a call is signed with."""
    target: str | None = None
    """Where it goes, when the log does not say it otherwise."""
    slack_connection: str | None = None
    slack_channel: str | None = None
    """What a saved channel says for Slack; None: as the payload says."""
    endpoint: EndpointRow | None = None


def mail_trial(
    conn: Connection, *, organization: Organization, to: str, now: datetime, actor: str
) -> Trial:
    """Return a mail to an address, to be sent exactly as every mail is.

    :raises ConfigurationError: it is no address.
    :raises RefusedError: it gets no mail.
    """
    key = organization.slug, mailbox_key(check_email_address(to))
    if (reason := suppressions.find(conn, [key]).get(key)) is not None:
        raise RefusedError(
            f"{to} gets no mail ({reason}). To send to it again: doclife suppressions remove {to}"
        )
    return Trial(
        organization=organization,
        kind="email",
        payload={
            "to": to,
            "subject": SUBJECT,
            "text": f"doclife can send mail for the organization {organization.slug}: this one "
            f"was asked for by {actor}. There is nothing to do.",
            "headers": {"Auto-Submitted": "auto-generated"},
        },
        action="mail.tested",
        reason=f"test mail to {to}",
        now=now,
        target=to,
    )


def slack_trial(
    conn: Connection,
    *,
    organization: Organization,
    to: str,
    default_connection: str,
    now: datetime,
) -> Trial:
    """Return a message to Slack, to be posted exactly as every message is.

    :param to: the name of a saved channel, which goes its own way, also while it is paused; else
        what Slack calls the channel, over the default Connection. Empty for an incoming webhook.
    :raises ConfigurationError: it is no channel.
    """
    saved = {row.name: row for row in list_channels(conn, organization=organization)}
    row = saved.get(to.removeprefix("#"))
    if to == AUTO:
        raise ConfigurationError("name a channel: 'auto' is found by rule or document type")
    if row is None and to:
        check_slack_channel(to)
    connection_id = default_connection if row is None else row.connection_id
    target = to or connection_id
    return Trial(
        organization=organization,
        kind="slack",
        payload={
            "channel": to,
            "text": f"Test from doclife: messages of the organization {organization.slug} "
            "arrive here. There is nothing to do.",
        },
        action="slack.tested",
        reason=f"test message to Slack: {target}",
        now=now,
        target=target,
        slack_connection=connection_id,
        slack_channel=None if row is None else row.channel,
    )


def endpoint_trial(
    conn: Connection, *, organization: Organization, name: str, now: datetime
) -> Trial:
    """Return a call of an endpoint, to be signed and guarded as every call is.

    It is also made while the endpoint is paused or disabled.

    :raises ConfigurationError: there is no such endpoint.
    """
    record = find_endpoint(conn, organization=organization, name=name)
    return Trial(
        organization=organization,
        kind="webhook",
        payload={
            "type": ENDPOINT_EVENT,
            "timestamp": now.isoformat(),
            "data": {"organization": organization.slug, "endpoint": name},
        },
        action="endpoint.tested",
        reason=f"test call of endpoint {name}",
        now=now,
        endpoint=queue.list_endpoints(conn, [record.endpoint_id])[0],
    )


def send(trial: Trial, *, delivery: DeliverySettings, connections: Connections) -> Attempt:
    """Send a test and return what the far side answered, within half a minute.

    :raises ConfigurationError: the Airflow Connection that it needs is none of its kind.
    """
    row = trial.endpoint
    endpoint = None if row is None else endpoint_of(row, connections(connection_id_of(row)))
    return asyncio.run(
        _send_once(
            trial,
            endpoint,
            _slack_route(trial, connections),
            delivery=delivery,
            connections=connections,
        )
    )


def record(conn: Connection, trial: Trial, attempt: Attempt, *, actor: str) -> None:
    """Note a test in the delivery log and in the audit trail."""
    to = trial.target
    deliveries.record_test(
        conn,
        number=_number_of(trial),
        organization_id=trial.organization.id,
        kind=trial.kind,
        endpoint_id=None if trial.endpoint is None else trial.endpoint.endpoint_id,
        outcome=attempt.outcome,
        status_code=attempt.status_code,
        latency_ms=attempt.latency_ms,
        answer_head=attempt.answer_head,
        error=attempt.error if to is None else f"to {to}: {attempt.error or 'taken'}",
        at=trial.now,
    )
    audit.record(
        conn,
        organization_id=trial.organization.id,
        at=trial.now,
        actor=actor,
        action=trial.action,
        reason=trial.reason,
        details={"outcome": attempt.outcome, "status_code": attempt.status_code},
    )


def _number_of(trial: Trial) -> int:
    """Return a number that no job has, and no two tests that are not of the same millisecond."""
    return -int(trial.now.timestamp() * 1000)


def _slack_route(trial: Trial, connections: Connections) -> SlackRoute | None:
    if trial.slack_connection is None:
        return None
    connection = connections(trial.slack_connection)
    return None if connection is None else route_of(connection, channel=trial.slack_channel)


async def _send_once(
    trial: Trial,
    endpoint: Endpoint | None,
    slack_route: SlackRoute | None,
    *,
    delivery: DeliverySettings,
    connections: Connections,
) -> Attempt:
    message = Message(
        job_id=_number_of(trial),
        kind=trial.kind,
        stored=json.dumps(trial.payload),
        organization=trial.organization.slug,
        endpoint=endpoint,
        attempt=1,
        timeout=TIMEOUT if endpoint is None else min(endpoint.timeout, TIMEOUT),
    )
    async with open_channels(
        delivery,
        connections=connections,
        clock=lambda: trial.now,
        slack_routes=lambda _message: slack_route,
    ) as channels:
        return (await channels[trial.kind].deliver([message]))[0]
