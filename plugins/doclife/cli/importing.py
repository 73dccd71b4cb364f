"""doclife documents import: registers a folder, a bucket or a CSV manifest."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from doclife.cli.options import Json, Organization
from doclife.cli.output import PARTLY_DONE, console, counted, printable, size
from doclife.cli.session import Session, read_day, session
from doclife.lifecycle.registering import (
    ImportResult,
    ImportSettings,
    Problem,
    Silent,
    import_documents,
)

SHOWN_PROBLEMS = 50
"""People read so many problems; --json lists more."""


class ProgressBars:
    """Shows how far an import has come, how fast it is and how long it will take."""

    def __init__(self) -> None:
        self._files = Bars(
            TextColumn("files"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[problems]}"),
            console=console(stderr=True),
        )
        self._bytes = Bars(
            TextColumn("bytes"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("time left"),
            TimeRemainingColumn(),
            console=console(stderr=True),
        )
        self._file_task = self._files.add_task("files", total=None, problems="")
        self._byte_task = self._bytes.add_task("bytes", total=None)
        self._problem_count = 0
        self._live = Live(
            Group(self._files, self._bytes), console=console(stderr=True), transient=True
        )

    def __enter__(self) -> "ProgressBars":
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Clear what was drawn."""
        self._live.stop()

    def expect(self, *, files: int, size_bytes: int) -> None:
        """Learn how much there is to do."""
        self._files.update(self._file_task, total=files)
        self._bytes.update(self._byte_task, total=size_bytes)

    def advance(self, *, files: int, size_bytes: int) -> None:
        """Learn what was done since the last call; from any thread."""
        self._files.advance(self._file_task, files)
        self._bytes.advance(self._byte_task, size_bytes)

    def report(self, problem: Problem) -> None:
        """Count a problem; they are listed at the end."""
        if not problem.is_imported:
            self._problem_count += 1
            self._files.update(
                self._file_task, problems=f"{self._problem_count} not imported so far"
            )


def add_to(app: typer.Typer) -> None:
    """Add the command to ``doclife documents``."""
    app.command("import")(import_)


def import_(
    source: Annotated[
        str, typer.Argument(metavar="PATH_OR_URI", help="Folder, s3://bucket/prefix, or .csv.")
    ],
    store: Annotated[
        str | None, typer.Option(help="Name for the store, when the source is a new one.")
    ] = None,
    connection: Annotated[
        str | None, typer.Option(help="Airflow connection id with the credentials of the bucket.")
    ] = None,
    document_type: Annotated[str | None, typer.Option("--type", help="Type of all.")] = None,
    owner: Annotated[str | None, typer.Option(help="Owner of all.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag of all; may be repeated.")] = None,
    expires_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="All expire on this day.")
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Declared metadata of all; may be repeated."),
    ] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="A first import: no notices, no events.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Do not read files again whose size and time have not changed."
        ),
    ] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Register documents where they lie; nothing is copied. Importing again only adds changes.

    A manifest is a CSV file with a column path or uri and any of external_id, title,
    document_type, owner, tags, created_on, modified_on, last_accessed_on, expires_on and
    metadata.KEY. Exit code 3: something was not imported; every such file is listed.
    """
    day = read_day(expires_on, name="--expires-on") if expires_on else None
    with session(as_json=as_json, organization=organization) as s:
        settings = ImportSettings(
            organization=s.organization,
            store_name=store,
            connection_id=connection,
            document_type=document_type,
            owner=owner,
            tags=tag or None,
            expires_on=day,
            metadata=_pairs(metadata or []),
            baseline=baseline,
            quick=quick,
        )
        is_watched = console(stderr=True).is_terminal and not as_json
        if is_watched:
            with ProgressBars() as bars:
                result = _import(s, source, settings, bars)
        else:
            result = _import(s, source, settings, Silent())
        problems = [
            {**asdict(problem), "is_imported": problem.is_imported} for problem in result.problems
        ]
        s.output.show(
            {
                "source": source,
                "organization": s.organization,
                **asdict(result),
                "problems": problems,
            },
            people=lambda: _print(s, source, result),
        )
    if result.refused_count:
        raise typer.Exit(PARTLY_DONE)


def _import(
    s: Session, source: str, settings: ImportSettings, progress: ProgressBars | Silent
) -> ImportResult:
    return import_documents(
        s.conn,
        source=source,
        settings=settings,
        now=s.now(),
        actor=s.actor,
        options=s.credentials(),
        progress=progress,
    )


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not key or not separator:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--metadata")
        pairs[key] = value
    return pairs


def _print(s: Session, source: str, result: ImportResult) -> None:
    s.output.say(
        f"{printable(source)}: {result.new:,} new, {result.changed:,} changed, "
        f"{result.unchanged:,} unchanged documents ({size(result.size_bytes)}) "
        f"in store {result.store_name}, organization {s.organization}."
    )
    for note in result.notes:
        s.output.say(printable(str(note)), style="dim")
    if result.problems:
        s.output.heading(
            f"{counted(result.problem_count, 'file')} to know about, of which not imported: "
            f"{result.refused_count:,}"
        )
        s.output.table(
            ("file", "problem", "imported", "reason"),
            [
                (problem.path, str(problem.kind), problem.is_imported, problem.reason)
                for problem in result.problems[:SHOWN_PROBLEMS]
            ],
            empty="",
        )
        if result.problem_count > SHOWN_PROBLEMS:
            s.output.say(f"... and {result.problem_count - SHOWN_PROBLEMS:,} more: --json")
    if result.is_read_only:
        s.output.say(
            "The store is read-only to us: nothing in it will ever be removed. See: doclife stores "
            "list",
            style="yellow",
        )
    s.output.say(
        "Nothing was copied or changed at the source. See what rules would do: "
        f"doclife rules preview NAME -o {s.organization}",
        style="dim",
    )
