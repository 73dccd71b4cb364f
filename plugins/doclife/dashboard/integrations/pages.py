"""The pages about integrations: all at a glance, one endpoint, and what can be done with it."""

from fastapi import APIRouter

from doclife.dashboard.integrations import deeds, listing, showing

router = APIRouter()
for part in (listing, showing, deeds):
    router.include_router(part.router)
