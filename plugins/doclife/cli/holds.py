"""doclife documents hold, release and matters: legal holds."""

from typing import Annotated

import typer

from doclife.cli.options import Json, Organization
from doclife.cli.output import PARTLY_DONE, counted
from doclife.cli.session import session
from doclife.lifecycle import holding
from doclife.lifecycle.documents import find_document_ids

Matter = Annotated[str, typer.Argument(metavar="MATTER", help="Name of the matter.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``doclife documents``."""
    app.command("hold")(hold)
    app.command("release")(release)


def hold(
    matter: Matter,
    external_ids: Annotated[list[str], typer.Argument(metavar="EXTERNAL_ID...")],
    reason: Annotated[str, typer.Option(help="Why; a new matter is opened with it.")],
    authority: Annotated[str | None, typer.Option(help="Who ordered it, e.g. a court.")] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Put documents under legal hold: nothing archives, deletes or purges them.

    Exit code 3: the destruction of some had begun before the hold came.
    """
    with session(as_json=as_json, organization=organization) as s:
        named = dict(
            zip(
                find_document_ids(s.conn, organization=s.organization, external_ids=external_ids),
                external_ids,
                strict=True,
            )
        )
        outcome = holding.hold(
            s.conn,
            organization=s.organization,
            matter=matter,
            reason=reason,
            document_ids=list(named),
            actor=s.actor,
            now=s.now(),
            authority=authority,
        )
        too_late = [named[document_id] for document_id in outcome.too_late]

        def people() -> None:
            already = len(named) - outcome.held - len(too_late)
            s.output.say(
                f"Now held under {matter!r}: {counted(outcome.held, 'document')}"
                + (f"; {already:,} already before" if already else "")
                + "."
            )
            for external_id in too_late:
                s.output.say(
                    f"{external_id!r}: too late, its destruction had begun before.", style="red"
                )
            s.output.say(
                f"Let them go with: doclife documents release {matter!r} -o {s.organization}",
                style="dim",
            )

        s.output.show({"matter": matter, "held": outcome.held, "too_late": too_late}, people=people)
    if too_late:
        raise typer.Exit(PARTLY_DONE)


def release(
    matter: Matter,
    external_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXTERNAL_ID...]", help="Without: all, and the matter is closed."),
    ] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Release documents from a matter; without a list all of them, and close it."""
    with session(as_json=as_json, organization=organization) as s:
        released = holding.release(
            s.conn,
            organization=s.organization,
            matter=matter,
            document_ids=find_document_ids(
                s.conn, organization=s.organization, external_ids=external_ids
            )
            if external_ids
            else None,
            actor=s.actor,
            now=s.now(),
        )

        def people() -> None:
            s.output.say(
                f"Released from {matter!r}: {counted(released, 'document')}. "
                "What no other matter holds is judged again tonight."
            )
            s.output.say(
                "Take it back with: doclife documents hold"
                + (f" {matter!r} ..." if external_ids else " and the name of a new matter")
                + " --reason ...",
                style="dim",
            )

        s.output.show(
            {"matter": matter, "released": released, "is_closed": not external_ids}, people=people
        )
