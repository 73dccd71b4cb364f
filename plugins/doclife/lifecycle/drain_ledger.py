"""What came of leased jobs until it is recorded, and which leases have more to come."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle.drain_lanes import result_of
from doclife.lifecycle.drain_troubles import note_endpoints, put_off_of, stop_channels
from doclife.store import queue
from doclife.store.connection import Connection
from doclife.store.queue import ClaimedJob, PutOff, Result


@dataclass(kw_only=True)
class _Batch:
    """A lease with what is still to come of it."""

    open_jobs: set[int]
    waiting_again: list[int] = field(default_factory=list)
    """Recorded for another attempt, and not let go of yet."""


@dataclass(kw_only=True)
class Page:
    """What came in since the page before, recorded at once."""

    results: list[tuple[ClaimedJob, Result]] = field(default_factory=list)
    put_offs: list[PutOff] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    """Batches of which nothing more is to come."""
    freed: dict[int, list[int]] = field(default_factory=dict)
    """Jobs to let go of, by batch: others may have them though the batch goes on."""
    answers: dict[int, list[Attempt]] = field(default_factory=dict)
    """By endpoint."""
    stopped: dict[str, str] = field(default_factory=dict)
    """Why a kind of job waits."""
    working: set[str] = field(default_factory=set)
    """Kinds of which one was sent."""

    def __bool__(self) -> bool:
        """Whether there is anything on it."""
        return bool(
            self.results
            or self.put_offs
            or self.closed
            or self.freed
            or self.answers
            or self.stopped
        )

    def record(self, conn: Connection) -> Sequence[queue.Recorded]:
        """Record it, and return the results that counted; a second call changes nothing."""
        if self.stopped:
            stop_channels(conn, self.stopped)
        if self.working:
            queue.resume_channels(conn, self.working)
        if self.answers:
            note_endpoints(conn, self.answers)
        if self.put_offs:
            queue.put_off(conn, self.put_offs)
        for batch_id, job_ids in self.freed.items():
            queue.release(conn, batch_id=batch_id, job_ids=job_ids)
        results = [result for _, result in self.results]
        return queue.record(conn, results, closed_batches=self.closed)


class Ledger:
    """Keeps what came of jobs, page by page.

    :param chance: draws from 0 to 1, for the waits between attempts.
    """

    def __init__(self, *, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._batches: dict[int, _Batch] = {}
        self._page = Page()

    @property
    def has_open_batches(self) -> bool:
        """Whether something is still to come of what was leased."""
        return bool(self._batches)

    @property
    def has_unrecorded(self) -> bool:
        """Whether results, or the end of a batch, wait for the next page."""
        return bool(self._page.results or self._page.put_offs or self._page.closed)

    @property
    def stopped_kinds(self) -> Collection[str]:
        """Kinds that were refused as a whole, which is not recorded yet."""
        return self._page.stopped.keys()

    def open(self, jobs: Sequence[ClaimedJob]) -> None:
        """Begin a batch."""
        self._batches[jobs[0].batch_id] = _Batch(open_jobs={job.job_id for job in jobs})

    def stop(self, kind: str, attempt: Attempt) -> None:
        """Let a kind of job wait, of which the far side refused our credentials."""
        self._page.stopped[kind] = attempt.error or "its credentials were refused"

    def keep(self, job: ClaimedJob, attempt: Attempt) -> None:
        """Keep what a try of a job brought."""
        outcome = attempt.outcome
        if outcome is Outcome.SENT:
            self._page.working.add(job.kind)
        if job.endpoint_id is not None:
            self._page.answers.setdefault(job.endpoint_id, []).append(attempt)
            if attempt.disables_endpoint and outcome is Outcome.DEAD:
                outcome = Outcome.RETRY  # it waits until somebody enables the endpoint
        result = result_of(job, attempt, outcome=outcome, chance=self._chance())
        self._page.results.append((job, result))
        self._close(job)

    def put_off(self, job: ClaimedJob, attempt: Attempt) -> None:
        """Let a job wait that was not tried, which costs it no attempt.

        An endpoint is left alone with all its jobs; where there is none, each waits by itself.
        """
        if job.endpoint_id is None:
            self._page.put_offs.append(put_off_of(job, attempt, chance=self._chance()))
        else:
            self._page.answers.setdefault(job.endpoint_id, []).append(attempt)
        self.free([job])

    def free(self, jobs: Sequence[ClaimedJob]) -> None:
        """Let go of jobs that were not tried."""
        for job in jobs:
            self._batches[job.batch_id].waiting_again.append(job.job_id)
            self._close(job)

    def turn(self) -> Page:
        """Take off the page, and begin a new one."""
        page, self._page = self._page, Page()
        for batch_id, batch in self._batches.items():
            if batch.waiting_again:
                page.freed[batch_id], batch.waiting_again = batch.waiting_again, []
        return page

    def free_again(self, job: ClaimedJob) -> None:
        """Let go of a job that was recorded for another attempt, though its batch goes on.

        Others may have it as soon as its time has come.
        """
        if job.batch_id in self._batches:
            self._batches[job.batch_id].waiting_again.append(job.job_id)

    def _close(self, job: ClaimedJob) -> None:
        batch = self._batches[job.batch_id]
        batch.open_jobs.discard(job.job_id)
        if not batch.open_jobs:
            del self._batches[job.batch_id]
            self._page.closed.append(job.batch_id)
