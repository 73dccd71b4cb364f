"""``/endpoints`` and ``/deliveries`` of the JSON API: where calls go, and what came of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Asked, Cursor, Id, Limit, Line, Moment
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.attempt_places import place_of, read_attempt
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_name
from doclife.dashboard.visit import Here, Visit
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle import deliveries, endpoints
from doclife.lifecycle.deliveries import SEARCHED, ResendState
from doclife.store.deliveries import DeliveryRow
from doclife.store.endpoints import EndpointRecord

router = APIRouter(route_class=OnceRoute, tags=["endpoints"])

HIDDEN = "..."
"""In place of the values of headers: somebody will put a token there."""


class EndpointsPage(BaseModel):
    """A page of the endpoints of an organization, by name; values of headers are hidden."""

    items: list[EndpointRecord]
    next_cursor: str | None


class DeliveriesPage(BaseModel):
    """A page of attempts, the newest first."""

    items: list[DeliveryRow]
    next_cursor: str | None


class ResendBody(BaseModel):
    """Which calls to send again: some by number, or all of an endpoint or of a time."""

    model_config = ConfigDict(extra="forbid")

    reason: Line
    job_ids: list[Id] | None = Field(default=None, max_length=1000)
    endpoint: Line | None = None
    since: Moment | None = None
    until: Moment | None = None
    states: list[ResendState] | None = Field(
        default=None, description="Null: by number wherever they are, else those given up."
    )


class ResentBody(BaseModel):
    """The calls that are sent again."""

    resent: list[int]


@router.get("/endpoints")
def list_endpoints(here: Here, cursor: Cursor = "", limit: Limit = PAGE_ROWS) -> EndpointsPage:
    """List webhook endpoints with their state, last success and last failure."""
    found = endpoints.list_endpoints(
        here.conn, organization=here.tenant, after=read_name(cursor), size=limit + 1
    )
    page = page_of(found, limit=limit, key=lambda one: one.name, cursor=cursor)
    return EndpointsPage(items=[shown(one) for one in page.rows], next_cursor=page.next_cursor)


@router.get("/endpoints/{name}")
def show_endpoint(here: Here, name: str) -> EndpointRecord:
    """Return one webhook endpoint."""
    return shown(find(here, name))


@router.post("/endpoints/{name}/pause", dependencies=[needs(Deed.EDIT)])
def pause(here: Here, name: str) -> EndpointRecord:
    """Let the calls of an endpoint wait."""
    return _set_state(here, name, "paused")


@router.post("/endpoints/{name}/enable", dependencies=[needs(Deed.EDIT)])
def enable(here: Here, name: str) -> EndpointRecord:
    """Let the calls of an endpoint go; what it failed at before does not count against it."""
    return _set_state(here, name, "enabled")


@router.get("/deliveries", tags=["deliveries"])
def list_deliveries(
    here: Here,
    channel: Literal["webhook", "email", "slack"] = "webhook",
    endpoint: Annotated[Asked, Query(description="Of calls only.")] = "",
    outcome: Literal["sent", "retry", "dead", "unknown"] | None = None,
    search: Annotated[
        Asked,
        Query(description=f"In number, status, error or answer of the newest {SEARCHED:,}."),
    ] = "",
    since: Moment | None = None,
    until: Moment | None = None,
    cursor: Cursor = "",
    limit: Limit = PAGE_ROWS,
) -> DeliveriesPage:
    """List attempts to call endpoints, or to send mails or Slack messages, the newest first."""
    asked: dict[str, Any] = {
        "organization": here.tenant,
        "outcomes": None if outcome is None else [outcome],
        "words": search.strip() or None,
        "since": since,
        "until": until,
        "before": read_attempt(cursor),
        "size": limit + 1,
    }
    if channel == "webhook":
        found = deliveries.list_deliveries(here.conn, endpoint=endpoint or None, **asked)
    elif endpoint:
        raise ConfigurationError(f"{channel} has no endpoints: leave endpoint out")
    else:
        found = deliveries.list_channel(here.conn, kind=channel, **asked)
    page = page_of(found, limit=limit, key=place_of, cursor=cursor)
    return DeliveriesPage(items=list(page.rows), next_cursor=page.next_cursor)


@router.post("/deliveries/resend", tags=["deliveries"], dependencies=[needs(Deed.SEND)])
def resend(here: Here, body: ResendBody) -> ResentBody:
    """Send calls again; they keep their `webhook-id`, so that a receiver that has one drops it."""
    everywhere = list(ResendState) if body.job_ids is not None else [ResendState.FAILED]
    resent = deliveries.resend(
        here.conn,
        organization=here.tenant,
        reason=body.reason,
        job_ids=body.job_ids,
        endpoint=body.endpoint,
        since=body.since,
        until=body.until,
        states=body.states or everywhere,
        actor=here.actor,
        now=here.now,
    )
    return ResentBody(resent=resent)


def _set_state(here: Visit, name: str, state: str) -> EndpointRecord:
    record = endpoints.set_state(
        here.conn,
        organization=here.tenant,
        name=find(here, name).name,
        state=state,
        actor=here.actor,
        now=here.now,
    )
    return shown(record)


def find(here: Visit, name: str) -> EndpointRecord:
    """Return an endpoint of the organization that the person looks at.

    :raises HTTPException: 404, it has none of that name.
    """
    if text_fault(name) is None:
        for each in endpoints.list_endpoints(here.conn, organization=here.tenant):
            if each.name == name:
                return each
    raise HTTPException(404, f"There is no endpoint {name!r} here")


def shown(record: EndpointRecord) -> EndpointRecord:
    """Return an endpoint without what its headers say."""
    hidden: Mapping[str, str] = dict.fromkeys(record.headers, HIDDEN)
    return replace(record, headers=hidden)
