"""doclife mail: whether mail leaves as it is set up."""

from typing import Annotated

import typer

from doclife.cli.attempts import print_attempt, try_out
from doclife.cli.options import Json, Organization
from doclife.cli.output import FAILED
from doclife.cli.session import session
from doclife.delivery.outcome import Outcome
from doclife.lifecycle import trying

app = typer.Typer(no_args_is_help=True, help="Whether mail leaves as it is set up.")


@app.callback()
def _several() -> None:
    # Without it typer makes a lone command the group itself.
    pass


@app.command("test")
def try_(
    address: Annotated[str, typer.Argument(help="One mail address.")],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Send one mail now, as every mail is sent, and show what the mail service answers.

    Needs the mail service as EMAIL_PROVIDER and its variables, or as AIRFLOW_CONN_DOCLIFE_EMAIL.
    """
    with session(as_json=as_json, organization=organization) as s:
        trial = trying.mail_trial(
            s.conn, organization=s.tenant(), to=address, now=s.now(), actor=s.actor
        )
        attempt = try_out(s, trial)
        s.output.show(
            {"attempt": attempt},
            people=lambda: print_attempt(s.output, f"Mail to {address}", attempt),
        )
    if attempt.outcome is not Outcome.SENT:
        raise typer.Exit(FAILED)
