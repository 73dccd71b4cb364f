"""doclife suppressions: addresses that get no mail."""

from typing import Annotated

import typer

from doclife.cli.options import Json, Organization
from doclife.cli.session import Session, session
from doclife.lifecycle import suppressing
from doclife.store.suppressions import Suppression

app = typer.Typer(no_args_is_help=True, help="Addresses that get no mail.")
Address = Annotated[str, typer.Argument(help="One mail address.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]


@app.command("list")
def list_(
    search: Annotated[str | None, typer.Option(help="Only those with this in them.")] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List them: mail came back, they complained, or somebody asked for it."""
    with session(as_json=as_json, organization=organization) as s:
        found = suppressing.list_suppressions(s.conn, organization=s.tenant(), words=search)
        s.output.show({"suppressions": found}, people=lambda: _print(s, found))


@app.command()
def add(
    address: Address,
    reason: Reason = suppressing.BY_REQUEST,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Send no more mail to an address, warnings included."""
    with session(as_json=as_json, organization=organization) as s:
        is_new = suppressing.suppress(
            s.conn,
            organization=s.tenant(),
            address=address,
            now=s.now(),
            actor=s.actor,
            reason=reason,
        )
        was = "gets no more mail" if is_new else "got no mail already"
        s.output.show(
            {"address": address, "is_new": is_new},
            people=lambda: s.output.say(
                f"{address} {was}. Take it back with: doclife suppressions remove {address}"
            ),
        )


@app.command()
def remove(
    address: Address,
    reason: Reason = suppressing.BY_REQUEST,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Send mail to an address again."""
    with session(as_json=as_json, organization=organization) as s:
        suppressing.release(
            s.conn,
            organization=s.tenant(),
            address=address,
            now=s.now(),
            actor=s.actor,
            reason=reason,
        )
        s.output.show(
            {"address": address}, people=lambda: s.output.say(f"{address} gets mail again.")
        )


def _print(s: Session, found: list[Suppression]) -> None:
    s.output.table(
        ("address", "why", "since"),
        [(one.address, one.reason, one.created_at) for one in found],
        empty="Every address gets mail.",
    )
