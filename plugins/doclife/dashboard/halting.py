"""Halts everything from any page, and lets it go on."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.visit import Here, Visit
from doclife.errors import ConfigurationError
from doclife.lifecycle import halting
from doclife.store import switches
from doclife.store.switches import HaltState

router = APIRouter()


@router.get("/halt", dependencies=[needs(Deed.RUN)])
def ask(here: Here) -> Response:
    """Ask for the reason, or whether to go on."""
    return here.page("halt.html.j2", error=None)


@router.post("/halt", dependencies=[needs(Deed.RUN)])
def halt(here: Here, reason: Annotated[str, Form()] = "") -> Response:
    """Stop every apply, purge and drain at its next batch.

    Whoever is bound to organizations may do so too: stopping is always safe. They do not put
    their reason in the place of another's, nor let go on what others have stopped.
    """
    try:
        stop(here, reason)
    except ConfigurationError as error:
        return here.page("halt.html.j2", status=422, error=str(error))
    return here.redirect("", flash="Everything that changes or sends is halted.")


@router.post("/resume", dependencies=[needs(Deed.RUN)])
def resume(here: Here) -> Response:
    """Take the switch off; a copied database stays halted until it is adopted."""
    left = let_go(here)
    if left.reason is not None:
        return here.redirect("", flash=f"The switch is off, but it stays halted: {left.reason}")
    return here.redirect("", flash="Running plans and deliveries go on.")


def stop(here: Visit, reason: str) -> None:
    """Halt everything, if the person may put a reason there.

    :raises HTTPException: 403.
    :raises ConfigurationError: there is no reason.
    """
    if here.is_bound and switches.read(here.conn).reason is not None:
        raise HTTPException(403, "It is halted already, by somebody's word that stays.")
    halting.halt(here.conn, reason=reason, actor=here.actor, now=here.now)


def let_go(here: Visit) -> HaltState:
    """Take the switch off, if the person may; return what still halts.

    :raises HTTPException: 403.
    """
    if here.is_bound:
        raise HTTPException(
            403, "Every organization is halted: somebody who is bound to none lets them go on."
        )
    return halting.resume(here.conn, actor=here.actor, now=here.now)
