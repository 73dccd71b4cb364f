"""The pages of rules, together."""

from fastapi import APIRouter

from doclife.dashboard.rules import deeds, editing, files, listing, showing

router = APIRouter()
for each in (listing, files, editing, deeds, showing):
    router.include_router(each.router)
