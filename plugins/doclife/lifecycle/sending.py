"""Drains the queue with every channel there is: what ``process_queue`` and ``jobs drain`` call."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

import psycopg

from doclife.connections import Connections, ServiceConnection
from doclife.delivery.channel import Endpoint
from doclife.delivery.configuration import DeliverySettings
from doclife.delivery.links import NO_LINKS, Links
from doclife.delivery.opening import open_channels
from doclife.errors import ConfigurationError
from doclife.lifecycle.delivery_tally import DeliveryTally
from doclife.lifecycle.draining import Drained, Drainer, DrainSettings
from doclife.lifecycle.own_channels import OpenStores, continue_plans, own_channels
from doclife.lifecycle.reacting import react_to_events
from doclife.lifecycle.scheduled_rules import plan_scheduled_rules
from doclife.lifecycle.scheduling import run_due
from doclife.lifecycle.slack_channels import slack_routes
from doclife.lifecycle.suppressing import SuppressingChannel
from doclife.lifecycle.worker_session import Connect, Session
from doclife.store import clock, slack_channels
from doclife.store.connection import Connection
from doclife.store.endpoints import EndpointRecord
from doclife.store.queue import EndpointRow
from doclife.store.slack_channels import SlackChannelRow

logger = logging.getLogger(__name__)

GIVE_UP_COUNTS_SECONDS = 5.0
"""How long the counts of metrics are tried to be stored at the end."""


async def drain_queue(
    *,
    connect: Connect,
    delivery: DeliverySettings,
    connections: Connections,
    open_stores: OpenStores,
    name: str,
    present: Callable[[], datetime],
    chance: Callable[[], float],
    settings: DrainSettings,
    links: Links = NO_LINKS,
    counts_deliveries: bool = False,
) -> Drained:
    """Send and do what is due until there is nothing more, the time is over, or all is halted.

    :param connect: opens a prepared connection to the catalogue; called from several threads.
    :param connections: finds Airflow Connections by their id.
    :param name: host and process, for people.
    :param present: the present, aware; what is signed and read from answers refers to it.
    :param chance: draws from 0 to 1, for the waits between attempts.
    :param links: where the messages lead that are written here: reports, and what rules with
        ON_EVENT say.
    :param counts_deliveries: whether attempts are counted for metrics.
    """
    tally = DeliveryTally() if counts_deliveries else None

    def chores(conn: Connection) -> None:
        do_chores(conn, open_stores=open_stores, links=links)
        if tally is not None:
            _store_now_and_then(conn, tally)

    routes = slack_routes(
        await asyncio.to_thread(_slack_channels, connect),
        connections=connections,
        default_connection=delivery.slack_connection,
    )
    async with open_channels(
        delivery, connections=connections, clock=present, slack_routes=routes
    ) as channels:
        with closing(SuppressingChannel(channels["email"], connect=connect)) as email:
            drainer = Drainer(
                connect=connect,
                channels={
                    **channels,
                    "email": email,
                    **own_channels(connect, open_stores=open_stores, links=links),
                },
                find_endpoint=lambda row: endpoint_of(row, connections(connection_id_of(row))),
                name=name,
                chance=chance,
                settings=settings,
                chores=chores,
                tally=tally,
            )
            drained = await drainer.run()
    if tally is not None:
        await asyncio.to_thread(_store, connect, tally)
    return drained


def do_chores(conn: Connection, *, open_stores: OpenStores, links: Links = NO_LINKS) -> None:
    """React to events, run due schedules, and apply the plans that came of both."""
    now = clock.present(conn)
    run_due(conn, now=now)
    has_plans = react_to_events(conn, now=now).plans > 0
    if plan_scheduled_rules(conn, now=now) or has_plans:
        continue_plans(conn, stores=open_stores(conn), links=links)


def _store_now_and_then(conn: Connection, tally: DeliveryTally) -> None:
    try:
        tally.store_now_and_then(conn)
    except psycopg.Error as error:
        if conn.closed:
            raise  # the session opens another one
        # Events and schedules do not wait for the sake of a number.
        logger.warning("Attempts are not counted for metrics yet: %s", error)


def _store(connect: Connect, tally: DeliveryTally) -> None:
    session = Session(connect, give_up_seconds=GIVE_UP_COUNTS_SECONDS)
    try:
        session.run(tally.close)
    except (psycopg.Error, ConfigurationError) as error:
        # What was sent is recorded: a drain does not fail for the sake of a number.
        logger.warning("The last attempts are not counted for metrics: %s", error)
    finally:
        session.close()


def _slack_channels(connect: Connect) -> list[SlackChannelRow]:
    session = Session(connect)
    try:
        return session.run(slack_channels.list_all)
    finally:
        session.close()


def connection_id_of(row: EndpointRow | EndpointRecord) -> str:
    """Return the Airflow Connection that holds an endpoint's secrets."""
    return row.connection_id or f"doclife_endpoint_{row.endpoint_id}"


def endpoint_of(row: EndpointRow, connection: ServiceConnection | None) -> Endpoint:
    """Return an endpoint with its secrets, which are only ever in its Connection.

    The password is the signing secret; while it is rotated the extra has the one before as
    ``previous_secret``. Headers of the extra are sent along, after those of the row.
    """
    secrets = (
        () if connection is None else (connection.password, connection.text("previous_secret"))
    )
    own_headers = connection.extra.get("headers") if connection is not None else None
    return Endpoint(
        id=row.endpoint_id,
        name=row.name,
        url=row.url,
        secrets=tuple(secret for secret in secrets if secret),
        headers={**row.headers, **(own_headers if isinstance(own_headers, dict) else {})},
        timeout=timedelta(seconds=row.timeout_seconds),
        max_concurrency=row.max_concurrency,
        max_per_second=row.max_per_second,
    )
