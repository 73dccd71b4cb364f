"""doclife doctor: what is not well, and how to put it right."""

import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Annotated

import typer
from rich.text import Text

from doclife.cli.airflow_login import PASSWORD, TOKEN, USER, AirflowLogin
from doclife.cli.options import Json
from doclife.cli.output import FAILED, Output, counted
from doclife.connections import from_environment
from doclife.domain.checkup import Finding, Level, fault
from doclife.domain.checkup_airflow import judge_airflow, judge_dags
from doclife.domain.checkup_versions import judge_airflow_version, judge_python, read_version
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle import checkup
from doclife.settings import AIRFLOW_URL, Settings, read_settings
from doclife.storage.credentials import credentials
from doclife.store.connection import connect

STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "bold red"}
ORDER = (Level.FAULT, Level.WARNING, Level.OK)
NOT_ASKED = f"not asked: {AIRFLOW_URL} is not set"


def examine(
    probe_buckets: Annotated[
        bool,
        typer.Option(
            "--probe-buckets",
            help="Also write, read and remove a small file in each bucket, as in each folder.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check database, rights, indexes, upkeep, clock, versions, stores, Connections, nights, queue.

    Everything is looked at, whatever is found; nothing is changed but for a small file that is
    written into each store of a folder, and removed. Exit code 1: there is a fault.
    """
    found = _examine(probes_buckets=probe_buckets)
    output = Output(as_json=as_json)
    worst = next(level for level in ORDER if any(one.level is level for one in found))
    output.show({"state": worst, "findings": found}, people=lambda: _print(output, found))
    if worst is Level.FAULT:
        raise typer.Exit(FAILED)


def _examine(*, probes_buckets: bool) -> list[Finding]:
    connections = from_environment(os.environ)
    around = [*_versions(), *checkup.check_surroundings(os.environ, connections=connections)]
    try:
        settings = read_settings(os.environ)
    except ConfigurationError as error:
        return [checkup.unreachable(error), *around]
    around += _airflow(settings)
    try:
        database = settings.require_database()
        with connect(database, application_name="doclife doctor") as conn:
            return [
                *checkup.check_database(
                    conn,
                    machine_now=lambda: datetime.now(UTC),
                    connections=connections,
                    options=credentials(connections),
                    probe_token=secrets.token_hex(8),
                    probes_buckets=probes_buckets,
                    backup_days=settings.backup_days,
                ),
                *around,
            ]
    except ConfigurationError as error:
        return [checkup.unreachable(error), *around]


def _versions() -> Iterator[Finding]:
    yield from judge_python((sys.version_info.major, sys.version_info.minor))
    try:
        installed = read_version(metadata.version("apache-airflow-core"))
    except metadata.PackageNotFoundError:
        installed = None
    yield from judge_airflow_version(installed)


def _airflow(settings: Settings) -> Iterator[Finding]:
    """Ask Airflow how it is; which DAGs are paused only as somebody who has logged in."""
    if settings.airflow_url is None:
        yield Finding(level=Level.OK, about="Airflow", what=NOT_ASKED)
        return
    try:
        airflow = AirflowLogin(settings.airflow_url)
        yield from judge_airflow(airflow.call("GET", "/api/v2/monitor/health"))
        if os.environ.get(TOKEN) or (os.environ.get(USER) and os.environ.get(PASSWORD)):
            airflow.log_in(None)
            known = airflow.call("GET", "/api/v2/dags?limit=1000")["dags"]
            yield from judge_dags({one["dag_id"]: one["is_paused"] for one in known})
    except DoclifeError as error:
        yield fault("Airflow", str(error), fix="start the api-server, or let this login read DAGs")


def _print(output: Output, found: Sequence[Finding]) -> None:
    output.table(
        ("", "about", "found"),
        [
            (
                Text(one.level, style=STYLES[one.level]),
                one.about,
                one.what if one.fix is None else f"{one.what}. To do: {one.fix}",
            )
            for level in ORDER
            for one in found
            if one.level is level
        ],
        empty="",
    )
    tally = Counter(one.level for one in found)
    if tally[Level.FAULT] or tally[Level.WARNING]:
        faults = counted(tally[Level.FAULT], "fault")
        output.say(f"\n{faults}, {counted(tally[Level.WARNING], 'warning')}", style="bold")
    else:
        output.say("\nAll is well.", style="bold green")
