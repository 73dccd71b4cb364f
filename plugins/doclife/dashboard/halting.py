"""Halts everything from any page, and lets it go on."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.visit import Here
from doclife.errors import ConfigurationError
from doclife.lifecycle import halting

router = APIRouter()


@router.get("/halt", dependencies=[needs(Deed.RUN)])
def ask(here: Here) -> Response:
    """Ask for the reason, or whether to go on."""
    return here.page("halt.html.j2", error=None)


@router.post("/halt", dependencies=[needs(Deed.RUN)])
def halt(here: Here, reason: Annotated[str, Form()] = "") -> Response:
    """Stop every apply, purge and drain at its next batch."""
    try:
        halting.halt(here.conn, reason=reason, actor=here.actor, now=here.now)
    except ConfigurationError as error:
        return here.page("halt.html.j2", status=422, error=str(error))
    return here.redirect("", flash="Everything that changes or sends is halted.")


@router.post("/resume", dependencies=[needs(Deed.RUN)])
def resume(here: Here) -> Response:
    """Take the switch off; a copied database stays halted until it is adopted."""
    left = halting.resume(here.conn, actor=here.actor, now=here.now)
    if left.reason is not None:
        return here.redirect("", flash=f"The switch is off, but it stays halted: {left.reason}")
    return here.redirect("", flash="Running plans and deliveries go on.")
