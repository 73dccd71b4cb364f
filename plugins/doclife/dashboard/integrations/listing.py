"""Everything that doclife speaks to, at a glance: mail, Slack, webhook endpoints."""

from fastapi import APIRouter, Response

from doclife.dashboard.connecting import find_connection
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

SUPPRESSIONS_SHOWN = 200


@router.get("/integrations")
def show(here: Here) -> Response:
    """Show each channel with its last success and failure."""
    health = {one.kind: one for one in channel_health(here.conn, organization=here.tenant)}
    endpoints = list_endpoints(here.conn, organization=here.tenant)
    suppressed = list_suppressions(here.conn, organization=here.tenant)
    return here.page(
        "integrations/list.html.j2",
        mail=health["email"],
        mail_pill=channel_pill(health["email"]),
        mail_words=_mail_words(),
        slack=health["slack"],
        slack_pill=channel_pill(health["slack"]),
        slack_words=_slack_words(),
        endpoints=endpoints,
        failing=sum(1 for one in endpoints if endpoint_pill(one)[0] == "failed"),
        endpoint_pill=endpoint_pill,
        channels=list_channels(here.conn, organization=here.tenant),
        suppressed=suppressed[:SUPPRESSIONS_SHOWN],
        more_suppressed=len(suppressed) - SUPPRESSIONS_SHOWN,
    )


def channel_pill(health: ChannelHealth) -> tuple[str, str]:
    """Return kind and word of how a channel fares."""
    if health.stop_reason is not None:
        return ("failed", "Stopped")
    return _fares(health.last_success_at, health.last_failure_at)


def endpoint_pill(endpoint: EndpointRecord) -> tuple[str, str]:
    """Return kind and word of how an endpoint fares."""
    if endpoint.state != "enabled":
        return ("none", endpoint.state.capitalize())
    if endpoint.failing_since is not None:
        return ("failed", "Failing")
    if endpoint.rests_until is not None:
        return ("waiting", "Resting")
    return _fares(endpoint.last_success_at, endpoint.last_failure_at)


def _fares(success: object, failure: object) -> tuple[str, str]:
    if success is None:
        return ("none", "Not used yet") if failure is None else ("failed", "Failing")
    return ("success", "Delivers")


def _mail_words() -> str:
    """Say which service mail goes over; nothing of its secrets."""
    try:
        service = CONFIGURATION.mail_service()
    except ConfigurationError as error:
        return f"Not usable: {error}"
    if service is None:
        return "Not set up: see docs/channels.md"
    where = f", {service.host}:{service.port}" if service.host else ""
    return f"{service.provider}{where}, from {service.sender.address}"


def _slack_words() -> str:
    try:
        name = CONFIGURATION.delivery().slack_connection
        found = find_connection(name)
    except ConfigurationError as error:
        return f"Not usable: {error}"
    return (
        f"Connection {name}" if found else f"Connection {name} is not there: see docs/channels.md"
    )
