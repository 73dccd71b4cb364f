"""The pages about documents: the list, one document, and what can be done with it."""

from fastapi import APIRouter

from doclife.dashboard.documents import deeds, listing, showing

router = APIRouter()
for part in (listing, showing, deeds):
    router.include_router(part.router)
