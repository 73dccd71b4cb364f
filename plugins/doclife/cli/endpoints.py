"""doclife endpoints: where webhook calls go."""

import os
from pathlib import Path
from typing import Annotated

import typer

from doclife.cli import endpoint_secrets
from doclife.cli.attempts import print_attempt, try_out
from doclife.cli.options import Json, Organization
from doclife.cli.output import FAILED, counted, warn
from doclife.cli.session import Session, session
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.outcome import Outcome
from doclife.delivery.signing import new_secret
from doclife.errors import ConfigurationError
from doclife.lifecycle import endpoints, trying
from doclife.lifecycle.endpoints import EndpointSettings
from doclife.lifecycle.sending import connection_id_of
from doclife.store.endpoints import EndpointRecord

app = typer.Typer(no_args_is_help=True, help="Where webhook calls go, and how they are signed.")

Name = Annotated[str, typer.Argument(help="As rules and jobs name it.")]
Event = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="TYPE", help="Gets these by itself, e.g. document.*"),
]
DocumentType = Annotated[
    list[str] | None,
    typer.Option("--document-type", metavar="TYPE", help="Only events of documents of this type."),
]
Header = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="'NAME: VALUE'",
        help="Sent with every call. Secret ones belong into the extra of the Connection.",
    ),
]
Timeout = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=endpoints.LONGEST_TIMEOUT_SECONDS,
        help="Seconds for a whole call.",
        show_default=str(endpoints.DEFAULT_TIMEOUT_SECONDS),
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        "--max-concurrency",
        min=1,
        max=100,
        help="Calls at once.",
        show_default=str(endpoints.DEFAULT_CONCURRENCY),
    ),
]
Rate = Annotated[
    float | None,
    typer.Option("--max-per-second", min=0, help="Calls per second; 0 for no limit."),
]
ConnectionFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the Connection here, readable by you alone, instead of showing its secret.",
    ),
]


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="https://...")],
    event: Event = None,
    document_type: DocumentType = None,
    header: Header = None,
    timeout: Timeout = None,
    max_concurrency: Concurrency = None,
    max_per_second: Rate = None,
    connection_file: ConnectionFile = None,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="An Airflow Connection that has its secret as password already; none is made.",
        ),
    ] = None,
    exist_ok: Annotated[
        bool,
        typer.Option("--exist-ok", help="With --connection: one that is there is set instead."),
    ] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Add an endpoint, and make the secret that its calls are signed with.

    The secret lives in an Airflow Connection, which only Airflow can write: what is printed here
    once is what to give it.
    """
    if connection is not None and connection_file is not None:
        raise typer.BadParameter("no secret is made with --connection", param_hint="--connection")
    if exist_ok and connection is None:
        raise typer.BadParameter("only with --connection", param_hint="--exist-ok")
    endpoint_secrets.refuse_existing(connection_file)
    with session(as_json=as_json, organization=organization) as s:
        settings = _settings(
            url, event, document_type, header, timeout, max_concurrency, max_per_second
        )
        record, doubt = endpoints.add_endpoint(
            s.conn,
            organization=s.tenant(),
            name=name,
            settings=settings,
            guard=read_delivery_settings(os.environ).guard,
            now=s.now(),
            actor=s.actor,
            connection_id=connection,
            exist_ok=exist_ok,
        )
        document = {"endpoint": record, "doubt": doubt}
        kept_in = connection_id_of(record)
        if connection is not None:
            s.output.show(
                {**document, "connection_id": kept_in},
                people=lambda: s.output.say(
                    f"Endpoint {name} is there; its secret is the password of the Airflow "
                    f"Connection {kept_in}."
                ),
            )
        else:
            secret = endpoint_secrets.Secret(connection_id=kept_in, current=new_secret())
            endpoint_secrets.hand_over(
                s, document, secret, f"Endpoint {name} is added.", file=connection_file
            )
        if doubt is not None:
            warn(f"It cannot be called yet: {doubt}.")


@app.command("set")
def set_(
    name: Name,
    url: Annotated[str | None, typer.Option(help="https://...")] = None,
    event: Event = None,
    document_type: DocumentType = None,
    no_events: Annotated[bool, typer.Option("--no-events", help="No events by itself.")] = False,
    header: Header = None,
    timeout: Timeout = None,
    max_concurrency: Concurrency = None,
    max_per_second: Rate = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Change an endpoint; what is not named stays. Events and headers are replaced as a whole."""
    with session(as_json=as_json, organization=organization) as s:
        record, doubt = endpoints.change_endpoint(
            s.conn,
            organization=s.tenant(),
            name=name,
            settings=_settings(
                url,
                [] if no_events else event,
                document_type,
                header,
                timeout,
                max_concurrency,
                max_per_second,
            ),
            guard=read_delivery_settings(os.environ).guard,
            now=s.now(),
            actor=s.actor,
        )
        s.output.show({"endpoint": record, "doubt": doubt}, people=lambda: _print_one(s, record))
        if doubt is not None:
            warn(f"It cannot be called yet: {doubt}.")


@app.command("list")
def list_(organization: Organization = None, as_json: Json = False) -> None:
    """List the endpoints, how they fare and what waits for them."""
    with session(as_json=as_json, organization=organization) as s:
        found = endpoints.list_endpoints(s.conn, organization=s.tenant())
        s.output.show({"endpoints": found}, people=lambda: _print_all(s, found))


