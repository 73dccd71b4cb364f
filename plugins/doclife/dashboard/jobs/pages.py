"""The pages about jobs: what runs, the queue, one job, and what can be done with jobs."""

from fastapi import APIRouter

from doclife.dashboard.jobs import deeds, listing, showing

router = APIRouter()
# Showing last: its /jobs/{job_id} would take /jobs/running for a number.
for part in (listing, deeds, showing):
    router.include_router(part.router)
