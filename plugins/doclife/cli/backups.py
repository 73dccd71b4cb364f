"""doclife backup: a copy of the documents database, and the proof that it can be restored."""

import os
import re
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from doclife.cli.doctor import STYLES
from doclife.cli.options import Json, SigningKeys
from doclife.cli.output import FAILED, Output, console, counted, size, warn
from doclife.cli.session import Session, session
from doclife.domain.checkup import Finding, Level
from doclife.domain.drill import BackupRecord, DrillReport
from doclife.errors import ConfigurationError
from doclife.lifecycle.backing_up import make_backup
from doclife.lifecycle.drilling import DrillOrder, run_drill

SERVER = "DOCLIFE_DRILL_SERVER_URL"

app = typer.Typer(
    no_args_is_help=True, help="Backups of the documents database, and drills with them."
)
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="One folder for each backup.")]


@app.command()
def make(folder: Folder, as_json: Json = False) -> None:
    """Dump the database into a new folder, and beside it what must come back from it.

    All of it is as of one moment. Stores, Airflow Connections and roles need backups of their own:
    docs/backup.md.
    """
    with session(as_json=as_json) as s:
        made = make_backup(
            s.conn,
            url=s.settings.require_database(),
            folder=folder,
            actor=s.actor,
            now=s.now(),
        )
        s.output.show(
            {"folder": str(folder), "backup": made.record, "trace_fault": made.trace_fault},
            people=lambda: _print_backup(s, folder, made.record),
        )
        if made.trace_fault is not None:
            warn(
                "The backup is whole, but the audit trail does not say so, and doclife doctor will "
                f"not know of it: {made.trace_fault}"
            )


@app.command()
def drill(
    folder: Folder,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where a scratch database is made: another PostgreSQL server than the one the "
            f"documents are on. Else {SERVER}.",
            show_default=False,
        ),
    ] = None,
    same_server: Annotated[
        bool, typer.Option("--same-server", help="Also if it is the one the documents are on.")
    ] = False,
    sample: Annotated[
        int, typer.Option(min=0, help="How many of the bytes are read and compared.")
    ] = 100,
    heads: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of audit heads kept elsewhere."),
    ] = None,
    keys: SigningKeys = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many tables are restored at a time.")] = 2,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the scratch database there, to look at it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into a scratch database, prove what came back, and drop it.

    The documents database and the stores are only read. Proven are every row, the audit chains
    against the heads that left, that it starts halted, that what was destroyed since is destroyed
    again, and a sample of the bytes. Exit code 1: something is not proven.
    """
    url = server or os.environ.get(SERVER)
    if url is None:
        raise typer.BadParameter(
            f"name another PostgreSQL server, here or in {SERVER}; ./run drill brings its own",
            param_hint="--server",
        )
    with session(as_json=as_json) as s:
        report = run_drill(
            s.conn,
            DrillOrder(
                folder=folder,
                server_url=_as_libpq_takes_it(url),
                run_id=f"{s.now():%Y%m%d_%H%M%S}_{secrets.token_hex(3)}",
                may_use_same_server=same_server,
                sample_size=sample,
                heads=heads,
                keys=keys or (),
                jobs=jobs,
                is_kept=keep,
            ),
            connections=s.connections(),
            options=s.credentials(),
            stopwatch=time.monotonic,
            on_step=lambda name: _tell(s.output, name),
        )
        s.output.show(
            _document(report),
            people=lambda: _print_report(s.output, report),
        )
    if report.level is Level.FAULT:
        raise typer.Exit(FAILED)


def _as_libpq_takes_it(url: str) -> str:
    if not re.match(r"postgres(ql)?://", url):
        raise ConfigurationError(
            "the server of a drill is no PostgreSQL URL: write postgresql://user:password@host/postgres"
        )
    return url


def _tell(output: Output, name: str) -> None:
    terminal = console(stderr=True)
    if not output.is_json and terminal.is_terminal:
        terminal.print(Text(f"{name} ...", style="dim"))


def _print_backup(s: Session, folder: Path, backup: BackupRecord) -> None:
    s.output.facts(
        {
            "folder": str(folder),
            "as of": backup.taken_at,
            "dump": size(backup.size_bytes),
            "rows": sum(backup.rows.values()),
            "in tables": len(backup.rows),
        }
    )
    beside = [
        *(f"store {store.name}: {store.root_uri}" for store in backup.stores),
        *(f"Airflow Connection {name}" for name in backup.connections),
        *(f"signing key {fingerprint[:16]}" for fingerprint in backup.signing_keys),
    ]
    s.output.heading("Not in it, and needed with it (docs/backup.md)")
    for one in [*beside, "Airflow's own database and its Fernet key", "the roles that log in"]:
        s.output.say(f"  {one}")
    s.output.say("\nTry whether it can be restored: doclife backup drill FOLDER", style="dim")


def _document(report: DrillReport) -> dict[str, object]:
    return {
        "state": report.level,
        "is_whole": report.is_whole,
        "started_at": report.started_at,
        "seconds": round(report.seconds, 3),
        "data_loss_seconds": round(report.data_loss_seconds, 3),
        "scratch": {
            "database": report.scratch,
            "server_version": report.server_version,
            "is_kept": report.is_kept,
        },
        "steps": [
            {
                "step": step.name,
                "level": step.level,
                "seconds": step.seconds,
                "findings": step.findings,
            }
            for step in report.steps
        ],
        "backup": report.backup,
    }


def _in_words(one: Finding, *, step: str) -> str:
    """Say what was found, and about what where that is not the step itself."""
    text = one.what if one.about == step else f"{one.about}: {one.what}"
    return text if one.fix is None else f"{text}. To do: {one.fix}"


def _print_report(output: Output, report: DrillReport) -> None:
    output.table(
        ("", "step", "seconds", "found"),
        [
            (
                Text(one.level, style=STYLES[one.level]),
                step.name,
                f"{step.seconds:.1f}",
                _in_words(one, step=step.name),
            )
            for step in report.steps
            for one in step.findings
        ],
        empty="",
    )
    faults = sum(one.level is Level.FAULT for step in report.steps for one in step.findings)
    hours = report.data_loss_seconds / 3600
    output.say(
        f"\nThe backup is {hours:,.1f} h old: so much would be lost. It was back, and proven, in "
        f"{report.seconds:,.0f} s."
    )
    if report.is_kept:
        output.say(f"The scratch database {report.scratch} is still there: drop it yourself.")
    if not report.is_whole:
        output.say("The drill could not be done to its end.", style="bold red")
    elif faults:
        output.say(f"{counted(faults, 'fault')}: it is not proven.", style="bold red")
    else:
        output.say("It can be restored.", style="bold green")
