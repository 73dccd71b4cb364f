"""``/halt`` and ``/resume`` of the JSON API: the switch that stops everything."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from doclife.dashboard import halting
from doclife.dashboard.access import Deed
from doclife.dashboard.api.asking import Why
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import needs
from doclife.dashboard.visit import Here
from doclife.store import switches

router = APIRouter(route_class=OnceRoute, tags=["halt"])


class HaltBody(BaseModel):
    """Whether and why everything is halted."""

    model_config = ConfigDict(from_attributes=True)

    reason: str | None = Field(description="Null: nothing is halted.")
    set_by: str
    set_at: datetime


@router.get("/halt")
def show_halt(here: Here) -> HaltBody:
    """Say whether everything is halted, why and since when."""
    return HaltBody.model_validate(switches.read(here.conn))


@router.post("/halt", dependencies=[needs(Deed.RUN)])
def halt(here: Here, body: Why) -> HaltBody:
    """Stop every plan, purge and delivery at its next batch, in every organization."""
    halting.stop(here, body.reason)
    return HaltBody.model_validate(switches.read(here.conn))


@router.post("/resume", dependencies=[needs(Deed.RUN)])
def resume(here: Here) -> HaltBody:
    """Take the switch off; a copied database stays halted until it is adopted."""
    return HaltBody.model_validate(halting.let_go(here))
