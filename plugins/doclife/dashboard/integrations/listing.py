"""Everything that doclife speaks to, at a glance: mail, Slack, webhook endpoints."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from doclife.dashboard.connecting import find_connection
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_name
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Here
from doclife.errors import ConfigurationError
from doclife.lifecycle.endpoints import list_endpoints
from doclife.lifecycle.jobs import channel_health
from doclife.lifecycle.slack_channels import list_channels
from doclife.lifecycle.suppressing import list_suppressions
from doclife.store.endpoints import EndpointRecord
from doclife.store.job_reports import ChannelHealth

router = APIRouter()


@router.get("/integrations")
def show(here: Here, cursor: Annotated[str, Query(max_length=2000)] = "") -> Response:
    """Show each channel with its last success and failure, and a page of endpoints."""
    health = {one.kind: one for one in channel_health(here.conn, organization=here.tenant)}
    found = list_endpoints(
        here.conn, organization=here.tenant, after=read_name(cursor), size=PAGE_ROWS + 1
    )
    page = page_of(found, limit=PAGE_ROWS, key=lambda one: one.name, cursor=cursor)
    channels = list_channels(here.conn, organization=here.tenant)
    return here.page(
        "integrations/list.html.j2",
        mail=health["email"],
        mail_pill=channel_pill(health["email"]),
        mail_words=mail_words(),
        slack=health["slack"],
        slack_pill=channel_pill(health["slack"]),
        slack_words=slack_words(),
        slack_count=slack_integrations(
            active=sum(1 for one in channels if one.is_active),
            paused=sum(1 for one in channels if not one.is_active),
        ),
        page=page,
        failing=sum(1 for one in page.rows if endpoint_pill(one)[0] == "failed"),
        endpoint_pill=endpoint_pill,
        waiting_words=waiting_words,
        has_suppressed=bool(list_suppressions(here.conn, organization=here.tenant, size=1)),
    )


def channel_pill(health: ChannelHealth) -> tuple[str, str]:
    """Return kind and word of how a channel fares."""
    if health.stop_reason is not None:
        return ("failed", "Stopped")
    success, failure = health.last_success_at, health.last_failure_at
    if success is None:
        return ("none", "Not used yet") if failure is None else ("failed", "Failing")
    return ("waiting", "Failed last") if failure and failure > success else ("success", "Delivers")


def endpoint_pill(endpoint: EndpointRecord) -> tuple[str, str]:
    """Return kind and word of how an endpoint fares."""
    if endpoint.state != "enabled":
        return ("none", endpoint.state.capitalize())
    if endpoint.failing_since is not None:
        return ("failed", "Failing")
    if endpoint.rests_until is not None:
        return ("waiting", "Resting")
    if endpoint.last_success_at is None:
        never = endpoint.last_failure_at is None
        return ("none", "Not used yet") if never else ("failed", "Failing")
    return ("success", "Delivers")


def waiting_words(endpoint: EndpointRecord) -> str:
    """Return how many calls wait, as far as they were counted: ``12`` or ``12+``."""
    return f"{endpoint.waiting_jobs:,}{'+' if endpoint.may_be_more else ''}"


def mail_words() -> str:
    """Say which service mail goes over; nothing of its secrets."""
    try:
        service = CONFIGURATION.mail_service()
    except ConfigurationError as error:
        return f"Not usable: {error}"
    if service is None:
        return "Not set up"
    where = f", {service.host}:{service.port}" if service.host else ""
    return f"{service.provider}{where}, from {service.sender.address}"


def slack_words() -> str:
    """Say which Connection messages go over unless a channel has its own."""
    try:
        name = CONFIGURATION.delivery().slack_connection
        found = find_connection(name)
    except ConfigurationError as error:
        return f"Not usable: {error}"
    return f"Connection {name}" if found else f"Connection {name} is not there"


def slack_integrations(*, active: int, paused: int) -> tuple[int, str]:
    """Return how many ways into Slack are set up, and which: the Connection and saved channels."""
    try:
        has_connection = find_connection(CONFIGURATION.delivery().slack_connection) is not None
    except ConfigurationError:
        has_connection = False
    parts = ["the Connection"] if has_connection else []
    if active:
        parts.append(f"{active:,} {'channel' if active == 1 else 'channels'}")
    words = " and ".join(parts) or "none yet"
    if paused:
        words += f", {paused:,} paused"
    return active + has_connection, words[0].upper() + words[1:]
