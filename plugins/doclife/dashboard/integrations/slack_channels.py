"""Slack channels by name: made, changed and deleted in a form."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import WHY_NOT, needs
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Here, Visit
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle import slack_channels
from doclife.store.slack_channels import SlackChannelRow

router = APIRouter()

Text = Annotated[str, Form(max_length=2000)]


@router.get("/integrations/slack/channels/new", dependencies=[needs(Deed.EDIT)])
def ask_new(here: Here) -> Response:
    """Show an empty form."""
    empty = SlackChannelRow(
        organization=here.tenant.slug,
        name="",
        connection_id=CONFIGURATION.delivery().slack_connection,
        channel=None,
        document_types=None,
        rule_names=None,
        is_active=True,
    )
    return _form(here, empty, is_new=True)


@router.post("/integrations/slack/channels/new", dependencies=[needs(Deed.EDIT)])
def add(
    here: Here,
    name: Text = "",
    connection: Text = "",
    channel: Text = "",
    rules: Text = "",
    types: Text = "",
    active: Text = "",
) -> Response:
    """Save a channel under a name that is not taken."""
    row = _typed(here, name.strip(), connection, channel, rules, types, active)
    known = slack_channels.list_channels(here.conn, organization=here.tenant)
    if row.name in {one.name for one in known}:
        fault = f"There is a channel {row.name!r} already: edit it, or choose another name"
        return _form(here, row, is_new=True, error=fault)
    return _save(here, row, is_new=True)


@router.get("/integrations/slack/channels/{name}/edit", dependencies=[needs(Deed.EDIT)])
def ask_edit(here: Here, name: str) -> Response:
    """Show the form with the channel as it is."""
    return _form(here, _find(here, name), is_new=False)


@router.post("/integrations/slack/channels/{name}/edit", dependencies=[needs(Deed.EDIT)])
def edit(
    here: Here,
    name: str,
    connection: Text = "",
    channel: Text = "",
    rules: Text = "",
    types: Text = "",
    active: Text = "",
) -> Response:
    """Change a channel as a whole; its name stays, because rules say it."""
    before = _find(here, name)
    return _save(
        here, _typed(here, before.name, connection, channel, rules, types, active), is_new=False
    )


@router.get("/integrations/slack/channels/{name}/delete", dependencies=[needs(Deed.EDIT)])
def ask_delete(here: Here, name: str) -> Response:
    """Say what comes of deleting a channel, and ask."""
    return here.page("integrations/slack_channel_delete.html.j2", channel=_find(here, name))


@router.post("/integrations/slack/channels/{name}/delete", dependencies=[needs(Deed.EDIT)])
def delete(here: Here, name: str) -> Response:
    """Forget a channel."""
    row = _find(here, name)
    slack_channels.delete_channel(
        here.conn, organization=here.tenant, name=row.name, now=here.now, actor=here.actor
    )
    return here.redirect("integrations/slack", flash=f"Slack channel {row.name} is deleted.")


def refuse_foreign_connection(here: Visit, connection_id: str) -> None:
    """Refuse a Connection that the organization has not posted over: it may be another's.

    :raises HTTPException: 403, unless the person may change Connections.
    """
    known = {
        one.connection_id
        for one in slack_channels.list_channels(here.conn, organization=here.tenant)
    }
    known.add(CONFIGURATION.delivery().slack_connection)
    if connection_id not in known and not here.may.connect:
        raise HTTPException(
            403, f"Nothing goes over Connection {connection_id!r} here yet. {WHY_NOT[Deed.CONNECT]}"
        )


def _find(here: Visit, name: str) -> SlackChannelRow:
    try:
        return slack_channels.find_channel(here.conn, organization=here.tenant, name=name)
    except ConfigurationError:
        raise HTTPException(404, f"There is no Slack channel {name!r} here") from None


def _save(here: Visit, row: SlackChannelRow, *, is_new: bool) -> Response:
    refuse_foreign_connection(here, row.connection_id)
    try:
        slack_channels.save_channel(
            here.conn, organization=here.tenant, row=row, now=here.now, actor=here.actor
        )
    except DoclifeError as error:
        return _form(here, row, is_new=is_new, error=str(error))
    return here.redirect("integrations/slack", flash=f"Slack channel {row.name} is saved.")


def _form(here: Visit, row: SlackChannelRow, *, is_new: bool, error: str | None = None) -> Response:
    return here.page(
        "integrations/slack_channel.html.j2",
        status=200 if error is None else 422,
        channel=row,
        is_new=is_new,
        error=error,
    )


def _typed(
    here: Visit, name: str, connection: str, channel: str, rules: str, types: str, active: str
) -> SlackChannelRow:
    return SlackChannelRow(
        organization=here.tenant.slug,
        name=name,
        connection_id=connection.strip() or CONFIGURATION.delivery().slack_connection,
        channel=channel.strip() or None,
        document_types=_words(types),
        rule_names=_words(rules),
        is_active=bool(active),
    )


def _words(text: str) -> list[str] | None:
    return [word.strip() for word in text.split(",") if word.strip()] or None
