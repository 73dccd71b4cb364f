"""What a person does to an endpoint: pause and enable it, try it, send calls again."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.far_calls import TEST, try_out
from doclife.dashboard.gate import needs
from doclife.dashboard.integrations.delivery_log import read_moment
from doclife.dashboard.integrations.showing import find, page
from doclife.dashboard.visit import Here
from doclife.errors import DoclifeError
from doclife.lifecycle import deliveries, endpoints, trying
from doclife.lifecycle.deliveries import ResendState

router = APIRouter()

Text = Annotated[str, Form(max_length=500)]
REASON = "asked for in the dashboard"


@router.post("/integrations/endpoints/{endpoint_id}/state", dependencies=[needs(Deed.EDIT)])
def switch(here: Here, endpoint_id: int, state: Text) -> Response:
    """Let the calls of an endpoint wait, or go."""
    endpoint = find(here, endpoint_id)
    if state not in ("enabled", "paused"):
        raise HTTPException(422, "An endpoint is enabled or paused")
    endpoints.set_state(
        here.conn,
        organization=here.tenant,
        name=endpoint.name,
        state=state,
        now=here.now,
        actor=here.actor,
    )
    words = "Its calls go again." if state == "enabled" else "Its calls wait until it is enabled."
    return here.redirect(f"integrations/endpoints/{endpoint_id}", flash=words)


@router.post("/integrations/endpoints/{endpoint_id}/test", dependencies=[needs(Deed.SEND), TEST])
def try_it(here: Here, endpoint_id: int) -> Response:
    """Call it once, exactly as every call is made, and show what it answered."""
    endpoint = find(here, endpoint_id)
    try:
        trial = trying.endpoint_trial(
            here.conn, organization=here.tenant, name=endpoint.name, now=here.now
        )
        tried = try_out(here, trial)
    except DoclifeError as error:
        return page(here, endpoint_id, error=str(error), status=409)
    return page(here, endpoint_id, tried=tried)


@router.post("/integrations/endpoints/{endpoint_id}/resend", dependencies=[needs(Deed.SEND)])
def resend(
    here: Here, endpoint_id: int, job: Annotated[list[int] | None, Form(max_length=1000)] = None
) -> Response:
    """Send the calls again that were ticked, wherever they are now."""
    endpoint = find(here, endpoint_id)
    ids = [number for number in job or () if 0 < number < 2**63]
    sent = (
        deliveries.resend(
            here.conn,
            organization=here.tenant,
            endpoint=endpoint.name,
            job_ids=ids,
            states=tuple(ResendState),
            reason=REASON,
            now=here.now,
            actor=here.actor,
        )
        if ids
        else []
    )
    words = _sent(len(sent)) if ids else "Tick some calls first."
    return here.redirect(f"integrations/endpoints/{endpoint_id}", flash=words)


@router.post("/integrations/endpoints/{endpoint_id}/range", dependencies=[needs(Deed.SEND)])
def resend_range(
    here: Here,
    endpoint_id: int,
    since: Text,
    reason: Text,
    until: Text = "",
    states: Annotated[list[ResendState] | None, Form(max_length=10)] = None,
) -> Response:
    """Send all calls of a time again that are in the states that were ticked."""
    endpoint = find(here, endpoint_id)
    begin, end = read_moment(here, since), read_moment(here, until)
    if begin is None or not reason.strip() or not states:
        fault = "Say since when, which calls and why: it is kept in the audit trail."
        return page(here, endpoint_id, error=fault, status=422)
    sent = deliveries.resend(
        here.conn,
        organization=here.tenant,
        endpoint=endpoint.name,
        since=begin,
        until=end,
        states=states,
        reason=reason.strip(),
        now=here.now,
        actor=here.actor,
    )
    return here.redirect(f"integrations/endpoints/{endpoint_id}", flash=_sent(len(sent)))


def _sent(count: int) -> str:
    if not count:
        return "Nothing was sent again: what is on its way, or waits already, is left as it is."
    return f"{count:,} {'call is' if count == 1 else 'calls are'} sent again."
