"""doclife deliveries: what was called, what was answered, and calls that are sent again."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from doclife.cli.jobs import HEAD_SHOWN, print_story
from doclife.cli.options import Json, Limit, Organization
from doclife.cli.output import counted
from doclife.cli.session import Session, read_day, session
from doclife.errors import ConfigurationError
from doclife.lifecycle import deliveries
from doclife.lifecycle.deliveries import ResendState
from doclife.store.deliveries import DeliveryRow

app = typer.Typer(no_args_is_help=True, help="Webhook calls: every attempt, and sending again.")

Endpoint = Annotated[str | None, typer.Option(metavar="NAME", help="Only calls of this endpoint.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Not before this day, or this ISO moment."),
]
Until = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Not after this day, or before this ISO moment."),
]


@app.command("list")
def list_(
    endpoint: Endpoint = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(metavar="OUTCOME", help="sent, retry, dead or unknown; may be repeated."),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Found in number, status, error or answer."),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List attempts to call endpoints, the newest first."""
    with session(as_json=as_json, organization=organization) as s:
        found = deliveries.list_deliveries(
            s.conn,
            organization=s.tenant(),
            endpoint=endpoint,
            outcomes=outcome,
            words=search,
            since=_moment(s, since, name="--since"),
            until=_moment(s, until, name="--until", is_end=True),
            size=limit,
        )
        s.output.show({"deliveries": found}, people=lambda: _print_list(s, found))


@app.command()
def show(
    job_id: Annotated[int, typer.Argument(metavar="ID")],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show one call: what it carries, and every attempt with the head of its answer."""
    with session(as_json=as_json, organization=organization) as s:
        story = deliveries.tell_delivery(
            s.conn, organization=s.tenant(), job_id=job_id, now=s.now()
        )
        s.output.show(story, people=lambda: print_story(s, story))


@app.command()
def resend(
    job_ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...")] = None,
    endpoint: Endpoint = None,
    since: Since = None,
    until: Until = None,
    state: Annotated[
        list[ResendState] | None,
        typer.Option(
            help="Where they are now; may be repeated. By number: wherever they are.",
            show_default="failed",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; goes into the audit trail.")] = "asked for",
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Send calls again: some by number, or all of an endpoint, a time, a state.

    They keep their webhook-id, so that a receiver that has one drops it.
    """
    everywhere = list(ResendState) if job_ids else [ResendState.FAILED]
    with session(as_json=as_json, organization=organization) as s:
        resent = deliveries.resend(
            s.conn,
            organization=s.tenant(),
            now=s.now(),
            actor=s.actor,
            reason=reason,
            job_ids=job_ids or None,
            endpoint=endpoint,
            since=_moment(s, since, name="--since"),
            until=_moment(s, until, name="--until", is_end=True),
            states=state or everywhere,
        )
        s.output.show(
            {"resent": resent},
            people=lambda: s.output.say(f"{counted(len(resent), 'call')} will be sent again."),
        )


def _moment(s: Session, text: str | None, *, name: str, is_end: bool = False) -> datetime | None:
    """Return the moment that a day or an ISO moment names, in the organization's zone."""
    if text is None:
        return None
    zone = ZoneInfo(s.tenant().time_zone)
    if len(text) <= len("2027-01-31"):
        day = read_day(text, name=name)
        return datetime.combine(day, time.max if is_end else time.min, tzinfo=zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is no moment: write for example 2027-01-31T03:00:00+01:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _print_list(s: Session, found: Sequence[DeliveryRow]) -> None:
    s.output.table(
        ("job", "attempt", "when", "endpoint", "outcome", "status", "ms", "now", "answer or error"),
        [
            (
                f"{row.job_id}",
                f"{row.attempt}",
                row.attempted_at,
                row.endpoint,
                row.outcome,
                row.status_code,
                row.latency_ms,
                row.state,
                (row.error or row.answer_head or "")[:HEAD_SHOWN],
            )
            for row in found
        ],
        empty=s.none("Nothing was called"),
    )
