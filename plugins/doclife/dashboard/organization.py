"""Chooses which organization the pages are about."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.visit import Here

router = APIRouter()


@router.post("/organization", dependencies=[needs(Deed.READ)])
def choose(here: Here, slug: Annotated[str, Form()]) -> Response:
    """Remember the choice in the browser; it changes nothing else."""
    if slug not in {each.slug for each in here.organizations}:
        raise HTTPException(404, f"There is no organization {slug!r} that you may see")
    return here.with_organization(slug)
