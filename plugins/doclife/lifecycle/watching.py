"""Says when somebody should look after the queue, and when what a plan says is delivered."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from doclife.errors import DoclifeError
from doclife.store import plan_deliveries, queue_watch
from doclife.store.queue_watch import NextWork

logger = logging.getLogger(__name__)

Conninfo = Callable[[], Awaitable[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchSettings:
    """How the queue is watched.

    :param poll_seconds: how often it looks though nobody said anything: the latest that work waits
        where LISTEN does not reach (pgbouncer in transaction mode).
    :param settle_seconds: how long it waits after a word, so that many words wake once.
    :param rest_seconds: how soon after a wake-up the next one may be: a run needs some seconds to
        begin.
    :param overdue_seconds: with somebody at work, work that waits for longer calls for one more.
    """

    poll_seconds: float = 15.0
    settle_seconds: float = 0.2
    rest_seconds: float = 15.0
    overdue_seconds: float = 20.0


def wakes(work: NextWork, settings: WatchSettings) -> bool:
    """Whether work waits that nobody who is at work will see to."""
    waits = [
        -seconds for seconds in (work.due_seconds, work.schedule_seconds) if seconds is not None
    ]
    longest = max(waits, default=-1.0)
    if work.living:
        # They take new jobs, events and schedules within seconds.
        return longest >= settings.overdue_seconds
    return longest >= 0 or work.has_events or work.expired > 0


def pause(work: NextWork, settings: WatchSettings) -> float:
    """Return how long nothing will come due, as far as is known now.

    A lease that runs out counts: a worker that was killed is found out then, not at the next look.
    """
    ahead = [
        seconds
        for seconds in (work.due_seconds, work.schedule_seconds, work.lease_seconds)
        if seconds is not None and seconds > 0
    ]
    return min([settings.poll_seconds, *ahead])


async def watch(
    conninfo: Conninfo, *, settings: WatchSettings | None = None
) -> AsyncIterator[NextWork]:
    """Yield whenever somebody should begin to work; for ever, also while the server is away.

    :param conninfo: where the catalogue is; asked again for each connection.
    """
    settings = settings or WatchSettings()
    rests_until = 0.0
    while True:
        try:
            async with await queue_watch.connect(await conninfo()) as conn:
                await queue_watch.listen(conn)  # first: what is stored from here on is heard
                while True:
                    work = await queue_watch.next_work(conn)
                    rest = rests_until - time.monotonic()
                    if wakes(work, settings) and rest <= 0:
                        yield work
                        rests_until = time.monotonic() + settings.rest_seconds
                        continue
                    seconds = pause(work, settings)
                    if rest > 0:
                        await asyncio.sleep(min(rest, seconds))
                    elif await queue_watch.wait(conn, seconds=seconds):
                        await asyncio.sleep(settings.settle_seconds)
        except (psycopg.Error, DoclifeError, OSError) as error:
            logger.warning("The queue cannot be watched for the moment: %s", error)
            await asyncio.sleep(min(2.0, settings.poll_seconds))


FIRST_LOOK_SECONDS = 1.0
LAST_LOOK_SECONDS = 15.0


async def wait_until_delivered(
    conninfo: Conninfo, *, plan_ids: Sequence[int], kinds: Sequence[str], seconds: float
) -> bool:
    """Wait until no message of some plans waits any more; also while the server is away.

    It looks after a second, then more and more rarely, at least every quarter of a minute: nobody
    says a word when a message has been delivered.

    :param kinds: of jobs.
    :param seconds: after which it waits no longer.
    :returns: whether all were sent or given up in that time.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            pause = FIRST_LOOK_SECONDS
            while True:
                try:
                    async with await queue_watch.connect(await conninfo()) as conn:
                        while True:
                            delivery = await plan_deliveries.watch(
                                conn, plan_ids=plan_ids, kinds=kinds
                            )
                            if not delivery.waiting:
                                return True
                            await asyncio.sleep(pause)
                            pause = min(pause * 1.5, LAST_LOOK_SECONDS)
                except (psycopg.Error, DoclifeError, OSError) as error:
                    logger.warning("Deliveries cannot be watched for the moment: %s", error)
                    await asyncio.sleep(pause)
    return False