@app.command()
def show(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Show one endpoint."""
    with session(as_json=as_json, organization=organization) as s:
        record = endpoints.find_endpoint(s.conn, organization=s.tenant(), name=name)
        s.output.show({"endpoint": record}, people=lambda: _print_one(s, record))


@app.command()
def pause(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Let its calls wait until it is enabled."""
    _set_state(name, "paused", organization=organization, as_json=as_json)


@app.command()
def enable(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Let its calls go, whoever stopped them: a person, a 410, or days without success."""
    _set_state(name, "enabled", organization=organization, as_json=as_json)


@app.command()
def remove(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Remove it with its log, when no call waits for it; its secret stays in Airflow."""
    with session(as_json=as_json, organization=organization) as s:
        removed = endpoints.remove_endpoint(
            s.conn, organization=s.tenant(), name=name, now=s.now(), actor=s.actor
        )
        kept_in = connection_id_of(removed)
        s.output.show(
            {"removed": name, "connection_id": kept_in},
            people=lambda: s.output.say(
                f"Endpoint {name} is removed. Its secret is still in Airflow: "
                f"airflow connections delete {kept_in}"
            ),
        )


@app.command()
def rotate(
    name: Name,
    connection_file: ConnectionFile = None,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="The present secret is lost or was never given: forget it."),
    ] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Make a new signing secret; calls carry signatures of both until the old one is taken out.

    Needs the present secret, from AIRFLOW_CONN_DOCLIFE_ENDPOINT_<ID> or that of its own Connection.
    """
    endpoint_secrets.refuse_existing(connection_file)
    with session(as_json=as_json, organization=organization) as s:
        record = endpoints.find_endpoint(s.conn, organization=s.tenant(), name=name)
        connection_id = connection_id_of(record)
        present = s.connections()(connection_id)
        if not anew and (present is None or not present.password):
            raise ConfigurationError(
                f"the present secret of endpoint {name!r} is not known here: set "
                f"AIRFLOW_CONN_{connection_id.upper()} to what this prints: airflow connections "
                f"get {connection_id} --output json. Or make one --anew, which ends the present one"
            )
        secret = endpoint_secrets.Secret(
            connection_id=connection_id,
            current=new_secret(),
            previous=None if anew or present is None else present.password,
            extra={} if present is None else present.extra,
        )
        endpoint_secrets.hand_over(
            s,
            {"endpoint": record},
            secret,
            f"Endpoint {name} has a new secret. Give it to the receiver"
            + ("." if anew else "; when it knows it, take previous_secret out of the Connection."),
            file=connection_file,
        )


@app.command("test")
def try_(name: Name, organization: Organization = None, as_json: Json = False) -> None:
    """Call it once with an event doclife.test, exactly as every call is made.

    Needs the secret, from AIRFLOW_CONN_DOCLIFE_ENDPOINT_<ID> or that of its own Connection.
    """
    with session(as_json=as_json, organization=organization) as s:
        trial = trying.endpoint_trial(s.conn, organization=s.tenant(), name=name, now=s.now())
        attempt = try_out(s, trial)
        s.output.show(
            {"attempt": attempt},
            people=lambda: print_attempt(s.output, f"Call of endpoint {name}", attempt),
        )
    if attempt.outcome is not Outcome.SENT:
        raise typer.Exit(FAILED)


def _set_state(name: str, state: str, *, organization: str | None, as_json: bool) -> None:
    with session(as_json=as_json, organization=organization) as s:
        record = endpoints.set_state(
            s.conn,
            organization=s.tenant(),
            name=name,
            state=state,
            now=s.now(),
            actor=s.actor,
        )
        waiting = counted(record.waiting_jobs, "call")
        s.output.show(
            {"endpoint": record},
            people=lambda: s.output.say(f"Endpoint {name} is {state}; {waiting} waiting."),
        )


def _settings(
    url: str | None,
    events: list[str] | None,
    document_types: list[str] | None,
    headers: list[str] | None,
    timeout: int | None,
    max_concurrency: int | None,
    max_per_second: float | None,
) -> EndpointSettings:
    return EndpointSettings(
        url=url,
        event_types=events,
        document_types=document_types,
        headers=None if headers is None else dict(_header(text) for text in headers),
        timeout_seconds=timeout,
        max_concurrency=max_concurrency,
        max_per_second=max_per_second,
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise typer.BadParameter("write 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()


def _print_all(s: Session, found: list[EndpointRecord]) -> None:
    s.output.table(
        ("id", "endpoint", "state", "url", "events", "waiting", "last success", "failing since"),
        [
            (
                one.endpoint_id,
                one.name,
                one.state,
                one.url,
                one.event_types,
                one.waiting_jobs,
                one.last_success_at,
                one.failing_since,
            )
            for one in found
        ],
        empty=s.none("There is no endpoint") + ". Add one: doclife endpoints add NAME URL",
    )


def _print_one(s: Session, record: EndpointRecord) -> None:
    s.output.facts(
        {
            "endpoint": record.name,
            "id": record.endpoint_id,
            "url": record.url,
            "state": record.state,
            "why": record.disabled_reason,
            "events": record.event_types,
            "document types": record.document_types,
            "headers": sorted(record.headers) or None,
            "time-out": f"{record.timeout_seconds} s",
            "at once": record.max_concurrency,
            "per second": record.max_per_second,
            "waiting": counted(record.waiting_jobs, "call"),
            "last success": record.last_success_at,
            "last failure": record.last_failure_at,
            "failing since": record.failing_since,
            "rests until": record.rests_until,
            "rests because": record.rest_reason,
            "secret in": f"Airflow Connection {connection_id_of(record)}",
        }
    )
