"""doclife notifications: what the dashboard shows a person."""

from typing import Annotated

import typer

from doclife.cli.options import Json, Limit, Organization
from doclife.cli.session import Session, session
from doclife.errors import ConfigurationError
from doclife.lifecycle import notifications
from doclife.lifecycle.alerting import OPERATORS
from doclife.lifecycle.notifications import NotificationPage

app = typer.Typer(no_args_is_help=True, help="What the dashboard shows a person.")

Recipients = Annotated[
    list[str] | None,
    typer.Option(
        "--for", metavar="NAME", help="A user, an address or a role; else what operators are told."
    ),
]


@app.command("list")
def list_(
    recipients: Recipients = None,
    unread: Annotated[bool, typer.Option("--unread", help="Only what was not read.")] = False,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only of this type.")] = None,
    with_quiet: Annotated[
        bool, typer.Option("--with-quiet", help="Also types that they asked not to see.")
    ] = False,
    before: Annotated[int | None, typer.Option(help="Go on from here.")] = None,
    limit: Limit = 50,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List them, newest first."""
    with session(as_json=as_json, organization=organization) as s:
        page = notifications.list_notifications(
            s.conn,
            organization=s.tenant(),
            recipients=recipients or [OPERATORS],
            types=types or None,
            is_unread=unread,
            with_quiet=with_quiet,
            before=before,
            size=limit,
        )
        s.output.show(page, people=lambda: _print(s, page))


@app.command()
def read(
    ids: Annotated[list[int] | None, typer.Argument(metavar="NUMBER...")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    recipients: Recipients = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Note that they were read: some by their numbers, or all."""
    if bool(ids) == everything:
        raise ConfigurationError("name the numbers of those that were read, or say --all")
    with session(as_json=as_json, organization=organization) as s:
        tenant, names = s.tenant(), recipients or [OPERATORS]
        if ids:
            marked = notifications.mark_read(
                s.conn, organization=tenant, recipients=names, ids=ids, now=s.now()
            )
        else:
            marked = notifications.mark_all_read(
                s.conn, organization=tenant, recipients=names, now=s.now()
            )
        s.output.show(
            {"read": marked}, people=lambda: s.output.say(f"{len(marked):,} were unread.")
        )


def _print(s: Session, page: NotificationPage) -> None:
    s.output.table(
        ("number", "at", "read", "for", "type", "title"),
        [
            (one.id, one.created_at, one.read_at, one.recipient, one.type, one.title)
            for one in page.notifications
        ],
        empty="There is nothing to read.",
    )
    if page.next_before is not None:
        s.output.say(f"Older ones: --before {page.next_before}", style="dim")
