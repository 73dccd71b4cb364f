"""One webhook endpoint, with every attempt to call it."""

from fastapi import APIRouter, HTTPException, Response

from doclife.dashboard.integrations.delivery_log import EVERYTHING, Log, LogFilter
from doclife.dashboard.integrations.listing import endpoint_pill, waiting_words
from doclife.dashboard.visit import Here, Visit
from doclife.delivery.outcome import Attempt
from doclife.lifecycle.deliveries import list_deliveries
from doclife.lifecycle.endpoints import endpoint_of_id
from doclife.lifecycle.sending import connection_id_of
from doclife.store.endpoints import EndpointRecord

router = APIRouter()


@router.get("/integrations/endpoints/{endpoint_id}")
def show(here: Here, endpoint_id: int, log: Log) -> Response:
    """Show an endpoint and a page of its delivery log, the newest first."""
    return page(here, endpoint_id, log=log)


def page(
    here: Visit,
    endpoint_id: int,
    *,
    log: LogFilter = EVERYTHING,
    tried: Attempt | None = None,
    error: str | None = None,
    status: int = 200,
) -> Response:
    """Return the page of an endpoint, with the answer to a test call or what was wrong."""
    endpoint = find(here, endpoint_id)
    found = list_deliveries(
        here.conn, organization=here.tenant, endpoint=endpoint.name, **log.narrowing(here)
    )
    return here.page(
        "integrations/endpoint.html.j2",
        status=status,
        endpoint=endpoint,
        pill=endpoint_pill(endpoint),
        waiting=waiting_words(endpoint),
        connection_id=connection_id_of(endpoint),
        tried=tried,
        error=error,
        **log.context(found),
    )


def find(here: Visit, endpoint_id: int) -> EndpointRecord:
    """Return an endpoint of the organization that the person looks at."""
    found = None
    if 0 < endpoint_id < 2**63:
        found = endpoint_of_id(here.conn, organization=here.tenant, endpoint_id=endpoint_id)
    if found is None:
        raise HTTPException(404, f"There is no endpoint {endpoint_id} here")
    return found
