"""doclife schedules: jobs that are stored, and rules that are planned, again and again."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from doclife.cli.options import EveryOrganization, Json, Organization
from doclife.cli.session import session
from doclife.errors import ConfigurationError
from doclife.lifecycle import scheduling
from doclife.store import schedules

app = typer.Typer(no_args_is_help=True, help="Jobs that are stored, and rules that run, by cron.")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command("list")
def list_(organization: EveryOrganization = None, as_json: Json = False) -> None:
    """List scheduled jobs, and rules with a cron of their own, with their last and next time."""
    with session(as_json=as_json) as s:
        found = schedules.list_all(s.conn, organization=organization)
        s.output.show(
            {"schedules": found},
            people=lambda: s.output.table(
                ("name", "organization", "kind", "cron", "zone", "active", "last", "next", "state"),
                [
                    (
                        each.name,
                        each.organization,
                        each.kind,
                        each.cron,
                        each.time_zone,
                        "yes" if each.is_active else "paused",
                        each.last_run_at,
                        each.next_run_at if each.is_active else None,
                        each.last_state,
                    )
                    for each in found
                ],
                empty="Nothing is scheduled. Add something: doclife schedules add",
            ),
        )


@app.command()
def add(
    name: Name,
    cron: Annotated[str, typer.Option(help="Five fields, e.g. '0 8 * * mon'.")],
    kind: Annotated[str, typer.Option(help="Kind of job: email, webhook, notification, ...")],
    payload: Annotated[str, typer.Option(help="What the job carries, as JSON.")],
    time_zone: Annotated[
        str | None, typer.Option(help="E.g. Europe/Berlin; else the organization's.")
    ] = None,
    missed_runs: Annotated[
        str, typer.Option(help="Times at which nothing ran: skip, latest or all.")
    ] = "latest",
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Schedule a job; its payload is checked now."""
    with session(as_json=as_json, organization=organization) as s:
        stored = scheduling.add_schedule(
            s.conn,
            organization=s.organization,
            name=name,
            cron=cron,
            time_zone=time_zone or s.tenant().time_zone,
            kind=kind,
            payload=_read(payload),
            missed_runs=missed_runs,
            actor=s.actor,
            now=s.now(),
        )
        s.output.show(
            {"schedule": stored},
            people=lambda: s.output.say(f"{name} runs next at {stored.next_run_at}."),
        )


@app.command()
def pause(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Let nothing come of it until it is resumed."""
    with session(as_json=as_json, organization=organization) as s:
        found = scheduling.find_schedule(s.conn, organization=s.organization, name=name)
        scheduling.pause(s.conn, found, actor=s.actor, now=s.now())
        s.output.show({"paused": name}, people=lambda: s.output.say(f"{name} is paused."))


@app.command()
def resume(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Let it go on; what fell into the pause is not made up for."""
    with session(as_json=as_json, organization=organization) as s:
        found = scheduling.find_schedule(s.conn, organization=s.organization, name=name)
        next_run_at = scheduling.resume(s.conn, found, actor=s.actor, now=s.now())
        s.output.show(
            {"resumed": name, "next_run_at": next_run_at},
            people=lambda: s.output.say(f"{name} runs next at {next_run_at}."),
        )


@app.command()
def cancel(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Forget it; the jobs that it has stored stay."""
    with session(as_json=as_json, organization=organization) as s:
        found = scheduling.find_schedule(s.conn, organization=s.organization, name=name)
        scheduling.cancel(s.conn, found, actor=s.actor, now=s.now())
        s.output.show({"cancelled": name}, people=lambda: s.output.say(f"{name} is cancelled."))


@app.command("run")
def run_now(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Store its job once more now, whatever its times; a rule is run by whoever does the queue."""
    with session(as_json=as_json, organization=organization) as s:
        found = scheduling.find_schedule(s.conn, organization=s.organization, name=name)
        job_id = scheduling.run_now(s.conn, found, actor=s.actor, now=s.now())
        said = f"{name} is due now." if job_id is None else f"Job {job_id} is stored."
        s.output.show({"job_id": job_id}, people=lambda: s.output.say(said))


def _read(text: str) -> Mapping[str, Any]:
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"--payload is no JSON: {error}") from None
    if not isinstance(payload, dict):
        raise ConfigurationError("--payload is a JSON object: {...}")
    return payload
