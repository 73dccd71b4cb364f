"""The lane to one receiver: how many at once, how fast, and a rest when it does not answer."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self

from doclife.delivery.outcome import Outcome

TRIPS_AFTER = 5
"""Attempts in a row without any answer until a receiver is left alone."""
RESTS_FOR = timedelta(seconds=30)
"""Then one attempt finds out whether it is back; the others wait, untried."""
LONGEST_QUEUE = timedelta(seconds=10)
"""A message waits so long for its turn, then goes back to the queue: others come first."""


class LaneClosed(Exception):
    """Not now. The message was not tried; ``args[0]`` says why."""

    def __init__(self, reason: str, *, retry_after: timedelta) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Lane:
    """Spares one receiver, and spares all others from waiting for it.

    One dead receiver with 10,000 messages costs a handful of time-outs, not 10,000. Lives as long
    as its channel is open and is shared by all calls of ``deliver``, each ``async with lane``.
    """

    def __init__(self, *, max_concurrency: int, max_per_second: float | None) -> None:
        self._places = asyncio.Semaphore(max_concurrency)
        self._gap = 1 / max_per_second if max_per_second else 0.0
        self._next_at = 0.0
        self._silent = 0
        self._rests_until = 0.0

    async def __aenter__(self) -> Self:
        """Wait for a turn.

        :raises LaneClosed: it rests, or the turn would come too late.
        """
        is_probe = self._refuse_while_resting()
        if self._gap:
            await self._keep_pace()
        elif not self._places.locked():
            await self._places.acquire()  # at once: nothing else has had its turn meanwhile
            return self
        try:
            async with asyncio.timeout(LONGEST_QUEUE.total_seconds()):
                await self._places.acquire()
        except TimeoutError:
            raise LaneClosed(
                "too many calls to it were under way", retry_after=LONGEST_QUEUE
            ) from None
        if not is_probe:  # it may have begun to rest while this one stood in line
            try:
                self._refuse_while_resting()
            except LaneClosed:
                self._places.release()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the next one have the place."""
        self._places.release()

    def note(self, outcome: Outcome, *, has_answered: bool) -> None:
        """Take in how an attempt ended; any answer at all is a sign of life."""
        if has_answered or outcome is Outcome.SENT:
            self._silent = 0
            self._rests_until = 0.0
            return
        self._silent += 1
        if self._silent >= TRIPS_AFTER:
            self._rests_until = self._now() + RESTS_FOR.total_seconds()

    def _refuse_while_resting(self) -> bool:
        """Return whether this attempt is the one that finds out; the rest is over for it alone."""
        if self._silent < TRIPS_AFTER:
            return False
        left = self._rests_until - self._now()
        if left > 0:
            raise LaneClosed(
                f"it did not answer {self._silent} times in a row and is left alone for a moment",
                retry_after=timedelta(seconds=left),
            )
        self._rests_until = self._now() + RESTS_FOR.total_seconds()
        return True

    async def _keep_pace(self) -> None:
        now = self._now()
        start = max(now, self._next_at)
        if start - now > LONGEST_QUEUE.total_seconds():
            raise LaneClosed(
                "it takes no more calls per second", retry_after=timedelta(seconds=start - now)
            )
        self._next_at = start + self._gap
        await asyncio.sleep(start - now)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
