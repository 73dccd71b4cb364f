"""The pages of a new batch on chosen documents, and of the matter that holds them."""

from fastapi import APIRouter

from doclife.dashboard.batches import choosing, doing, looking, matter

router = APIRouter()
for part in (choosing, looking, doing, matter):
    router.include_router(part.router)
