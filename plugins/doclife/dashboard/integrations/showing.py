"""One webhook endpoint, with every attempt to call it."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Response

from doclife.dashboard.integrations.listing import endpoint_pill
from doclife.dashboard.jobs.listing import STATES
from doclife.dashboard.jobs.showing import OUTCOMES
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_cursor
from doclife.dashboard.visit import Here, Visit
from doclife.delivery.outcome import Attempt
from doclife.errors import ConfigurationError
from doclife.lifecycle.deliveries import list_deliveries
from doclife.lifecycle.endpoints import list_endpoints
from doclife.store.deliveries import DeliveryRow
from doclife.store.endpoints import EndpointRecord

router = APIRouter()

Text = Annotated[str, Query(max_length=200)]


@router.get("/integrations/endpoints/{endpoint_id}")
def show(
    here: Here,
    endpoint_id: int,
    outcome: Text = "",
    since: Text = "",
    until: Text = "",
    cursor: Text = "",
) -> Response:
    """Show an endpoint and a page of its delivery log, the newest first."""
    return page(here, endpoint_id, outcome=outcome, since=since, until=until, cursor=cursor)


def page(
    here: Visit,
    endpoint_id: int,
    *,
    outcome: str = "",
    since: str = "",
    until: str = "",
    cursor: str = "",
    tried: Attempt | None = None,
    error: str | None = None,
    status: int = 200,
) -> Response:
    """Return the page of an endpoint, with the answer to a test call or what was wrong."""
    endpoint = find(here, endpoint_id)
    found = list_deliveries(
        here.conn,
        organization=here.tenant,
        endpoint=endpoint.name,
        outcomes=[outcome] if outcome else None,
        since=read_moment(here, since),
        until=read_moment(here, until),
        before=_before(cursor),
        size=PAGE_ROWS + 1,
    )
    query = {"outcome": outcome, "since": since, "until": until}
    return here.page(
        "integrations/endpoint.html.j2",
        status=status,
        endpoint=endpoint,
        pill=endpoint_pill(endpoint),
        connection_id=endpoint.connection_id or f"doclife_endpoint_{endpoint.endpoint_id}",
        page=page_of(
            found,
            limit=PAGE_ROWS,
            key=lambda row: [row.attempted_at.isoformat(), row.job_id, row.attempt],
            cursor=cursor,
        ),
        query=query,
        is_filtered=any(query.values()),
        outcomes=OUTCOMES,
        states=STATES,
        outcome_choices=[
            ("", "Any outcome"),
            *((name, words) for name, (_kind, words) in OUTCOMES.items()),
        ],
        tried=tried,
        error=error,
    )


def find(here: Visit, endpoint_id: int) -> EndpointRecord:
    """Return an endpoint of the organization that the person looks at."""
    for each in list_endpoints(here.conn, organization=here.tenant):
        if each.endpoint_id == endpoint_id:
            return each
    raise HTTPException(404, f"There is no endpoint {endpoint_id} here")


def read_moment(here: Visit, text: str) -> datetime | None:
    """Return a moment as the browser's field gives it, by the organization's clock.

    :raises ConfigurationError: it is none.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no moment; for example 2027-01-31T09:00") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(here.tenant.time_zone))


def _before(cursor: str) -> DeliveryRow | None:
    place = read_cursor(cursor)
    if place is None:
        return None
    match place:
        case [str(moment), int(job_id), int(attempt)]:
            at = _aware(moment)
        case _:
            at = None
    if at is None or not (0 < job_id < 2**63 and 0 <= attempt < 2**15):
        raise ConfigurationError(f"{cursor!r} is no place in this list: begin with the first page")
    return DeliveryRow(
        job_id=job_id,
        attempt=attempt,
        attempted_at=at,
        endpoint="",
        outcome="",
        status_code=None,
        latency_ms=None,
        answer_head=None,
        error=None,
        state="",
    )


def _aware(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
