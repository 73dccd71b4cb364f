"""The pages about integrations: all at a glance, one endpoint, and what can be done with it."""

from fastapi import APIRouter

from doclife.dashboard.integrations import deeds, editing, listing, showing

router = APIRouter()
# Editing first: /integrations/endpoints/new is no number.
for part in (editing, listing, showing, deeds):
    router.include_router(part.router)
