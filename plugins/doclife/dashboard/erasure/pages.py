"""The pages of erasure requests: the list, a new one, and one of them."""

from fastapi import APIRouter

from doclife.dashboard.erasure import asking, listing, showing

router = APIRouter()
for part in (listing, asking, showing):
    router.include_router(part.router)
