"""doclife documents hold and release: single documents under a matter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from doclife.cli.options import Json, Organization
from doclife.cli.output import PARTLY_DONE, cell, counted
from doclife.cli.session import Session, session
from doclife.domain.condition import Condition
from doclife.lifecycle import holding
from doclife.lifecycle.holding import HoldOutcome
from doclife.lifecycle.matters import read_condition_file

SHOWN = 20
"""So many ids are listed for people; --json has them all."""

Matter = Annotated[str, typer.Argument(metavar="MATTER", help="Name of the matter.")]
ExternalIds = Annotated[list[str] | None, typer.Argument(metavar="[EXTERNAL_ID...]")]
IdFile = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Also the external ids in this file, one per line.",
        exists=True,
        dir_okay=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``doclife documents``."""
    app.command("hold")(hold)
    app.command("release")(release)


def hold(
    matter: Matter,
    reason: Annotated[str, typer.Option(help="Why; a new matter is opened with it.")],
    external_ids: ExternalIds = None,
    from_file: IdFile = None,
    where: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Instead: what a condition (YAML, as in a rule) is true of or cannot be said of.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    authority: Annotated[str | None, typer.Option(help="Who ordered it, e.g. a court.")] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Put documents under legal hold: nothing archives, deletes or purges them.

    Documents that come later are held by a matter with a condition: doclife matters open --when.

    Exit code 3: the destruction of some had begun before the hold came, or some ids are unknown.
    The others are held.
    """
    wanted = _ids(external_ids, from_file)
    if bool(wanted) == bool(where):
        raise typer.BadParameter("name documents, or give --from or --where", param_hint="hold")
    with session(as_json=as_json, organization=organization) as s:
        outcome = (
            holding.hold_where(
                s.conn,
                organization=s.organization,
                matter=matter,
                reason=reason,
                condition=read_when(s, where),
                actor=s.actor,
                now=s.now(),
                authority=authority,
            )
            if where
            else holding.hold_named(
                s.conn,
                organization=s.organization,
                matter=matter,
                reason=reason,
                external_ids=wanted,
                actor=s.actor,
                now=s.now(),
                authority=authority,
            )
        )
        document = {
            "matter": matter,
            "held": outcome.held,
            "already": outcome.already,
            "too_late": [
                {"external_id": each.external_id, "destruction_began_at": each.too_late_since}
                for each in outcome.too_late
            ],
            "unknown": outcome.unknown,
        }
        s.output.show(document, people=lambda: _print_held(s, matter, outcome))
    if outcome.too_late or outcome.unknown:
        raise typer.Exit(PARTLY_DONE)


def _print_held(s: Session, matter: str, outcome: HoldOutcome) -> None:
    already = f"; {outcome.already:,} already before" if outcome.already else ""
    s.output.say(f"Now held under {matter!r}: {counted(outcome.held, 'document')}{already}.")
    for each in outcome.too_late[:SHOWN]:
        s.output.say(
            f"{each.external_id!r}: too late, destruction began at {cell(each.too_late_since)}.",
            style="red",
        )
    _print_more(s, len(outcome.too_late))
    for external_id in outcome.unknown[:SHOWN]:
        s.output.say(f"{external_id!r}: no document has this external id.", style="red")
    _print_more(s, len(outcome.unknown))
    s.output.say(
        f"Report: doclife matters show {matter!r} -o {s.organization}. "
        f"Let them go with: doclife matters close {matter!r} -o {s.organization}",
        style="dim",
    )


def release(
    matter: Matter,
    external_ids: ExternalIds = None,
    from_file: IdFile = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the audit trail.")] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Release documents from a matter. What another matter holds stays held.

    The matter's condition does not catch them a second time. All at once: doclife matters close.

    Exit code 3: some external ids are unknown. The others are released.
    """
    wanted = _ids(external_ids, from_file)
    if not wanted:
        raise typer.BadParameter(
            f"name documents, or give --from; for all of them: doclife matters close {matter!r}",
            param_hint="release",
        )
    with session(as_json=as_json, organization=organization) as s:
        outcome = holding.release_named(
            s.conn,
            organization=s.organization,
            matter=matter,
            external_ids=wanted,
            actor=s.actor,
            now=s.now(),
            reason=reason,
        )

        def people() -> None:
            s.output.say(
                f"Released from {matter!r}: {counted(outcome.released, 'document')}, "
                f"{outcome.still_held:,} of them still held by another matter. "
                "What is free is judged again tonight."
            )
            for external_id in outcome.unknown[:SHOWN]:
                s.output.say(f"{external_id!r}: no document has this external id.", style="red")
            _print_more(s, len(outcome.unknown))
            s.output.say(
                f"Take it back with: doclife documents hold {matter!r} ... --reason ...",
                style="dim",
            )

        s.output.show({"matter": matter, **outcome.to_json()}, people=people)
    if outcome.unknown:
        raise typer.Exit(PARTLY_DONE)


def read_when(s: Session, file: Path) -> Condition:
    """Read a condition file for the session's organization."""
    return read_condition_file(
        s.conn,
        organization=s.organization,
        text=file.read_text(encoding="utf-8"),
        file=str(file),
    )


def _ids(named: Sequence[str] | None, file: Path | None) -> list[str]:
    """Return the ids that were typed and those in the file, each once."""
    lines = file.read_text(encoding="utf-8-sig").splitlines() if file else []
    return list(dict.fromkeys([*(named or []), *(line.strip() for line in lines if line.strip())]))


def _print_more(s: Session, number: int) -> None:
    if number > SHOWN:
        s.output.say(f"... and {number - SHOWN:,} more: --json lists them.", style="red")
