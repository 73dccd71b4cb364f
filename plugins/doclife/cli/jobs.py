"""doclife jobs: what waits to be delivered, and what was given up."""

import asyncio
import os
import random
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from doclife.cli.options import EveryOrganization, Json, Limit
from doclife.cli.session import Session, session
from doclife.delivery.configuration import read_delivery_settings
from doclife.errors import RefusedError
from doclife.lifecycle.draining import Drained, DrainSettings
from doclife.lifecycle.jobs import JobStory, count_jobs, list_jobs, tell_job
from doclife.lifecycle.queue import cancel_job, retry_jobs
from doclife.lifecycle.sending import drain_queue
from doclife.lifecycle.stores import open_stores
from doclife.store.connection import connect

HEAD_SHOWN = 60
"""Characters of an answer in a line of a table."""

app = typer.Typer(no_args_is_help=True, help="Jobs: messages, calls and reports to be delivered.")

Endpoint = Annotated[
    str | None, typer.Option(metavar="NAME", help="Webhook calls to this endpoint.")
]
Search = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Found in what the job carries, its error or its key."),
]
Error = Annotated[str | None, typer.Option(metavar="TEXT", help="Found in its last error.")]


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="pending, processing, failed or cancelled.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="email, webhook, slack, ...")] = None,
    endpoint: Endpoint = None,
    search: Search = None,
    error: Error = None,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only older ones.")] = None,
    limit: Limit = 50,
    organization: EveryOrganization = None,
    as_json: Json = False,
) -> None:
    """List unfinished and given-up jobs, the newest first; all that is asked for must fit."""
    with session(as_json=as_json) as s:
        found = list_jobs(
            s.conn,
            now=s.now(),
            organization=organization,
            state=state,
            kind=kind,
            endpoint=endpoint,
            words=search,
            error=error,
            before=before,
            size=limit,
        )
        s.output.show(found, people=lambda: _print_list(s, found.jobs))


@app.command()
def show(job_id: Annotated[int, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Show one job: what it carries and every attempt."""
    with session(as_json=as_json) as s:
        story = tell_job(s.conn, job_id=job_id, now=s.now())
        s.output.show(story, people=lambda: print_story(s, story))


@app.command()
def stats(organization: EveryOrganization = None, as_json: Json = False) -> None:
    """Count jobs by kind and state; completed ones of the last 7 days."""
    with session(as_json=as_json) as s:
        counts = count_jobs(s.conn, now=s.now(), organization=organization)
        s.output.show({"jobs": counts}, people=lambda: print_counts(s, counts))


@app.command()
def cancel(
    job_id: Annotated[int, typer.Argument(metavar="ID")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the job.")],
    as_json: Json = False,
) -> None:
    """Cancel a job that nobody has begun to send; it can be retried."""
    with session(as_json=as_json) as s:
        cancel_job(s.conn, job_id=job_id, reason=reason, actor=s.actor, now=s.now())
        s.output.show(
            {"cancelled": job_id}, people=lambda: s.output.say(f"Job {job_id} cancelled.")
        )


@app.command()
def retry(
    job_ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...")] = None,
    kind: Annotated[str | None, typer.Option(help="All of this kind.")] = None,
    endpoint: Endpoint = None,
    search: Search = None,
    error: Error = None,
    everything: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
    with_cancelled: Annotated[bool, typer.Option(help="Also what was cancelled.")] = False,
    reason: Annotated[str, typer.Option(help="Why; goes into the audit trail.")] = "asked for",
    organization: EveryOrganization = None,
    as_json: Json = False,
) -> None:
    """Try given-up jobs again from their first attempt on: some by number, what fits, or all.

    What would be retried: ``doclife jobs list --state failed`` with the same options.
    """
    if not (job_ids or kind or endpoint or search or error or everything):
        raise typer.BadParameter(
            "name jobs by their numbers, or give --kind, --endpoint, --search, --error or --all"
        )
    with session(as_json=as_json) as s:
        retried = retry_jobs(
            s.conn,
            actor=s.actor,
            now=s.now(),
            reason=reason,
            organization=organization,
            job_ids=job_ids or None,
            kind=kind,
            endpoint=endpoint,
            words=search,
            error=error,
            states=("failed", "cancelled") if with_cancelled else ("failed",),
        )
        s.output.show(
            {"retried": retried},
            people=lambda: s.output.say(f"{len(retried)} jobs will be tried again."),
        )


@app.command()
def drain(
    seconds: Annotated[
        float, typer.Option("--for", metavar="SECONDS", min=0, help="At most so long.")
    ] = 300.0,
    linger: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Wait so long for more work.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Send what is due, without Airflow; any number of these may run at once."""
    with session(as_json=as_json) as s:
        drained = asyncio.run(
            drain_queue(
                connect=lambda: connect(
                    s.settings.require_database(), application_name="doclife jobs drain"
                ),
                delivery=read_delivery_settings(os.environ),
                connections=s.connections(),
                open_stores=lambda conn: open_stores(conn, options=s.credentials()),
                links=s.links(),
                name=f"{socket.gethostname()}:{os.getpid()}",
                present=lambda: datetime.now(UTC),
                chance=random.random,
                settings=DrainSettings(most_seconds=seconds, linger_seconds=linger),
            )
        )
        s.output.show(drained, people=lambda: _print_drained(s, drained))
        if drained.halt_reason:
            raise RefusedError(f"nothing more is sent: {drained.halt_reason}")


def _print_drained(s: Session, drained: Drained) -> None:
    s.output.facts(
        {
            "sent": drained.sent,
            "to be tried again": drained.retried,
            "given up": drained.failed,
            "freed from dead workers": drained.rescued,
        }
    )


def print_counts(s: Session, counts: Sequence[dict[str, Any]]) -> None:
    """Print how many jobs there are of each kind and state."""
    s.output.table(
        ("kind", "state", "jobs", "oldest"),
        [(count["kind"], count["state"], count["jobs"], count["oldest_at"]) for count in counts],
        empty="No jobs.",
    )


def _print_list(s: Session, found: Sequence[dict[str, Any]]) -> None:
    s.output.table(
        ("job", "organization", "kind", "endpoint", "state", "attempts", "run at", "plan", "error"),
        [
            (
                f"{job['job_id']}",
                job["organization"],
                job["kind"],
                job["endpoint"],
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


def print_story(s: Session, story: JobStory) -> None:
    """Print what a job carries, every attempt, and what the mail service told after."""
    facts = dict(story.job)
    payload = facts.pop("payload")
    facts["job_id"] = str(facts["job_id"])
    s.output.facts({name.replace("_", " "): value for name, value in facts.items()})
    if payload is not None:
        s.output.heading("Payload")
        s.output.facts(payload)
    s.output.heading("Attempts")
    s.output.table(
        ("attempt", "when", "outcome", "status", "ms", "error", "answer"),
        [
            (
                f"{attempt['attempt']}",
                attempt["attempted_at"],
                attempt["outcome"],
                attempt["status_code"],
                attempt["latency_ms"],
                attempt["error"],
                (attempt["answer_head"] or "")[:HEAD_SHOWN],
            )
            for attempt in story.attempts
        ],
        empty="None yet.",
    )
    if story.events:
        s.output.heading("What the mail service told")
        s.output.table(
            ("when", "what", "address", "for good", "why"),
            [
                (
                    event["occurred_at"],
                    event["outcome"],
                    event["address"],
                    "yes" if event["is_lasting"] else "",
                    event["reason"],
                )
                for event in story.events
            ],
            empty="Nothing.",
        )
