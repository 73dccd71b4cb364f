"""Drains the queue: leases jobs in batches, gives them to their channels, records what came of it.

Claims and results have a connection each, the heart a third; no transaction is open while anything
is sent. What was recorded is recorded for good; a process that dies loses at most what was on its
way, which others try again and call ``unknown``.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from doclife.delivery.channel import Channel, Endpoint
from doclife.delivery.outcome import Attempt
from doclife.lifecycle.cycle_collection import collecting_rarely
from doclife.lifecycle.delivery_tally import DeliveryTally
from doclife.lifecycle.drain_lanes import Lane, Lanes, message_of
from doclife.lifecycle.drain_ledger import Ledger, Page
from doclife.lifecycle.drain_troubles import Patience
from doclife.lifecycle.queue import LEASE_SECONDS
from doclife.lifecycle.worker_session import Connect, Heart, Session
from doclife.store import queue
from doclife.store.connection import Connection
from doclife.store.queue import ClaimedJob, EndpointRow, Recorded

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
FindEndpoint = Callable[[EndpointRow], Endpoint]

IDLE_SECONDS = 0.2
FULL_SCAN_SECONDS = 2.0
CHORES_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DrainSettings:
    """How one process drains.

    :param batch_size: more than 500 costs latency and brings nothing (docs/queue.md).
    :param linger_seconds: how long it waits for more work before it ends; 0 ends at once.
    :param most_seconds: after this it takes no more and hands over to the next process.
    """

    batch_size: int = 500
    flush_seconds: float = 0.03
    linger_seconds: float = 30.0
    most_seconds: float = 300.0
    lease_seconds: int = LEASE_SECONDS


@dataclass(kw_only=True, slots=True)
class Drained:
    """What one process did."""

    sent: int = 0
    retried: int = 0
    """Wait for another attempt."""
    failed: int = 0
    """Given up, and kept."""
    late: int = 0
    """Results that did not count, because this worker had been given up for dead."""
    rescued: int = 0
    """Jobs of dead workers that were freed."""
    halt_reason: str | None = None
    """Why it stopped before its time, if all was halted."""


class Drainer:
    """One process that drains.

    :param connect: opens a prepared connection.
    :param channels: by kind of job; other kinds are left to other workers.
    :param find_endpoint: completes an endpoint's row with its secrets.
    :param name: host and process, for people.
    :param chance: draws from 0 to 1, for the waits between attempts.
    :param chores: what else there is to do every second meanwhile, in the same process: events and
        schedules that come while it lingers need no process of their own.
    :param tally: counts every attempt; None counts nothing.
    """

    def __init__(
        self,
        *,
        connect: Connect,
        channels: Mapping[str, Channel],
        find_endpoint: FindEndpoint,
        name: str,
        chance: Callable[[], float],
        settings: DrainSettings | None = None,
        chores: Callable[[Connection], None] | None = None,
        tally: DeliveryTally | None = None,
    ) -> None:
        self._channels = channels
        self._find_endpoint = find_endpoint
        self._name = name
        self._settings = settings or DrainSettings()
        self._claiming, self._recording = Session(connect), Session(connect)
        self._heart_session = Session(connect)
        self._chores, self._chores_session = chores, Session(connect)
        self._tally = tally
        self._threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="doclife drain")
        self._lanes = Lanes()
        self._patience = Patience()
        self._ledger = Ledger(chance=chance)
        self._calls: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._hints: dict[int, datetime] = {}
        self._full: set[str | int] = set()
        self._goes_on = True
        self._is_over = asyncio.Event()
        self._outcome = Drained()

    async def run(self) -> Drained:
        """Drain until nothing has been due for a while, the time is over, or all is halted."""
        with collecting_rarely():
            return await self._run()

    async def _run(self) -> Drained:
        lease = self._settings.lease_seconds
        worker_id = await self._on(
            self._claiming,
            lambda conn: queue.start_worker(conn, name=self._name, lease_seconds=lease),
        )
        heart = Heart(self._heart_session, worker_id=worker_id, lease_seconds=lease)
        heart.start()
        recorder = asyncio.create_task(self._keep_recording())
        chores = asyncio.create_task(self._keep_doing_chores(heart))
        try:
            try:
                await self._claim_and_send(worker_id, heart, recorder)
            finally:
                self._goes_on = False
            if self._calls:
                await asyncio.wait(self._calls)
        finally:
            self._is_over.set()
            try:
                await chores
                await recorder
                await self._on(
                    self._claiming, lambda conn: queue.end_worker(conn, worker_id=worker_id)
                )
            finally:
                await asyncio.to_thread(heart.stop)
                self._threads.shutdown()
                self._claiming.close()
                self._recording.close()
                self._chores_session.close()
        self._outcome.rescued = heart.rescued
        self._outcome.halt_reason = heart.halt_reason
        return self._outcome

    async def _claim_and_send(
        self, worker_id: int, heart: Heart, recorder: asyncio.Task[None]
    ) -> None:
        settings = self._settings
        started = busy = scanned = time.monotonic()
        ahead: list[ClaimedJob] = []
        while not recorder.done():
            now = time.monotonic()
            if heart.is_lost or heart.halt_reason or now - started >= settings.most_seconds:
                break
            # One batch more than the lanes are begun with: a claim must not be waited for.
            if not ahead and self._lanes.waiting < 2 * settings.batch_size:
                if now - scanned > FULL_SCAN_SECONDS:
                    # What was rescued or dated back lies before the hints.
                    self._hints.clear()
                    self._lanes.forget_the_last_second()
                    scanned = now
                ahead = await self._claim(worker_id)
            if ahead and self._lanes.waiting < settings.batch_size:
                await self._begin(ahead)
                ahead = []
            self._send()
            if self._calls or self._ledger.has_open_batches:
                busy = time.monotonic()
            elif not self._full and time.monotonic() - busy >= settings.linger_seconds:
                break
            await self._pause()

    async def _pause(self) -> None:
        """Wait for a result or, when there is nothing to wait for, a moment."""
        self._wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout=IDLE_SECONDS)

    async def _claim(self, worker_id: int) -> list[ClaimedJob]:
        full = self._lanes.full_kinds | self._lanes.full_endpoints
        if self._full - full:
            self._hints.clear()  # what was passed over lies before them
        self._full = full
        kinds = set(self._channels) - self._lanes.full_kinds - set(self._ledger.stopped_kinds)
        jobs = await self._on(
            self._claiming,
            lambda conn: queue.claim(
                conn,
                worker_id=worker_id,
                size=self._settings.batch_size,
                kinds=sorted(kinds),
                full_endpoints=sorted(self._lanes.full_endpoints),
                hints=self._hints,
            ),
        )
        for job in jobs:
            self._hints[job.priority] = max(job.run_at, self._hints.get(job.priority, job.run_at))
        return jobs

    async def _begin(self, jobs: list[ClaimedJob]) -> None:
        """Put a claimed batch into the lanes; from here on it counts as tried."""
        batch_id = jobs[0].batch_id
        wanted = {job.endpoint_id for job in jobs if job.endpoint_id is not None}

        def begin(conn: Connection) -> list[EndpointRow] | None:
            if not queue.begin_batch(conn, batch_id):
                return None
            return queue.list_endpoints(conn, wanted) if wanted else []

        rows = await self._on(self._claiming, begin)
        if rows is None:
            return
        found = await asyncio.to_thread(lambda: [self._find_endpoint(row) for row in rows])
        self._ledger.open(jobs)
        self._lanes.add(jobs, {endpoint.id: endpoint for endpoint in found})

    def _send(self) -> None:
        for lane in self._lanes.ready():
            lane.running += 1
            call = asyncio.create_task(self._call(lane, lane.next_group()))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _call(self, lane: Lane, jobs: list[ClaimedJob]) -> None:
        """Give a lane's jobs to its channel, group after group while there are more."""
        task = asyncio.current_task()
        assert task is not None
        try:
            while jobs:
                await self._deliver(lane, jobs, task)
                if len(lane.waiting) < self._settings.batch_size:
                    self._wake.set()
                goes_on = self._goes_on and lane.running <= lane.side_by_side
                jobs = lane.next_group() if goes_on else []
        finally:
            lane.running -= 1
            self._wake.set()

    async def _deliver(self, lane: Lane, jobs: list[ClaimedJob], task: asyncio.Task[None]) -> None:
        messages = [message_of(job, lane.endpoint) for job in jobs]
        channel = self._channels[lane.kind]
        attempts = await self._patience.attempts_at(messages, channel=channel, task=task)
        lane.done_lately += len(jobs)
        for job, attempt in zip(jobs, attempts, strict=True):
            self._take(job, attempt)

    def _take(self, job: ClaimedJob, attempt: Attempt) -> None:
        """Keep a result until it is recorded, and free what waits for the same in vain."""
        if attempt.stops_channel:
            self._ledger.stop(job.kind, attempt)
            self._ledger.free([job, *self._lanes.drop(job.kind, None)])
            return
        if not attempt.was_tried:
            self._ledger.put_off(job, attempt)
            if job.endpoint_id is not None:
                self._ledger.free(self._lanes.drop(job.kind, job.endpoint_id))
            return
        if self._tally is not None:
            self._tally.add(job.kind, attempt)
        if attempt.disables_endpoint:
            self._ledger.free(self._lanes.drop(job.kind, job.endpoint_id))
        self._ledger.keep(job, attempt)

    async def _keep_recording(self) -> None:
        """Record what has come in, every few hundredths of a second, until all is over."""
        while True:
            is_last = self._is_over.is_set()
            await self._record()
            self._patience.look()
            if is_last and not self._ledger.has_unrecorded:
                return
            await self._until_over(self._settings.flush_seconds)

    async def _keep_doing_chores(self, heart: Heart) -> None:
        while self._chores is not None and not self._is_over.is_set() and heart.halt_reason is None:
            try:
                await self._on(self._chores_session, self._chores)
            except Exception:
                # They have tasks of their own, which fail for all to see.
                logger.exception("Events and schedules are left to their own tasks")
                return
            await self._until_over(CHORES_SECONDS)

    async def _until_over(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_over.wait(), timeout=seconds)

    async def _record(self) -> None:
        page = self._ledger.turn()
        if page:
            self._count(page, await self._on(self._recording, page.record))
            self._wake.set()

    def _count(self, page: Page, recorded: Sequence[Recorded]) -> None:
        states = {each.job_id: each.state for each in recorded}
        counts = Counter(states.values())
        self._outcome.sent += counts["completed"]
        self._outcome.retried += counts["pending"]
        self._outcome.failed += counts["failed"]
        self._outcome.late += len(page.results) - len(states)
        if counts["pending"]:
            for job, _result in page.results:
                if states.get(job.job_id) == "pending":
                    self._ledger.free_again(job)

    async def _on(self, session: Session, work: Callable[[Connection], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, session.run, work)
