"""doclife erasure: what persons asked to be erased, and what a restored database has again."""

from datetime import datetime
from typing import Annotated

import typer

from doclife.cli.options import Json, Limit, Organization
from doclife.cli.output import PARTLY_DONE, warn
from doclife.cli.session import DAG_ID, Session, read_day, session
from doclife.domain.plan import PlanState
from doclife.lifecycle import erasure_requests, purge_manifests
from doclife.lifecycle.erasure_requests import Answer, ErasureRequest
from doclife.lifecycle.purge_manifests import Replayed
from doclife.lifecycle.settling import Settled, settle

app = typer.Typer(
    no_args_is_help=True,
    help="Erasure: requests of persons, and what a restored database has again.",
)
RequestId = Annotated[int, typer.Argument(metavar="ID", help="Number of the request.")]


@app.command()
def request(
    person: Annotated[
        str, typer.Option(help="As documents name their owner, in whatever letters.")
    ],
    field: Annotated[
        list[str] | None,
        typer.Option(help="A declared metadata key that may name the person, too. Repeatable."),
    ] = None,
    due: Annotated[
        str | None,
        typer.Option(help="Day by which the person must have an answer; else in a month."),
    ] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Find the documents of a person and plan their erasure. Somebody else must approve it.

    Nothing is destroyed by this command. What a hold or another retention keeps is listed.
    """
    with session(as_json=as_json, organization=organization) as s:
        answer = erasure_requests.request_erasure(
            s.conn,
            organization=s.tenant(),
            person=person,
            fields=field or [],
            due_on=None if due is None else read_day(due, name="--due"),
            now=s.now(),
            dag_id=DAG_ID,
            run_id=s.run_id,
            actor=s.actor,
        )
        s.output.show(answer, people=lambda: _print_answer(s, answer))


@app.command()
def plan(request_id: RequestId, organization: Organization = None, as_json: Json = False) -> None:
    """Look again for documents of a request, those that came since or were kept, and plan them."""
    with session(as_json=as_json, organization=organization) as s:
        answer = erasure_requests.plan_request(
            s.conn,
            organization=s.tenant(),
            request_id=request_id,
            now=s.now(),
            dag_id=DAG_ID,
            run_id=s.run_id,
            actor=s.actor,
        )
        s.output.show(answer, people=lambda: _print_answer(s, answer))


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    limit: Limit = 50,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List the requests that are open, with the day by which each must be answered."""
    with session(as_json=as_json, organization=organization) as s:
        found = erasure_requests.list_requests(
            s.conn, organization=s.tenant(), is_open=None if everything else True, size=limit
        )
        s.output.show({"requests": found}, people=lambda: _print_list(s, found))


@app.command()
def show(request_id: RequestId, organization: Organization = None, as_json: Json = False) -> None:
    """Show how a request stands: what is destroyed, and what is kept and why."""
    with session(as_json=as_json, organization=organization) as s:
        answer = erasure_requests.answer(s.conn, organization=s.tenant(), request_id=request_id)
        s.output.show(answer, people=lambda: _print_answer(s, answer))


@app.command()
def close(request_id: RequestId, organization: Organization = None, as_json: Json = False) -> None:
    """Close a request whose person has an answer. It names nobody from then on.

    A request of which nothing is left closes by itself.
    """
    with session(as_json=as_json, organization=organization) as s:
        answer = erasure_requests.close_request(
            s.conn,
            organization=s.tenant(),
            request_id=request_id,
            actor=s.actor,
            now=s.now(),
        )
        s.output.show(answer, people=lambda: _print_answer(s, answer))


@app.command("settle")
def settle_(as_json: Json = False) -> None:
    """Purge what approved erasures have trashed, write purge manifests, sweep what still names it.

    weekly_cleanup and run_rule do it, too. Exit code 3: something could not be done yet.
    """
    with session(as_json=as_json) as s:
        settled = settle(
            s.conn,
            stores=s.stores(),
            now=s.now,
            dag_id=DAG_ID,
            run_id=s.run_id,
            actor=s.actor,
        )

        def people() -> None:
            print_settled(s, settled)
            if not (settled.faults or _did_anything(settled)):
                s.output.say("Nothing was left to do.")

        s.output.show(settled, people=people)
        for fault in settled.faults:
            warn(fault)
    if settled.faults:
        raise typer.Exit(PARTLY_DONE)


@app.command()
def replay(as_json: Json = False) -> None:
    """After a restore of the database: plan again what purge manifests say was destroyed.

    Looks in store "archive" for manifests that this database does not know. Nothing is destroyed
    by this command: somebody else approves the plan. Safe to repeat, until it finds nothing.
    Exit code 3: some are of an organization that is not here.
    """
    with session(as_json=as_json) as s:
        found = purge_manifests.replay(
            s.conn,
            stores=s.stores(),
            now=s.now(),
            dag_id=DAG_ID,
            run_id=s.run_id,
            requested_by=s.actor,
        )
        s.output.show({"organizations": found}, people=lambda: _print_replayed(s, found))
        unknown = [one for one in found if one.is_unknown]
        for one in unknown:
            warn(
                f"{one.manifests} purge manifest(s) are of organization {one.organization!r}, "
                "which this database does not have: nothing of them was looked for. Add it if it "
                "had documents when the backup was made, and replay again"
            )
    if unknown:
        raise typer.Exit(PARTLY_DONE)


def print_settled(s: Session, settled: Settled) -> None:
    """Print what settling did, as far as it did something."""
    if settled.purged:
        s.output.say(f"{settled.purged} document(s) of approved erasures were destroyed.")
    if settled.manifests:
        s.output.say(f"{settled.manifests} purge manifest(s) written into the archive store.")
    if settled.swept.documents:
        s.output.say(f"Nothing names {settled.swept.documents} purged document(s) any more.")
    if settled.swept.waiting:
        s.output.say(
            f"{settled.swept.waiting} purged document(s) are named by a message that is being "
            "sent; weekly_cleanup looks again.",
            style="dim",
        )
    for request_id in settled.closed:
        s.output.say(f"Erasure request {request_id} is closed: nothing of it is left.")


def _did_anything(settled: Settled) -> bool:
    swept = settled.swept.documents or settled.swept.waiting
    return bool(settled.purged or settled.manifests or swept or settled.closed)


def _print_answer(s: Session, answer: Answer) -> None:
    request = answer.request
    s.output.facts(
        {
            "request": request.request_id,
            "person": request.person,
            "state": request.state,
            "answer due": request.due_on,
            "asked for": _by(request.requested_by, request.requested_at),
            "closed": request.closed_at and _by(str(request.closed_by), request.closed_at),
            "plan": request.plan_id and f"{request.plan_id} ({request.plan_state})",
            "destroyed": request.erased_count,
            "kept": request.kept_count,
            "documents that are left": answer.remaining,
        }
    )
    s.output.table(
        ("action", "state", "documents", "why"),
        [(one.action, one.state, one.documents, one.reason) for one in answer.outcomes],
        empty="Nothing of this person was found.",
    )
    if answer.plan is not None and answer.plan.state is PlanState.NEEDS_APPROVAL:
        s.output.say(
            f"Somebody else approves it: doclife plans approve {answer.plan.plan_id}, or under "
            "Required Actions in Airflow.",
            style="dim",
        )


def _by(actor: str, at: datetime) -> str:
    return f"{at:%Y-%m-%d} by {actor}"


def _print_list(s: Session, found: list[ErasureRequest]) -> None:
    today = s.tenant().date_of(s.now())
    s.output.table(
        ("request", "answer due", "state", "plan", "asked for by"),
        [
            (
                one.request_id,
                f"{one.due_on} (late)"
                if one.state == "open" and one.due_on < today
                else one.due_on,
                one.state,
                one.plan_id and f"{one.plan_id} ({one.plan_state})",
                one.requested_by,
            )
            for one in found
        ],
        empty=s.none("No erasure requests"),
    )


def _print_replayed(s: Session, found: list[Replayed]) -> None:
    s.output.table(
        ("organization", "manifests", "here again", "held", "new bytes", "plan"),
        [
            (
                one.organization,
                one.manifests,
                len(one.returned),
                len(one.held),
                len(one.different),
                one.plan and f"{one.plan.plan_id} ({one.plan.state})",
            )
            for one in found
        ],
        empty="This database knows every purge manifest: nothing came back.",
    )
