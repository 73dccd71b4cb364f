"""``/organizations`` and ``/preferences`` of the JSON API: what the caller may see, and wants."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Line
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import needs
from doclife.dashboard.notifications import CHANNEL
from doclife.dashboard.visit import Here
from doclife.lifecycle import preferring
from doclife.lifecycle.preferring import Preference, PreferenceChange

router = APIRouter(route_class=OnceRoute, tags=["oneself"])


class OrganizationBody(BaseModel):
    """An organization that the caller may choose with `?organization=`."""

    model_config = ConfigDict(from_attributes=True)

    slug: str
    name: str
    time_zone: str
    locale: str


class OrganizationsBody(BaseModel):
    """Those that the caller may see."""

    items: list[OrganizationBody]
    next_cursor: None = None


class Quiet(BaseModel):
    """Which types of notifications the caller does not want to be shown."""

    model_config = ConfigDict(extra="forbid")

    quiet_types: Annotated[list[Line], Field(max_length=100)]


class PreferencesBody(BaseModel):
    """What the caller wants over each channel."""

    items: list[Preference]
    next_cursor: None = None


@router.get("/organizations")
def list_organizations(here: Here) -> OrganizationsBody:
    """List the organizations that the caller may see; the first is taken where none is named."""
    return OrganizationsBody(
        items=[OrganizationBody.model_validate(each) for each in here.organizations]
    )


@router.get("/preferences")
def show_preferences(here: Here) -> PreferencesBody:
    """Say what the caller wants over each channel; what they never said is as it is for all."""
    return PreferencesBody(
        items=preferring.show_preferences(
            here.conn, organization=here.tenant, recipient=here.person.name
        )
    )


# What is one's own needs no more than a login.
@router.put("/preferences", dependencies=[needs(Deed.READ)])
def change_preferences(here: Here, body: Quiet) -> PreferencesBody:
    """Keep which types of notifications the caller does not want to be shown."""
    return PreferencesBody(
        items=preferring.change_preferences(
            here.conn,
            organization=here.tenant,
            recipient=here.person.name,
            change=PreferenceChange(channel=CHANNEL, quiet_types=sorted(set(body.quiet_types))),
            now=here.now,
            actor=here.actor,
        )
    )
