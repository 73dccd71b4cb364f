"""doclife reports: what was archived, deleted, held and left, for the records."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from doclife.cli.options import Json, Limit, Organization
from doclife.cli.output import size
from doclife.cli.session import Session, read_day, session
from doclife.delivery.paper import read_font
from doclife.lifecycle import reporting, scheduling
from doclife.lifecycle.reporting import ReportRow

app = typer.Typer(no_args_is_help=True, help="What was done, what is held, what is overdue.")

WEEKLY = "weekly-report"
Number = Annotated[int, typer.Argument(metavar="NUMBER")]
Days = Annotated[
    int | None, typer.Option(min=1, max=366, help="The last whole days; 7 unless it says from.")
]
To = Annotated[
    list[str] | None,
    typer.Option("--to", help="Mail address; else the organization's fallback recipient."),
]
Send = Annotated[str, typer.Option(help="attachment, link or none.")]
Store = Annotated[str | None, typer.Option(help="Where it is kept; else in 'archive'.")]


@app.command()
def make(
    days: Days = None,
    from_: Annotated[str | None, typer.Option("--from", help="First day, 2027-01-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day; else yesterday.")] = None,
    to: To = None,
    send: Send = "attachment",
    store: Store = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Store the job that makes a report; the queue makes, keeps and sends it."""
    payload = _payload(days=days, to=to, send=send, store=store)
    if from_ is not None:
        payload["from"] = read_day(from_, name="--from").isoformat()
    if until is not None:
        payload["until"] = read_day(until, name="--until").isoformat()
    with session(as_json=as_json, organization=organization) as s:
        job_id = reporting.ask_for_report(
            s.conn, organization=s.organization, payload=payload, actor=s.actor, now=s.now()
        )
        s.output.show(
            {"job_id": job_id},
            people=lambda: s.output.say(
                f"Job {job_id} is stored; the queue makes the report. "
                "Without Airflow: doclife jobs drain. Then: doclife reports list"
            ),
        )


@app.command()
def weekly(
    cron: Annotated[str, typer.Option(help="When; else Mondays at 07:00.")] = "0 7 * * mon",
    days: Days = None,
    to: To = None,
    send: Send = "attachment",
    store: Store = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Make a report every week; end it with: doclife schedules cancel weekly-report."""
    with session(as_json=as_json, organization=organization) as s:
        stored = scheduling.add_schedule(
            s.conn,
            organization=s.organization,
            name=WEEKLY,
            cron=cron,
            time_zone=s.tenant().time_zone,
            kind="report",
            payload=_payload(days=days, to=to, send=send, store=store),
            missed_runs="latest",
            actor=s.actor,
            now=s.now(),
        )
        s.output.show(
            {"schedule": stored},
            people=lambda: s.output.say(f"The next one is made at {stored.next_run_at}."),
        )


@app.command("list")
def list_(
    before: Annotated[int | None, typer.Option(help="Go on from here.")] = None,
    limit: Limit = 20,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List the reports that were made, newest first."""
    with session(as_json=as_json, organization=organization) as s:
        found = reporting.list_reports(s.conn, organization=s.tenant(), before=before, size=limit)
        s.output.show({"reports": found}, people=lambda: _print(s, found))


@app.command()
def show(
    number: Number,
    html: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the table to this file.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Print it into this file.")] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show the numbers of a report and where it lies; its files are checked when they are read."""
    with session(as_json=as_json, organization=organization) as s:
        found = reporting.find_report(s.conn, organization=s.tenant(), report_id=number)
        for file, is_table in ((html, False), (csv, True)):
            if file is not None:
                file.write_bytes(reporting.read_report(found, is_table=is_table, stores=s.stores()))

        if pdf is not None:
            pdf.write_bytes(
                reporting.print_report(
                    found,
                    organization=s.tenant(),
                    stores=s.stores(),
                    font=read_font(os.environ),
                )
            )

        def people() -> None:
            s.output.facts(
                {
                    "days": f"{found.starts_on} to {found.ends_on}",
                    "made": found.made_at,
                    "asked for by": found.requested_by,
                    **found.summary,
                    "page": f"{found.html_uri} ({size(found.html_bytes)})",
                    "table": f"{found.csv_uri} ({size(found.csv_bytes)})",
                }
            )
            for file in (html, csv, pdf):
                if file is not None:
                    s.output.say(f"{file} is written.")

        s.output.show({"report": found}, people=people)


def _payload(
    *, days: int | None, to: list[str] | None, send: str, store: str | None
) -> dict[str, object]:
    given = {"days": days, "to": to, "send": send, "store": store}
    return {name: value for name, value in given.items() if value is not None}


def _print(s: Session, found: Sequence[ReportRow]) -> None:
    s.output.table(
        ("number", "from", "until", "made", "archived", "trashed", "destroyed", "failed"),
        [
            (
                one.report_id,
                one.starts_on,
                one.ends_on,
                one.made_at,
                one.summary["archived"],
                one.summary["trashed"],
                one.summary["purged"],
                one.summary["failed"],
            )
            for one in found
        ],
        empty=s.none("No report was made") + ". Make one: doclife reports make",
    )
