"""doclife matters: legal holds as cases, with conditions that catch what comes later."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from doclife.cli.holds import Matter, read_when
from doclife.cli.options import Json, Limit, Organization, Yes
from doclife.cli.output import cell, counted, plain, size
from doclife.cli.session import Session, confirm, session
from doclife.lifecycle import matters
from doclife.lifecycle.matters import MatterReport, Placed

app = typer.Typer(
    no_args_is_help=True, help="Matters: legal holds as cases; open, list, show, close."
)

ConditionFile = Annotated[
    Path | None,
    typer.Option(
        "--when",
        metavar="FILE",
        help="A condition (YAML or JSON, when: as in a rule). Also catches what comes later.",
        exists=True,
        dir_okay=False,
    ),
]
CSV_COLUMNS = (
    "external_id",
    "title",
    "document_type",
    "owner",
    "status",
    "size_bytes",
    "hold",
    "basis",
    "hold_count",
    "added_by",
    "added_at",
    "released_by",
    "released_at",
    "release_reason",
    "too_late_since",
)


@app.command("open")
def open_(
    matter: Matter,
    reason: Annotated[str, typer.Option(help="What the case is about.")],
    authority: Annotated[str | None, typer.Option(help="Who ordered it, e.g. a court.")] = None,
    when: ConditionFile = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Open a matter. With a condition it holds whatever matches now and later.

    A document of which the condition cannot be said is held as well: unknown protects.
    """
    with session(as_json=as_json, organization=organization) as s:
        placed = matters.open_matter(
            s.conn,
            organization=s.organization,
            name=matter,
            reason=reason,
            authority=authority,
            condition=read_when(s, when) if when else None,
            actor=s.actor,
            now=s.now(),
        )

        def people() -> None:
            s.output.say(f"Matter {matter!r} is open.")
            if when:
                _print_placed(s, placed)
            else:
                s.output.say(
                    f"Put documents under it with: doclife documents hold {matter!r} ID... "
                    "--reason ...",
                    style="dim",
                )

        document = {"matter": matter, "held": placed.held, "too_late": placed.too_late}
        s.output.show(document, people=people)


