"""doclife slack: channels by name, and which messages find them by themselves."""

import os
from typing import Annotated

import typer

from doclife.cli.attempts import print_attempt, try_out
from doclife.cli.options import Json, Organization
from doclife.cli.output import FAILED
from doclife.cli.session import Session, session
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.outcome import Outcome
from doclife.lifecycle import slack_channels, trying
from doclife.store.slack_channels import SlackChannelRow

app = typer.Typer(no_args_is_help=True, help="Slack channels that have a way of their own.")


@app.command("list")
def list_(organization: Organization = None, as_json: Json = False) -> None:
    """List the saved channels; a message to any other goes over the Connection doclife_slack."""
    with session(as_json=as_json, organization=organization) as s:
        found = slack_channels.list_channels(s.conn, organization=s.tenant())
        s.output.show({"channels": found}, people=lambda: _print(s, found))


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="As rules name it in `to`, without #.")],
    connection: Annotated[
        str, typer.Option(help="Airflow Connection of type slack or slackwebhook.")
    ] = "doclife_slack",
    channel: Annotated[
        str | None,
        typer.Option(help="Id (C0123456789) or #name; none for an incoming webhook."),
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="Takes messages to 'auto' of this rule.")
    ] = None,
    document_type: Annotated[
        list[str] | None,
        typer.Option(help="Takes messages to 'auto' about documents of this type."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Keep it, and use it no more.")] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Add a channel, or change the one of that name as a whole."""
    with session(as_json=as_json, organization=organization) as s:
        tenant = s.tenant()
        row = SlackChannelRow(
            organization=tenant.slug,
            name=name,
            connection_id=connection,
            channel=channel,
            document_types=document_type,
            rule_names=rule,
            is_active=not off,
        )
        is_changed = slack_channels.save_channel(
            s.conn, organization=tenant, row=row, now=s.now(), actor=s.actor
        )
        done = "is saved" if is_changed else "is as it was"
        s.output.show(
            {"channel": row, "is_changed": is_changed},
            people=lambda: s.output.say(f"Slack channel {name} {done}."),
        )


@app.command()
def delete(
    name: Annotated[str, typer.Argument(help="As it was saved.")],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Forget a saved channel; what is to it goes to Slack's channel of that name from then on."""
    with session(as_json=as_json, organization=organization) as s:
        slack_channels.delete_channel(
            s.conn, organization=s.tenant(), name=name, now=s.now(), actor=s.actor
        )
        s.output.show(
            {"name": name}, people=lambda: s.output.say(f"Slack channel {name} is deleted.")
        )


@app.command("test")
def try_(
    channel: Annotated[
        str,
        typer.Argument(
            help="A saved channel, or an id or #name; none for an incoming webhook.",
            show_default=False,
        ),
    ] = "",
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Post one message now, as every message is posted, and show what Slack answers.

    Needs the channel's Connection as AIRFLOW_CONN_<ID>: AIRFLOW_CONN_DOCLIFE_SLACK by default.
    """
    with session(as_json=as_json, organization=organization) as s:
        trial = trying.slack_trial(
            s.conn,
            organization=s.tenant(),
            to=channel,
            default_connection=read_delivery_settings(os.environ).slack_connection,
            now=s.now(),
        )
        attempt = try_out(s, trial)
        s.output.show(
            {"attempt": attempt},
            people=lambda: print_attempt(s.output, f"Message to Slack {channel}".rstrip(), attempt),
        )
    if attempt.outcome is not Outcome.SENT:
        raise typer.Exit(FAILED)


def _print(s: Session, found: list[SlackChannelRow]) -> None:
    s.output.table(
        ("name", "connection", "channel", "rules", "document types", "active"),
        [
            (
                row.name,
                row.connection_id,
                row.channel,
                row.rule_names,
                row.document_types,
                row.is_active,
            )
            for row in found
        ],
        empty="No channel is saved: messages go where they say, over the Connection doclife_slack.",
    )
