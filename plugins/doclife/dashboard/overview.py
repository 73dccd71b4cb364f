"""What needs a person today."""

from fastapi import APIRouter, Response

from doclife.dashboard.visit import Here

router = APIRouter()


@router.get("/")
def show(here: Here) -> Response:
    """Show the four summary cards and what matters today."""
    return here.page("overview.html.j2")
