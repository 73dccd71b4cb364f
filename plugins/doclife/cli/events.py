"""doclife events: what applications said has happened to documents."""

from typing import Annotated

import typer

from doclife.cli.options import Json, Organization
from doclife.cli.session import session
from doclife.lifecycle.withdrawing import withdraw_event

app = typer.Typer(no_args_is_help=True, help="Events of applications: take one back.")


@app.callback()
def events() -> None:
    """Events of applications: take one back."""


@app.command()
def withdraw(
    event_id: Annotated[
        int, typer.Argument(metavar="EVENT", help="Its number, as `doclife documents show` has it.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Take back what an application said has happened: a case was opened again.

    A retention that counts from the event has no end until a new event comes.
    """
    with session(as_json=as_json, organization=organization) as s:
        is_withdrawn = withdraw_event(
            s.conn, organization=s.organization, event_id=event_id, reason=reason, actor=s.actor
        )

        def people() -> None:
            if is_withdrawn:
                s.output.say(
                    f"Event {event_id} is withdrawn. What counted from it is kept until the "
                    "application emits a new one."
                )
            else:
                s.output.say(f"Event {event_id} was withdrawn before. Nothing was changed.")

        s.output.show({"event_id": event_id, "withdrawn": is_withdrawn}, people=people)
