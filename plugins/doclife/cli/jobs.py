"""doclife jobs: what waits to be delivered, and what was given up."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from doclife.cli.options import EveryOrganization, Json, Limit
from doclife.cli.session import Session, session
from doclife.lifecycle.jobs import JobStory, count_jobs, list_jobs, tell_job

app = typer.Typer(no_args_is_help=True, help="Jobs: messages, calls and reports to be delivered.")


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="pending, processing, failed or cancelled.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="email, webhook, slack, ...")] = None,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only older ones.")] = None,
    limit: Limit = 50,
    organization: EveryOrganization = None,
    as_json: Json = False,
) -> None:
    """List unfinished and given-up jobs, the newest first."""
    with session(as_json=as_json) as s:
        found = list_jobs(
            s.conn,
            now=s.now(),
            organization=organization,
            state=state,
            kind=kind,
            before=before,
            size=limit,
        )
        s.output.show({"jobs": found}, people=lambda: _print_list(s, found))


@app.command()
def show(job_id: Annotated[int, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Show one job: what it carries and every attempt."""
    with session(as_json=as_json) as s:
        story = tell_job(s.conn, job_id=job_id, now=s.now())
        s.output.show(story, people=lambda: _print(s, story))


@app.command()
def stats(organization: EveryOrganization = None, as_json: Json = False) -> None:
    """Count jobs by kind and state; completed ones of the last 7 days."""
    with session(as_json=as_json) as s:
        counts = count_jobs(s.conn, now=s.now(), organization=organization)
        s.output.show({"jobs": counts}, people=lambda: print_counts(s, counts))


def print_counts(s: Session, counts: Sequence[dict[str, Any]]) -> None:
    """Print how many jobs there are of each kind and state."""
    s.output.table(
        ("kind", "state", "jobs", "oldest"),
        [(count["kind"], count["state"], count["jobs"], count["oldest_at"]) for count in counts],
        empty="No jobs.",
    )


def _print_list(s: Session, found: Sequence[dict[str, Any]]) -> None:
    s.output.table(
        ("job", "organization", "kind", "state", "attempts", "run at", "plan", "error"),
        [
            (
                f"{job['job_id']}",
                job["organization"],
                job["kind"],
                job["state"],
                f"{job['attempts']}/{job['max_attempts']}",
                job["run_at"],
                None if job["plan_id"] is None else f"{job['plan_id']}",
                job["last_error"],
            )
            for job in found
        ],
        empty="No jobs.",
    )


def _print(s: Session, story: JobStory) -> None:
    facts = dict(story.job)
    payload = facts.pop("payload")
    facts["job_id"] = str(facts["job_id"])
    s.output.facts({name.replace("_", " "): value for name, value in facts.items()})
    if payload is not None:
        s.output.heading("Payload")
        s.output.facts(payload)
    s.output.heading("Attempts")
    s.output.table(
        ("attempt", "when", "outcome", "status", "ms", "error"),
        [
            (
                f"{attempt['attempt']}",
                attempt["attempted_at"],
                attempt["outcome"],
                attempt["status_code"],
                attempt["latency_ms"],
                attempt["error"],
            )
            for attempt in story.attempts
        ],
        empty="None yet.",
    )
