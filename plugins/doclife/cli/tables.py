"""doclife tables: the documents that an application keeps in a table of its own."""

import csv
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from doclife.cli.options import Json, Limit, Organization, Yes
from doclife.cli.output import PARTLY_DONE, console, counted, printable, warn
from doclife.cli.session import Session, confirm, session
from doclife.domain.table_mapping import TableMapping, read_mapping
from doclife.errors import ConfigurationError
from doclife.lifecycle import adopting_tables
from doclife.lifecycle.adopting_tables import AttachOutcome, ManifestLine

app = typer.Typer(no_args_is_help=True, help="Tables of applications whose rows are documents.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `doclife tables list` calls it.")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the tables that are or were followed."""
    with session(as_json=as_json) as s:
        found = adopting_tables.list_attached(s.conn)

        def people() -> None:
            s.output.table(
                ("name", "table", "rows read", "first import", "problems", "followed"),
                [
                    (
                        one.name,
                        f"{one.table_schema}.{one.table_name}",
                        one.baseline_rows,
                        "done" if one.baseline_ended_at else "not ended",
                        one.problem_count,
                        one.detached_at is None,
                    )
                    for one in found
                ],
                empty="No table is followed. See docs/adopt.md.",
            )

        s.output.show({"tables": found}, people=people)


@app.command()
def attach(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The mapping, YAML or JSON.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it and print the SQL; change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take over a table's rows as documents, without notices, and follow it from then on.

    Killed, it goes on where it stopped when it is called again.
    """
    with session(as_json=as_json) as s:
        mapping = _read(file)
        if dry_run:
            statements = adopting_tables.preview(s.conn, mapping)
            s.output.show(
                {"statements": statements},
                people=lambda: s.output.say(";\n\n".join(statements) + ";"),
            )
            return
        with _progress(s) as bar:
            task = bar.add_task(mapping.attachment, total=None)
            outcome = adopting_tables.attach(
                s.conn,
                mapping,
                now=s.now(),
                actor=s.actor,
                on_rows=lambda rows: bar.advance(task, rows),
            )
        _tell(s, outcome, verb="is followed")


@app.command()
def sync(name: Name, as_json: Json = False) -> None:
    """Compare every row with its document, and make up for what the triggers missed."""
    with session(as_json=as_json) as s:
        with _progress(s) as bar:
            task = bar.add_task(name, total=None)
            outcome = adopting_tables.read_again(
                s.conn,
                name,
                now=s.now(),
                actor=s.actor,
                on_rows=lambda rows: bar.advance(task, rows),
            )
        _tell(s, outcome, verb="was compared")


@app.command()
def problems(name: Name, limit: Limit = 100, as_json: Json = False) -> None:
    """List the rows that could not be taken over, and why. Mended ones leave the list."""
    with session(as_json=as_json) as s:
        found = adopting_tables.list_problems(s.conn, name, size=limit)

        def people() -> None:
            s.output.table(
                ("row", "reason", "noticed"),
                [(one.row_key, one.reason, one.noticed_at) for one in found],
                empty="Every row is a document.",
            )

        s.output.show({"problems": found}, people=people)


@app.command()
def manifest(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV to write.")],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Write where the bytes lie that nobody has read yet, for `documents import FILE`."""
    with session(as_json=as_json, organization=organization) as s:
        written, bad = 0, []
        lines = adopting_tables.manifest(s.conn, name, organization=s.organization)
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("external_id", "uri", "modified_on"))
            for line in lines:
                if isinstance(line, ManifestLine):
                    writer.writerow((line.external_id, line.uri, line.modified_on))
                    written += 1
                else:
                    bad.append(line)
        for problem in bad:
            warn(f"{problem.row_key}: {problem.reason}")
        s.output.show(
            {"file": file, "documents": written, "problems": bad},
            people=lambda: s.output.say(
                f"{counted(written, 'document')} in {file}. Read them with: doclife documents "
                f"import {file} --baseline -o {s.organization}"
            ),
        )
        if bad:
            raise typer.Exit(PARTLY_DONE)


@app.command()
def detach(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Follow a table no more. Its documents stay."""
    with session(as_json=as_json) as s:
        confirm(f"{name} will be followed no more; its documents stay. Go on?", yes=yes)
        adopting_tables.detach(s.conn, name, now=s.now(), actor=s.actor)
        found = adopting_tables.find(s.conn, name)
        s.output.show({"table": found}, people=lambda: s.output.say(f"{name} is followed no more."))


def _read(file: Path) -> TableMapping:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{printable(str(file))} cannot be read: {error}") from None
    return read_mapping(text, where=printable(str(file)))


def _progress(s: Session) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
        disable=s.output.is_json or not console(stderr=True).is_terminal,
    )


def _tell(s: Session, outcome: AttachOutcome, *, verb: str) -> None:
    def people() -> None:
        s.output.say(
            f"{outcome.name} {verb}: {counted(outcome.rows, 'row')} read, "
            f"{counted(outcome.documents, 'document')} new or changed."
        )
        if outcome.removed:
            s.output.say(f"{counted(outcome.removed, 'row')} had gone; the documents stay.")
        if outcome.problem_count:
            s.output.say(
                f"{counted(outcome.problem_count, 'row')} could not be taken over: "
                f"doclife tables problems {outcome.name}",
                style="yellow",
            )

    s.output.show(outcome, people=people)
    if outcome.problem_count:
        raise typer.Exit(PARTLY_DONE)
