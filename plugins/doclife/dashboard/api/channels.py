"""``/channels``, ``/mail``, ``/slack``, ``/suppressions`` of the JSON API: set up, tried."""

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.answering import Tried
from doclife.dashboard.api.asking import Asked, Cursor, Limit, Line, Names, Why
from doclife.dashboard.api.once import OnceRoute, in_steps
from doclife.dashboard.far_calls import TEST, try_out
from doclife.dashboard.gate import needs
from doclife.dashboard.integrations.slack_channels import refuse_foreign_connection
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_name
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Here, Visit
from doclife.errors import ConfigurationError
from doclife.lifecycle import slack_channels, suppressing, trying
from doclife.lifecycle.jobs import channel_health
from doclife.store.job_reports import ChannelHealth
from doclife.store.slack_channels import SlackChannelRow
from doclife.store.suppressions import Suppression

router = APIRouter(route_class=OnceRoute, tags=["channels"])


class MailTest(BaseModel):
    """Whom a test mail goes to."""

    model_config = ConfigDict(extra="forbid")

    to: Line


class SlackTest(BaseModel):
    """Where a test message goes: a saved channel, an id or #name; null for a webhook's own."""

    model_config = ConfigDict(extra="forbid")

    channel: Line | None = None


class ChannelSettings(BaseModel):
    """A Slack channel as a whole."""

    model_config = ConfigDict(extra="forbid")

    connection_id: Line | None = Field(default=None, description="Null: the usual Connection.")
    channel: Line | None = Field(default=None, description="Null: an incoming webhook's own.")
    document_types: Names | None = None
    rule_names: Names | None = None
    is_active: bool = True


class ChannelsBody(BaseModel):
    """The Slack channels of an organization, by name."""

    items: list[SlackChannelRow]
    next_cursor: None = None


class HealthBody(BaseModel):
    """How mail and Slack have fared; endpoints say it of themselves."""

    items: list[ChannelHealth]
    next_cursor: None = None


class SuppressionsPage(BaseModel):
    """A page of addresses that get no mail, by address."""

    items: list[Suppression]
    next_cursor: str | None


@router.get("/channels")
def list_health(here: Here) -> HealthBody:
    """Return the last success and failure of mail and Slack, and why one is stopped."""
    return HealthBody(items=channel_health(here.conn, organization=here.tenant))


@router.post("/mail/test", dependencies=[needs(Deed.SEND), TEST, in_steps()])
def try_mail(here: Here, body: MailTest) -> Tried:
    """Send one mail, as every mail is sent, and return what the mail service answered."""
    trial = trying.mail_trial(
        here.conn, organization=here.tenant, to=body.to, now=here.now, actor=here.actor
    )
    return Tried.model_validate(try_out(here, trial))


@router.post("/slack/test", dependencies=[needs(Deed.SEND), TEST, in_steps()])
def try_slack(here: Here, body: SlackTest) -> Tried:
    """Post one message, as every message is posted, and return what Slack answered."""
    trial = trying.slack_trial(
        here.conn,
        organization=here.tenant,
        to=body.channel or "",
        default_connection=CONFIGURATION.delivery().slack_connection,
        now=here.now,
    )
    return Tried.model_validate(try_out(here, trial))


@router.get("/slack/channels")
def list_channels(here: Here) -> ChannelsBody:
    """List the Slack channels that have a way of their own."""
    return ChannelsBody(items=slack_channels.list_channels(here.conn, organization=here.tenant))


@router.put("/slack/channels/{name}", dependencies=[needs(Deed.EDIT)])
def save_channel(here: Here, name: str, body: ChannelSettings) -> SlackChannelRow:
    """Add a Slack channel, or change the one of that name as a whole.

    403 for another Connection than those posted over so far, unless the caller may change them.
    """
    row = SlackChannelRow(
        organization=here.tenant.slug,
        name=name,
        connection_id=body.connection_id or CONFIGURATION.delivery().slack_connection,
        channel=body.channel,
        document_types=body.document_types,
        rule_names=body.rule_names,
        is_active=body.is_active,
    )
    refuse_foreign_connection(here, row.connection_id)
    slack_channels.save_channel(
        here.conn, organization=here.tenant, row=row, now=here.now, actor=here.actor
    )
    return row


@router.delete(
    "/slack/channels/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[needs(Deed.EDIT)],
)
def delete_channel(here: Here, name: str) -> None:
    """Forget a Slack channel; its Connection stays."""
    slack_channels.delete_channel(
        here.conn,
        organization=here.tenant,
        name=_known(here, name),
        now=here.now,
        actor=here.actor,
    )


@router.get("/suppressions")
def list_suppressions(
    here: Here, q: Asked = "", cursor: Cursor = "", limit: Limit = PAGE_ROWS
) -> SuppressionsPage:
    """List addresses that get no mail."""
    found = suppressing.list_suppressions(
        here.conn,
        organization=here.tenant,
        words=q or None,
        after=read_name(cursor),
        size=limit + 1,
    )
    page = page_of(found, limit=limit, key=lambda one: one.address, cursor=cursor)
    return SuppressionsPage(items=list(page.rows), next_cursor=page.next_cursor)


@router.put(
    "/suppressions/{address}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[needs(Deed.EDIT)],
)
def suppress(here: Here, address: str, body: Why) -> None:
    """Let an address get no more mail, warnings included."""
    suppressing.suppress(
        here.conn,
        organization=here.tenant,
        address=address,
        reason=body.reason,
        now=here.now,
        actor=here.actor,
    )


@router.post(
    "/suppressions/{address}/release",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[needs(Deed.EDIT)],
)
def release(here: Here, address: str, body: Why) -> None:
    """Let an address get mail again."""
    suppressing.release(
        here.conn,
        organization=here.tenant,
        address=address,
        reason=body.reason,
        now=here.now,
        actor=here.actor,
    )


def _known(here: Visit, name: str) -> str:
    try:
        return slack_channels.find_channel(here.conn, organization=here.tenant, name=name).name
    except ConfigurationError:
        raise HTTPException(404, f"There is no Slack channel {name!r} here") from None
