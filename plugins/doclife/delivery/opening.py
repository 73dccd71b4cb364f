"""Opens every channel for the length of a drain."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from doclife.connections import Connections
from doclife.delivery.channel import Channel, Message
from doclife.delivery.classification import not_tried
from doclife.delivery.configuration import DeliverySettings
from doclife.delivery.email import EmailChannel
from doclife.delivery.exchange import GuardedClient, open_client
from doclife.delivery.mail_service import MailService, Provider
from doclife.delivery.mail_transport import Transport
from doclife.delivery.mailgun import MailgunTransport
from doclife.delivery.outcome import Attempt
from doclife.delivery.sendgrid import SendGridTransport
from doclife.delivery.ses import SesTransport
from doclife.delivery.slack import Routes, SlackChannel, SlackRoute, route_of
from doclife.delivery.smtp import SmtpTransport
from doclife.delivery.webhook import WebhookChannel
from doclife.errors import ConfigurationError

UNTIL_CONFIGURED = timedelta(minutes=5)


class UnconfiguredChannel:
    """Stands for a channel that nobody has set up, or not rightly: its messages wait, untried."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Say of each message why it waits."""
        waiting = not_tried(self._reason, retry_after=UNTIL_CONFIGURED, stops_channel=True)
        return [waiting] * len(messages)


@asynccontextmanager
async def open_channels(
    settings: DeliverySettings,
    *,
    connections: Connections,
    clock: Callable[[], datetime],
    slack_routes: Routes | None = None,
) -> AsyncIterator[Mapping[str, Channel]]:
    """Yield the channels by the kind of job that each delivers: email, webhook and slack.

    Wrong settings of one channel stop only that one. Keep them open for many calls of ``deliver``:
    connections, and what is known of receivers that do not answer, live as long.

    :param connections: finds Airflow Connections: ``BaseHook`` in a task, ``AIRFLOW_CONN_...``
        elsewhere. Looked at once, when a channel is opened.
    :param clock: the present, aware.
    :param slack_routes: where the messages of Slack channels go that have a way of their own;
        None for all: the one Connection.
    """
    async with open_client(settings.guard) as client:
        yield {
            "webhook": WebhookChannel(client, guard=settings.guard, clock=clock),
            "email": _email(settings, client, connections=connections, clock=clock),
            "slack": SlackChannel(
                client, routes=slack_routes or _one_route(settings, connections), clock=clock
            ),
        }


def _email(
    settings: DeliverySettings,
    client: GuardedClient,
    *,
    connections: Connections,
    clock: Callable[[], datetime],
) -> Channel:
    try:
        service = settings.mail_service(connections)
    except ConfigurationError as error:
        return UnconfiguredChannel(str(error))
    if service is None:
        return UnconfiguredChannel(
            "no mail service is configured: add the Airflow Connection "
            f"{settings.email_connection!r}, or set EMAIL_PROVIDER"
        )
    return EmailChannel(transport_of(service, client, clock=clock), sender=service.sender)


def transport_of(
    service: MailService, client: GuardedClient, *, clock: Callable[[], datetime]
) -> Transport:
    """Return what hands mail to this service."""
    match service.provider:
        case Provider.SMTP:
            return SmtpTransport(service, clock=clock)
        case Provider.SENDGRID:
            return SendGridTransport(service, client, clock=clock)
        case Provider.SES:
            return SesTransport(service, client, clock=clock)
        case Provider.MAILGUN:
            return MailgunTransport(service, client, clock=clock)


def _one_route(settings: DeliverySettings, connections: Connections) -> Routes:
    found: list[SlackRoute | None] = []

    def route(_message: Message) -> SlackRoute | None:
        if not found:
            connection = connections(settings.slack_connection)
            found.append(None if connection is None else route_of(connection))
        return found[0]

    return route
