"""Jobs in memory, each in the lane of its receiver, so that none waits behind another's trouble."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from doclife.delivery.channel import Endpoint, Message
from doclife.delivery.outcome import Attempt, Outcome
from doclife.domain.backoff import retry_delay
from doclife.store.queue import ClaimedJob, Result

TIMEOUTS: Mapping[str, timedelta] = {
    "email": timedelta(minutes=2),
    "archive": timedelta(hours=1),
    "delete": timedelta(hours=1),
    "report": timedelta(minutes=10),
}
DEFAULT_TIMEOUT = timedelta(seconds=30)
GROUP_SIZES: Mapping[str, int] = {"webhook": 1, "slack": 1, "email": 100, "report": 1}
"""How many jobs a channel is given in one call: calls of webhooks are independent of each other,
mails share a connection, and what becomes one plan belongs together."""
GROUP_SIZE = 500
SIDE_BY_SIDE: Mapping[str, int] = {"slack": 4, "email": 4}
"""How many calls of a channel go at once; an endpoint says its own."""
FULL = 100
"""A lane that waits with more than this, and than it does in a second, is not given more."""


@dataclass(kw_only=True)
class Lane:
    """The jobs of one kind, or of one endpoint."""

    kind: str
    endpoint: Endpoint | None
    waiting: deque[ClaimedJob] = field(default_factory=deque)
    running: int = 0
    """Calls of the channel that have not returned."""
    done_lately: int = 0
    """Results in about the last second."""
    done_before: int = 0
    """The same of the second before: at its beginning nobody knows how fast a lane is."""

    @property
    def is_full(self) -> bool:
        """Whether claiming more for it would only fill memory."""
        return len(self.waiting) > max(FULL, self.done_lately, self.done_before)

    @property
    def side_by_side(self) -> int:
        """How many calls may run at once."""
        if self.endpoint is not None:
            return self.endpoint.max_concurrency
        return SIDE_BY_SIDE.get(self.kind, 1)

    def next_group(self) -> list[ClaimedJob]:
        """Take the jobs of the next call."""
        size = min(len(self.waiting), GROUP_SIZES.get(self.kind, GROUP_SIZE))
        return [self.waiting.popleft() for _ in range(size)]


class Lanes:
    """Every lane that has had work."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, int | None], Lane] = {}

    def add(self, jobs: Iterable[ClaimedJob], endpoints: Mapping[int, Endpoint]) -> None:
        """Put jobs into their lanes; what an endpoint says of itself is renewed."""
        for job in jobs:
            key = (job.kind, job.endpoint_id)
            endpoint = endpoints.get(job.endpoint_id) if job.endpoint_id is not None else None
            lane = self._lanes.setdefault(key, Lane(kind=job.kind, endpoint=endpoint))
            lane.endpoint = endpoint
            lane.waiting.append(job)

    def ready(self) -> Iterator[Lane]:
        """The lanes that can begin another call."""
        for lane in self._lanes.values():
            while lane.waiting and lane.running < lane.side_by_side:
                yield lane

    def drop(self, kind: str, endpoint_id: int | None) -> list[ClaimedJob]:
        """Take out what waits for one receiver, untried."""
        lane = self._lanes.get((kind, endpoint_id))
        if lane is None:
            return []
        dropped = list(lane.waiting)
        lane.waiting.clear()
        return dropped

    def forget_the_last_second(self) -> None:
        """Count anew how much each lane does in a second."""
        for lane in self._lanes.values():
            lane.done_before, lane.done_lately = lane.done_lately, 0

    @property
    def waiting(self) -> int:
        """Jobs that no channel has been given yet, in lanes that are not full."""
        return sum(len(lane.waiting) for lane in self._lanes.values() if not lane.is_full)

    @property
    def full_endpoints(self) -> set[int]:
        """Endpoints that have enough waiting."""
        return {
            lane.endpoint.id
            for lane in self._lanes.values()
            if lane.endpoint is not None and lane.is_full
        }

    @property
    def full_kinds(self) -> set[str]:
        """Kinds without endpoints that have enough waiting."""
        return {
            lane.kind for lane in self._lanes.values() if lane.endpoint is None and lane.is_full
        }


def message_of(job: ClaimedJob, endpoint: Endpoint | None) -> Message:
    """Return a job as its channel wants it."""
    if job.timeout_seconds is not None:
        timeout = timedelta(seconds=job.timeout_seconds)
    elif endpoint is not None:
        timeout = endpoint.timeout
    else:
        timeout = TIMEOUTS.get(job.kind, DEFAULT_TIMEOUT)
    return Message(
        job_id=job.job_id,
        kind=job.kind,
        stored=job.payload,
        organization=job.organization,
        endpoint=endpoint,
        attempt=job.attempts + 1,
        timeout=timeout,
    )


def result_of(job: ClaimedJob, attempt: Attempt, *, outcome: Outcome, chance: float) -> Result:
    """Return an attempt at a job as it is recorded.

    :param outcome: what it counts as.
    :param chance: drawn from 0 to 1, for the wait until the next attempt.
    """
    delay_seconds = 0.0
    if outcome in (Outcome.RETRY, Outcome.UNKNOWN):
        delay_seconds = retry_delay(
            job.kind, attempt=job.attempts + 1, chance=chance, retry_after=attempt.retry_after
        ).total_seconds()
    return Result(
        batch_id=job.batch_id,
        job_id=job.job_id,
        attempt=job.attempts + 1,
        outcome=outcome.value,
        status_code=attempt.status_code,
        latency_ms=attempt.latency_ms,
        answer_head=attempt.answer_head,
        error=attempt.error,
        delay_seconds=delay_seconds,
    )
