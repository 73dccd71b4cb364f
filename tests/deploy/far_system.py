"""A system that is told by webhook, takes its time, and counts how often each call came."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.delivery.far_side import serving


class FarSystem:
    """Answers so many calls, each after a while, and keeps the others waiting until it is let go.

    :param latency_seconds: until each answer.
    :param answers: after so many it hangs.
    """

    def __init__(self, *, latency_seconds: float, answers: int) -> None:
        self.url = ""
        self.came: Counter[str] = Counter()
        """How often each message came, by its id; counted before it is answered."""
        self._latency_seconds, self._answers_left = latency_seconds, answers
        self._goes_on = asyncio.Event()
        self._is_over = asyncio.Event()
        self._listens = threading.Event()
        self._loop = asyncio.new_event_loop()

    def go_on(self) -> None:
        """Answer all that wait, and all that comes from now on."""
        self._loop.call_soon_threadsafe(self._goes_on.set)

    def run(self) -> None:
        """Listen, in a thread of its own, until it is told that it is over."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    def wait_until_it_listens(self) -> None:
        assert self._listens.wait(timeout=60)

    def end(self) -> None:
        self.go_on()
        self._loop.call_soon_threadsafe(self._is_over.set)

    async def _serve(self) -> None:
        async with serving(self._answer) as side:
            self.url = side.url()
            self._listens.set()
            await self._is_over.wait()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.came[request.headers["webhook-id"]] += 1
        self._answers_left -= 1
        if self._answers_left < 0:
            await self._goes_on.wait()
        await asyncio.sleep(self._latency_seconds)
        return web.Response()


@contextmanager
def far_system(*, latency_seconds: float, answers: int) -> Iterator[FarSystem]:
    """Run one until the end of the block."""
    system = FarSystem(latency_seconds=latency_seconds, answers=answers)
    thread = threading.Thread(target=system.run)
    thread.start()
    try:
        system.wait_until_it_listens()
        yield system
    finally:
        system.end()
        thread.join()
