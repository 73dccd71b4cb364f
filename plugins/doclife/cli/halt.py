"""doclife halt and adopt: stop everything, and take a copied database into service."""

from dataclasses import asdict
from typing import Annotated

import typer

from doclife.cli.options import Json, Yes
from doclife.cli.output import warn
from doclife.cli.session import Session, confirm, session
from doclife.errors import DoclifeError
from doclife.lifecycle import halting
from doclife.lifecycle.purge_manifests import count_unknown
from doclife.store import switches
from doclife.store.switches import HaltState

app = typer.Typer(no_args_is_help=True, help="Stop every apply, purge and delivery, at once.")


@app.command()
def on(
    reason: Annotated[str, typer.Option(help="Those who find everything stopped read it.")],
    as_json: Json = False,
) -> None:
    """Stop everything at its next batch. What is done stays done; restoring still works."""
    with session(as_json=as_json) as s:
        halting.halt(s.conn, reason=reason, actor=s.actor, now=s.now())
        state = switches.read(s.conn)

        def people() -> None:
            s.output.say("Everything stops at its next batch.", style="bold red")
            s.output.say("Let it go on with: doclife halt off", style="dim")

        s.output.show(state, people=people)


@app.command()
def off(as_json: Json = False) -> None:
    """Let everything go on."""
    with session(as_json=as_json) as s:
        state = halting.resume(s.conn, actor=s.actor, now=s.now())

        def people() -> None:
            if state.reason is None:
                s.output.say(
                    "Nothing is halted any more. Plans that were stopped in the middle go on with: "
                    "doclife plans apply ID, or when their task is cleared in Airflow."
                )
            else:
                s.output.say(f"The switch is off, but still: {state.reason}", style="red")

        s.output.show(state, people=people)


@app.command("status")
def status(as_json: Json = False) -> None:
    """Say whether and why everything is halted."""
    with session(as_json=as_json) as s:
        state = switches.read(s.conn)
        s.output.show(state, people=lambda: _print(s, state))


def adopt(
    takes_over: Annotated[
        bool,
        typer.Option(
            "--takes-over",
            help="The database this one came from is gone for good: keep its identity and stores.",
        ),
    ] = False,
    is_copy: Annotated[
        bool,
        typer.Option(
            "--as-copy",
            help="The original lives on: become a deployment of its own; stores are read-only "
            "until 'doclife stores adopt'.",
        ),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take a copied, restored or failed-over database into service; until then it is halted.

    Say which it is: --takes-over or --as-copy. A staging copy that took over would purge the
    bytes of production.
    """
    if takes_over == is_copy:
        raise typer.BadParameter(
            "say whether the original is gone (--takes-over) or lives on (--as-copy)",
            param_hint="adopt",
        )
    with session(as_json=as_json) as s:
        if takes_over:
            confirm(
                "This database will archive, delete and purge in the stores of its original. "
                "Is the original gone for good?",
                yes=yes,
            )
        deployment_id = halting.adopt(s.conn, actor=s.actor, now=s.now(), takes_over=takes_over)
        state = switches.read(s.conn)
        newer = _newer_manifests(s) if takes_over else 0

        def people() -> None:
            s.output.say(f"This database is deployment {deployment_id} from now on.")
            if is_copy:
                s.output.say(
                    "Its stores are still the original's, and read-only. Give it stores of its "
                    "own, or take one over with: doclife stores adopt NAME"
                )
            if newer:
                s.output.say(
                    f"{newer} purge manifest(s) are newer than this database: it may have "
                    "documents again that were destroyed. Destroy them again with: "
                    "doclife erasure replay",
                    style="bold red",
                )
            _print(s, state)

        s.output.show({**asdict(state), "newer_purge_manifests": newer}, people=people)


def _newer_manifests(s: Session) -> int:
    """Return how many purges this database does not know of; adopting never fails for it."""
    try:
        return count_unknown(s.conn, stores=s.stores())
    except DoclifeError as error:
        warn(
            "Whether documents came back that were destroyed cannot be told: "
            f"{error} Look again with: doclife erasure replay"
        )
        return 0


def _print(s: Session, state: HaltState) -> None:
    if state.reason is None:
        s.output.say("Nothing is halted.", style="green")
    else:
        s.output.say(f"Halted: {state.reason}", style="bold red")
        s.output.say(
            "Let it go on with: doclife "
            + ("halt off" if state.is_adopted else "adopt --takes-over or adopt --as-copy"),
            style="dim",
        )
