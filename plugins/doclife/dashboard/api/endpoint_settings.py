"""``/endpoints`` of the JSON API, written: added, changed, removed, tried, given a new secret."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.answering import Tried
from doclife.dashboard.api.asking import Line, Names
from doclife.dashboard.api.endpoints import find, shown
from doclife.dashboard.api.once import OnceRoute, in_steps
from doclife.dashboard.endpoint_secrets import forget_secret, give_secret
from doclife.dashboard.far_calls import LOOKUP, TEST, try_out
from doclife.dashboard.gate import WHY_NOT, needs
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Here
from doclife.lifecycle import endpoints, trying
from doclife.lifecycle.endpoints import LONGEST_TIMEOUT_SECONDS, EndpointSettings
from doclife.store.endpoints import EndpointRecord

router = APIRouter(route_class=OnceRoute, tags=["endpoints"])

SHOWN_ONCE = "What to sign with, shown this once: null when the answer is given again."


class ChangedEndpoint(BaseModel):
    """Settings to give an endpoint; null leaves one as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Line | None = None
    headers: dict[str, str] | None = Field(
        default=None, max_length=10, description="All of them; those before are forgotten."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=LONGEST_TIMEOUT_SECONDS)] | None = None
    max_concurrency: Annotated[int, Field(ge=1, le=100)] | None = None
    max_per_second: Annotated[float, Field(ge=0.01, le=10_000)] | None = None
    event_types: Names | None = Field(
        default=None, description="Which events it gets by itself, e.g. `document.*`; []: none."
    )
    document_types: Names | None = Field(
        default=None, description="Only of documents of these types; []: of all."
    )

    @property
    def settings(self) -> EndpointSettings:
        """The same, as the lifecycle takes it."""
        return EndpointSettings(**self.model_dump(include=set(ChangedEndpoint.model_fields)))


class NewEndpoint(ChangedEndpoint):
    """An endpoint to add."""

    name: Line = Field(description="As rules and jobs name it.")
    url: Line


class SavedEndpoint(BaseModel):
    """An endpoint as it is now."""

    endpoint: EndpointRecord
    doubt: str | None = Field(description="Why it cannot be reached at present, or null.")


class SecretBody(BaseModel):
    """A new secret; Airflow keeps it in the Connection."""

    connection_id: str
    secret: str | None = Field(description=SHOWN_ONCE)
    had_one: bool = Field(
        description="Calls are signed with the one before too, until it is taken out there."
    )


class AddedEndpoint(SavedEndpoint):
    """A new endpoint with its secret."""

    connection_id: str
    secret: str | None = Field(description=SHOWN_ONCE)


@router.post(
    "/endpoints",
    status_code=status.HTTP_201_CREATED,
    dependencies=[needs(Deed.EDIT), needs(Deed.CONNECT), LOOKUP, in_steps(hidden=("secret",))],
)
def add_endpoint(here: Here, body: NewEndpoint) -> AddedEndpoint:
    """Add a webhook endpoint and make its secret, which is shown this once."""
    record, doubt = endpoints.add_endpoint(
        here.conn,
        organization=here.tenant,
        name=body.name,
        settings=body.settings,
        guard=CONFIGURATION.delivery().guard,
        now=here.now,
        actor=here.actor,
    )
    given = give_secret(here, record)
    return AddedEndpoint(
        endpoint=shown(record),
        doubt=doubt,
        connection_id=given.connection_id,
        secret=given.secret,
    )


@router.patch("/endpoints/{name}", dependencies=[needs(Deed.EDIT), LOOKUP])
def change_endpoint(here: Here, name: str, body: ChangedEndpoint) -> SavedEndpoint:
    """Change settings; headers go to another address only by those who may store secrets."""
    record = find(here, name)
    leads_away = body.url not in (None, record.url) and record.headers and body.headers is None
    if leads_away and not here.may.connect:
        raise HTTPException(403, f"Its headers go where its calls go. {WHY_NOT[Deed.CONNECT]}")
    changed, doubt = endpoints.change_endpoint(
        here.conn,
        organization=here.tenant,
        name=record.name,
        settings=body.settings,
        guard=CONFIGURATION.delivery().guard,
        now=here.now,
        actor=here.actor,
    )
    return SavedEndpoint(endpoint=shown(changed), doubt=doubt)


@router.delete(
    "/endpoints/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[needs(Deed.EDIT), needs(Deed.CONNECT), in_steps()],
)
def remove_endpoint(here: Here, name: str) -> None:
    """Remove an endpoint with its secret and its log; 409 while calls wait for it."""
    removed = endpoints.remove_endpoint(
        here.conn,
        organization=here.tenant,
        name=find(here, name).name,
        now=here.now,
        actor=here.actor,
    )
    forget_secret(removed)


@router.post("/endpoints/{name}/test", dependencies=[needs(Deed.SEND), TEST, in_steps()])
def try_endpoint(here: Here, name: str) -> Tried:
    """Call it once, signed and guarded as every call is, and return what it answered."""
    trial = trying.endpoint_trial(
        here.conn, organization=here.tenant, name=find(here, name).name, now=here.now
    )
    return Tried.model_validate(try_out(here, trial))


@router.post(
    "/endpoints/{name}/rotate",
    dependencies=[needs(Deed.EDIT), needs(Deed.CONNECT), in_steps(hidden=("secret",))],
)
def rotate(here: Here, name: str) -> SecretBody:
    """Make a new secret, shown this once; calls are signed with both for the time being."""
    given = give_secret(here, find(here, name))
    return SecretBody(connection_id=given.connection_id, secret=given.secret, had_one=given.had_one)