@app.command()
def preview(
    when: Annotated[
        Path,
        typer.Option("--when", metavar="FILE", help="The condition.", exists=True, dir_okay=False),
    ],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show what a condition would hold today, and of how much it cannot be said. Holds nobody."""
    with session(as_json=as_json, organization=organization) as s:
        found = matters.preview_condition(
            s.conn, organization=s.organization, condition=read_when(s, when), now=s.now()
        )

        def people() -> None:
            s.output.table(
                ("answer", "status", "documents", "size", "for example"),
                [
                    (
                        "true" if row["basis"] == "matched" else "unknown",
                        row["status"],
                        row["documents"],
                        size(row["bytes"]),
                        row["examples"],
                    )
                    for row in found
                ],
                empty="Nothing would be held.",
            )
            if any(row["basis"] == "unknown" for row in found):
                s.output.say(
                    "Unknown: a field that the condition reads is missing or malformed there. "
                    "These are held too, until somebody says what they are and releases them.",
                    style="yellow",
                )

        s.output.show({"organization": s.organization, "caught": found}, people=people)


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List matters with what they hold: the open ones first, then the newest."""
    with session(as_json=as_json, organization=organization) as s:
        found = matters.list_matters(s.conn, organization=s.organization, with_closed=all_)

        def people() -> None:
            s.output.table(
                (
                    *("matter", "reason", "authority", "opened", "by", "condition", "held"),
                    *("size", "released", "too late", "closed"),
                ),
                [
                    (
                        *(one.name, one.reason, one.authority, one.created_at.date()),
                        *(one.created_by, one.condition is not None, one.held),
                        *(size(one.held_bytes), one.released, one.too_late),
                        one.released_at.date() if one.released_at else None,
                    )
                    for one in found
                ],
                empty=s.none("No matter" if all_ else "No open matter"),
            )

        s.output.show({"organization": s.organization, "matters": found}, people=people)


@app.command()
def show(
    matter: Matter,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write every document of the matter here.", dir_okay=False
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="EXTERNAL_ID", help="Go on after this one.")
    ] = None,
    limit: Limit = 20,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Report on a matter: what it holds, what was released, what came too late, who and when."""
    with session(as_json=as_json, organization=organization) as s:
        report = matters.report_matter(
            s.conn, organization=s.organization, name=matter, after=after, size=limit
        )
        written = _write_csv(s, matter, csv_file) if csv_file else None

        def people() -> None:
            _print_report(s, report)
            if written is not None:
                s.output.say(f"{counted(written, 'document')} written to {csv_file}.")

        s.output.show(report, people=people)


def _write_csv(s: Session, matter: str, file: Path) -> int:
    written = 0
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(CSV_COLUMNS)
        for row in matters.every_document(s.conn, organization=s.organization, name=matter):
            writer.writerow([plain(row[name]) for name in CSV_COLUMNS])
            written += 1
    return written


def _print_report(s: Session, report: MatterReport) -> None:
    matter = report.matter
    s.output.facts(
        {
            "matter": matter.name,
            "reason": matter.reason,
            "authority": matter.authority,
            "opened": f"{cell(matter.created_at)} by {matter.created_by}",
            "condition": None if report.condition is None else "standing, see below",
            "condition changed": f"{cell(matter.changed_at)} by {matter.changed_by}"
            if matter.changed_at
            else None,
            "closed": f"{cell(matter.released_at)} by {matter.released_by}"
            + (f": {matter.release_reason}" if matter.release_reason else "")
            if matter.released_at
            else None,
        }
    )
    s.output.heading("Documents")
    totals: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str, str]] = Counter()
    for row in report.counts:
        key = (row["hold"].replace("_", " "), row["status"], row["basis"])
        totals[key] += row["documents"]
        sizes[key] += row["bytes"]
    s.output.table(
        ("hold", "status", "because", "documents", "size"),
        [(*key, number, size(sizes[key])) for key, number in totals.items()],
        empty="None.",
    )
    if report.condition is not None:
        s.output.heading("Condition")
        s.output.say(report.condition.rstrip())
    if report.documents:
        s.output.heading("By external id")
        _print_documents(s, report.documents)
    if report.next_after is not None:
        s.output.say(
            "There are more: --after with the last external id, or --csv FILE.", style="dim"
        )


def _print_documents(s: Session, documents: Sequence[dict[str, Any]]) -> None:
    s.output.table(
        ("external id", "title", "status", "size", "hold", "because", "holds", "since", "by"),
        [
            (
                *(row["external_id"], row["title"], row["status"], size(row["size_bytes"])),
                f"too late, destruction began at {cell(row['too_late_since'])}"
                if row["hold"] == "too_late"
                else row["hold"],
                *(row["basis"], row["hold_count"], row["added_at"], row["added_by"]),
            )
            for row in documents
        ],
        empty="None.",
    )


@app.command()
def change(
    matter: Matter,
    when: ConditionFile = None,
    no_condition: Annotated[
        bool, typer.Option("--no-condition", help="Catch nothing from now on.")
    ] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Give a matter another condition, or none. Nobody is released by that."""
    if (when is None) != no_condition:
        raise typer.BadParameter("give --when FILE or --no-condition", param_hint="change")
    with session(as_json=as_json, organization=organization) as s:
        placed = matters.change_condition(
            s.conn,
            organization=s.organization,
            name=matter,
            condition=read_when(s, when) if when else None,
            actor=s.actor,
            now=s.now(),
        )

        def people() -> None:
            s.output.say(
                f"Matter {matter!r} has another condition."
                if when
                else f"Matter {matter!r} catches nothing by itself any more."
            )
            _print_placed(s, placed)
            s.output.say(
                "What it held before stays held until it is released: doclife documents release",
                style="dim",
            )

        document = {"matter": matter, "held": placed.held, "too_late": placed.too_late}
        s.output.show(document, people=people)


@app.command()
def close(
    matter: Matter,
    reason: Annotated[str | None, typer.Option(help="Why, for the audit trail.")] = None,
    yes: Yes = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Release every document of a matter and close it for good."""
    with session(as_json=as_json, organization=organization) as s:
        report = matters.report_matter(s.conn, organization=s.organization, name=matter, size=1)
        confirm(
            f"This releases {counted(report.matter.held, 'document')} from {matter!r}; what no "
            "other matter holds may be destroyed again. Close it?",
            yes=yes or report.matter.held == 0,
        )
        released = matters.close_matter(
            s.conn,
            organization=s.organization,
            name=matter,
            actor=s.actor,
            now=s.now(),
            reason=reason,
        )

        def people() -> None:
            s.output.say(
                f"Matter {matter!r} is closed; released: {counted(released, 'document')}. "
                "What no other matter holds is judged again tonight."
            )
            s.output.say(
                "It cannot be opened again. To hold them again: doclife documents hold and the "
                "name of a new matter",
                style="dim",
            )

        s.output.show({"matter": matter, "released": released, "is_closed": True}, people=people)


def _print_placed(s: Session, placed: Placed) -> None:
    too_late = f"; {placed.too_late:,} came too late, their destruction had begun"
    s.output.say(
        f"Its condition caught {counted(placed.held, 'document')}"
        f"{too_late if placed.too_late else ''}."
    )
