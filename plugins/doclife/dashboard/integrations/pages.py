"""The pages about integrations: all at a glance, each by itself, and what can be done with it."""

from fastapi import APIRouter

from doclife.dashboard.integrations import (
    channels,
    connections,
    deeds,
    editing,
    listing,
    showing,
    slack_channels,
    suppressions,
)

router = APIRouter()
# Editing first: /integrations/endpoints/new is no number.
for part in (
    editing,
    listing,
    showing,
    deeds,
    channels,
    connections,
    slack_channels,
    suppressions,
):
    router.include_router(part.router)
