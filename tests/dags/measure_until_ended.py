"""Lets the trigger of process_queue live in a process of its own, as in the triggerer."""

from __future__ import annotations

import asyncio

from doclife.operators.queue_trigger import QueueTrigger


async def live() -> None:
    """Take what the trigger says, for ever."""
    async for _event in QueueTrigger(poll_seconds=1.0).run():
        pass


asyncio.run(live())
