"""Endpoints made and changed in a form, and their secrets, each shown once."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.endpoint_secrets import give_secret
from doclife.dashboard.far_calls import LOOKUP
from doclife.dashboard.gate import WHY_NOT, needs
from doclife.dashboard.integrations.showing import find
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Here, Visit
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle import endpoints
from doclife.lifecycle.endpoints import EndpointSettings
from doclife.store.endpoints import EndpointRecord

router = APIRouter()

Text = Annotated[str, Form(max_length=2000)]
Headers = Annotated[str, Form(max_length=12_000)]
NOTHING = {
    "name": "",
    "url": "",
    "events": "",
    "types": "",
    "timeout": str(endpoints.DEFAULT_TIMEOUT_SECONDS),
    "at_once": str(endpoints.DEFAULT_CONCURRENCY),
    "a_second": "",
    "headers": "",
}


@router.get("/integrations/endpoints/new", dependencies=[needs(Deed.EDIT), needs(Deed.CONNECT)])
def ask_new(here: Here) -> Response:
    """Show an empty form."""
    return _form(here, NOTHING)


@router.post(
    "/integrations/endpoints/new",
    dependencies=[needs(Deed.EDIT), needs(Deed.CONNECT), LOOKUP],
)
def add(
    here: Here,
    name: Text = "",
    url: Text = "",
    events: Text = "",
    types: Text = "",
    timeout: Text = "",
    at_once: Text = "",
    a_second: Text = "",
    headers: Headers = "",
) -> Response:
    """Add an endpoint, store a new secret in its Connection, and show it this once."""
    typed = _typed(name, url, events, types, timeout, at_once, a_second, headers)
    try:
        record, doubt = endpoints.add_endpoint(
            here.conn,
            organization=here.tenant,
            name=typed["name"],
            settings=_settings(typed, headers=_headers(typed["headers"], {}, ())),
            guard=CONFIGURATION.delivery().guard,
            now=here.now,
            actor=here.actor,
        )
    except DoclifeError as error:
        return _form(here, typed, error=str(error), status=422)
    return _show_secret(here, record, doubt=doubt)


@router.get("/integrations/endpoints/{endpoint_id}/edit", dependencies=[needs(Deed.EDIT)])
def ask_edit(here: Here, endpoint_id: int) -> Response:
    """Show the form with the settings as they are."""
    record = find(here, endpoint_id)
    return _form(here, _written(record), record=record)


@router.post("/integrations/endpoints/{endpoint_id}/edit", dependencies=[needs(Deed.EDIT), LOOKUP])
def edit(
    here: Here,
    endpoint_id: int,
    url: Text = "",
    events: Text = "",
    types: Text = "",
    timeout: Text = "",
    at_once: Text = "",
    a_second: Text = "",
    headers: Headers = "",
    without: Annotated[list[str] | None, Form(max_length=10)] = None,
) -> Response:
    """Change the settings of an endpoint; its secret stays, and so do headers that are not named.

    :param without: names of headers that are taken out.
    """
    record = find(here, endpoint_id)
    typed = _typed(record.name, url, events, types, timeout, at_once, a_second, headers)
    if record.headers and typed["url"] not in ("", record.url) and not here.may.connect:
        # Somebody may have put a token there, which nobody is shown: it would go along.
        raise HTTPException(403, f"Its headers go where its calls go. {WHY_NOT[Deed.CONNECT]}")
    try:
        _record, doubt = endpoints.change_endpoint(
            here.conn,
            organization=here.tenant,
            name=record.name,
            settings=_settings(
                typed, headers=_headers(typed["headers"], record.headers, without or ())
            ),
            guard=CONFIGURATION.delivery().guard,
            now=here.now,
            actor=here.actor,
        )
    except DoclifeError as error:
        return _form(here, typed, record=record, error=str(error), status=422)
    words = f"Saved. It cannot be called yet: {doubt}." if doubt else "Saved."
    return here.redirect(f"integrations/endpoints/{endpoint_id}", flash=words)


@router.post(
    "/integrations/endpoints/{endpoint_id}/rotate",
    dependencies=[needs(Deed.EDIT), needs(Deed.CONNECT)],
)
def rotate(here: Here, endpoint_id: int) -> Response:
    """Make a new secret; calls carry signatures of both until the old one is taken out."""
    return _show_secret(here, find(here, endpoint_id), doubt=None)


def _show_secret(here: Visit, record: EndpointRecord, *, doubt: str | None) -> Response:
    given = give_secret(here, record)
    return here.page(
        "integrations/secret.html.j2",
        endpoint=record,
        connection_id=given.connection_id,
        secret=given.secret,
        had_one=given.had_one,
        doubt=doubt,
    )


def _form(
    here: Visit,
    typed: dict[str, str],
    *,
    record: EndpointRecord | None = None,
    error: str | None = None,
    status: int = 200,
) -> Response:
    return here.page(
        "integrations/edit.html.j2", status=status, typed=typed, endpoint=record, error=error
    )


def _typed(
    name: str,
    url: str,
    events: str,
    types: str,
    timeout: str,
    at_once: str,
    a_second: str,
    headers: str,
) -> dict[str, str]:
    return {
        "name": name.strip(),
        "url": url.strip(),
        "events": events.strip(),
        "types": types.strip(),
        "timeout": timeout.strip(),
        "at_once": at_once.strip(),
        "a_second": a_second.strip(),
        "headers": headers.strip(),
    }


def _written(record: EndpointRecord) -> dict[str, str]:
    return {
        "name": record.name,
        "url": record.url,
        "events": ", ".join(record.event_types or ()),
        "types": ", ".join(record.document_types or ()),
        "timeout": str(record.timeout_seconds),
        "at_once": str(record.max_concurrency),
        "a_second": f"{record.max_per_second:g}" if record.max_per_second else "",
        # What headers say is never shown again.
        "headers": "",
    }


def _settings(typed: dict[str, str], *, headers: Mapping[str, str]) -> EndpointSettings:
    return EndpointSettings(
        url=typed["url"] or None,
        event_types=_words(typed["events"]),
        document_types=_words(typed["types"]),
        timeout_seconds=_count(typed["timeout"], "the timeout", endpoints.LONGEST_TIMEOUT_SECONDS),
        max_concurrency=_count(typed["at_once"], "calls at once", 100),
        max_per_second=_rate(typed["a_second"]),
        headers=headers,
    )


def _headers(text: str, before: Mapping[str, str], without: Sequence[str]) -> dict[str, str]:
    """Return the headers that are there, without some, and those that the form names."""
    taken_out = {name.lower() for name in without}
    named: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not value.strip():
            raise ConfigurationError("headers: one in a line, as 'Name: value'")
        named[name.strip()] = value.strip()
    taken_out |= {name.lower() for name in named}
    return {name: said for name, said in before.items() if name.lower() not in taken_out} | named


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _count(text: str, what: str, most: int) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise ConfigurationError(f"{what}: a number from 1 to {most}, not {text!r}")
    return int(text)


def _rate(text: str) -> float:
    """Return calls a second; 0 when there is no limit."""
    if not text:
        return 0
    try:
        rate = float(text.replace(",", "."))
    except ValueError:
        rate = -1
    if not 0.01 <= rate <= 10_000:
        raise ConfigurationError(f"calls a second: a number from 0.01 to 10000, not {text!r}")
    return rate
