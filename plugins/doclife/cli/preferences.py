"""doclife preferences: what a person wants of messages."""

from typing import Annotated

import typer

from doclife.cli.options import Json, Organization
from doclife.cli.session import Session, session
from doclife.lifecycle import preferring
from doclife.lifecycle.preferring import Preference, PreferenceChange

app = typer.Typer(no_args_is_help=True, help="What people want: digest, language, clock, quiet.")

Recipient = Annotated[
    str, typer.Argument(metavar="RECIPIENT", help="A mail address; for the dashboard also a user.")
]


@app.command()
def show(recipient: Recipient, organization: Organization = None, as_json: Json = False) -> None:
    """Show what a person wants over each channel."""
    with session(as_json=as_json, organization=organization) as s:
        found = preferring.show_preferences(s.conn, organization=s.tenant(), recipient=recipient)
        s.output.show({"preferences": found}, people=lambda: _print(s, found))


@app.command("set")
def set_(
    recipient: Recipient,
    channel: Annotated[
        str, typer.Option(help="email, slack or notification (the dashboard).")
    ] = "email",
    digest: Annotated[
        bool | None, typer.Option("--digest/--no-digest", help="The summary at 08:00.")
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(help="daily: notices wait for the digest; off: they come one by one."),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="By whose clock, e.g. Europe/Berlin; '' for the usual one.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or es; '' for the usual one.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Where in Slack: U0123456789, C0123456789 or '#name'.")
    ] = None,
    mute: Annotated[
        list[str] | None,
        typer.Option(help="Type of notification that is not shown; '' to show all again."),
    ] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Change what a person wants; warnings before a deletion always come."""
    change = PreferenceChange(
        channel=channel,
        address=address,
        wants_digest=digest,
        quiet=quiet,
        time_zone=time_zone,
        locale=language,
        quiet_types=None if mute is None else [one for one in mute if one],
    )
    with session(as_json=as_json, organization=organization) as s:
        found = preferring.change_preferences(
            s.conn,
            organization=s.tenant(),
            recipient=recipient,
            change=change,
            now=s.now(),
            actor=s.actor,
        )
        s.output.show({"preferences": found}, people=lambda: _print(s, found))


def _print(s: Session, found: list[Preference]) -> None:
    s.output.table(
        ("channel", "digest", "quiet", "zone", "language", "address", "not shown"),
        [
            (
                one.channel,
                one.wants_digest,
                one.quiet,
                one.time_zone,
                one.locale,
                one.address,
                list(one.quiet_types) or None,
            )
            for one in found
        ],
        empty="",
    )
