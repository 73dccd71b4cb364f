"""The queue for Python: add, get, pending, claim, complete, fail, cancel, retry, stats; rescue.

``doclife.lifecycle.draining`` is what normally claims and completes; these verbs are for work of
one's own. It all stops and starts with the halt switch (``doclife.lifecycle.halting``). What else
people ask about jobs is in ``doclife.lifecycle.jobs``.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from doclife.domain.backoff import retry_delay
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.jobs import JobStory, count_jobs, tell_job
from doclife.store import audit, clock, job_reports, organizations, queue
from doclife.store.connection import Connection
from doclife.store.queue import ClaimedJob, Recorded, Result

KINDS = ("email", "webhook", "slack", "archive", "delete", "notification", "report")
"""What a worker can take."""
CHANGING = ("archive", "delete")
"""Those that change documents: whoever starts one must be allowed to run rules."""
LEASE_SECONDS = 20
"""A worker beats four times in this; rescue comes within two of them."""
MAX_RETRIES = 100_000
_write = msgspec.json.Encoder().encode


def add(
    conn: Connection,
    *,
    kind: str,
    payload: Mapping[str, Any],
    requested_by: str,
    organization: str = "default",
    run_at: datetime | None = None,
    priority: int = 100,
    unique_key: str | None = None,
    max_attempts: int | None = None,
    timeout_seconds: int | None = None,
) -> int:
    """Store a job and return its id; the first job's while the unique key is taken.

    :param run_at: aware; not before. None for now.
    :param priority: lower first.
    :param unique_key: taken for 30 days, also when the job is long done.
    :param max_attempts: None for 10 for webhooks, 3 for the rest.
    :raises ConfigurationError: the kind is unknown, or the payload is not what the kind takes.
    """
    return add_many(
        conn,
        kind=kind,
        payloads=[payload],
        unique_keys=[unique_key],
        requested_by=requested_by,
        organization=organization,
        run_at=run_at,
        priority=priority,
        max_attempts=max_attempts,
        timeout_seconds=timeout_seconds,
    )[0]


def add_many(
    conn: Connection,
    *,
    kind: str,
    payloads: Sequence[Mapping[str, Any]],
    requested_by: str,
    unique_keys: Sequence[str | None] | None = None,
    organization: str = "default",
    run_at: datetime | None = None,
    priority: int = 100,
    max_attempts: int | None = None,
    timeout_seconds: int | None = None,
) -> list[int]:
    """Store jobs of one kind in one statement, all or none; return their ids in this order."""
    tenant = organizations.find(conn, organization)
    try:
        return queue.enqueue(
            conn,
            organization_id=tenant.id,
            kind=kind,
            payloads=[_to_json(payload) for payload in payloads],
            unique_keys=unique_keys,
            run_at=run_at,
            priority=priority,
            max_attempts=max_attempts,
            timeout_seconds=timeout_seconds,
            requested_by=requested_by,
        )
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.CheckViolation) as error:
        message = error.diag.message_primary
        if error.diag.constraint_name == "a_job_has_a_known_kind":
            message = f"{kind!r} is no kind of job; there are {', '.join(KINDS)}"
        raise ConfigurationError(f"{message}. See docs/queue.md.") from error


def _to_json(payload: Mapping[str, Any]) -> str:
    """Return a payload as it is stored; a third of the time that ``json`` takes."""
    try:
        text = _write(payload).decode()
        if "null" in text:
            # It writes null where a number is none, and nobody would know.
            json.dumps(payload, allow_nan=False, default=str)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigurationError(f"the payload is no JSON: {error}") from None
    return text


def claim(
    conn: Connection, *, worker_id: int, size: int, kinds: Sequence[str] = KINDS
) -> list[ClaimedJob]:
    """Lease the next jobs to a worker (``store.queue.start_worker``), ready to be tried.

    The lease lasts as long as the worker beats. Empty when nothing is due, or all is halted.
    """
    with conn.transaction():
        claimed = queue.claim(conn, worker_id=worker_id, size=size, kinds=kinds)
        if claimed:
            queue.begin_batch(conn, claimed[0].batch_id)
    return claimed


def complete(conn: Connection, jobs: Sequence[ClaimedJob]) -> list[Recorded]:
    """Record that jobs were done; returns those of which the worker still had the lease."""
    return queue.record(conn, [_result(job, outcome="sent", error=None) for job in jobs])


def fail(
    conn: Connection, job: ClaimedJob, *, error: str, chance: float, can_retry: bool = True
) -> list[Recorded]:
    """Record that a job was not done; it waits for its next attempt, or is given up.

    :param chance: drawn from 0 to 1, for the wait (``domain.backoff``).
    """
    outcome = "retry" if can_retry else "dead"
    delay = retry_delay(job.kind, attempt=job.attempts + 1, chance=chance).total_seconds()
    return queue.record(conn, [_result(job, outcome=outcome, error=error, delay_seconds=delay)])


def _result(
    job: ClaimedJob, *, outcome: str, error: str | None, delay_seconds: float = 0.0
) -> Result:
    return Result(
        batch_id=job.batch_id,
        job_id=job.job_id,
        attempt=job.attempts + 1,
        outcome=outcome,
        status_code=None,
        latency_ms=0,
        answer_head=None,
        error=error,
        delay_seconds=delay_seconds,
    )


def cancel_job(conn: Connection, *, job_id: int, reason: str, actor: str, now: datetime) -> None:
    """Cancel a job before anybody sends it; it is kept whole and can be retried.

    :raises RefusedError: it is being sent, or it has ended.
    """
    with conn.transaction():
        if not queue.cancel(conn, job_id=job_id, reason=f"{reason} ({actor})"):
            raise RefusedError(
                f"job {job_id} was not cancelled: it is being sent at this moment, or has ended. "
                f"See: doclife jobs show {job_id}"
            )
        _record_deed(conn, action="job.cancelled", ids=[job_id], actor=actor, now=now, why=reason)


def cancel_jobs(
    conn: Connection,
    *,
    organization: str,
    actor: str,
    now: datetime,
    reason: str,
    job_ids: Sequence[int] | None = None,
    kind: str | None = None,
    endpoint: str | None = None,
    words: str | None = None,
    error: str | None = None,
) -> list[int]:
    """Cancel waiting jobs of an organization, and return their ids; each can be retried.

    What is being sent at this moment is left alone. A second call finds nothing more to cancel.

    :param job_ids: only these; None for all that the rest describes, as ``jobs.list_jobs`` finds
        them.
    """
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        cancelled = queue.cancel_all(
            conn,
            organization=tenant.slug,
            job_ids=job_ids,
            kind=kind,
            endpoint=endpoint,
            words=words,
            error=error,
            reason=f"{reason} ({actor})",
            size=MAX_RETRIES,
        )
        if cancelled:
            _record_deed(
                conn,
                action="job.cancelled",
                ids=cancelled,
                actor=actor,
                now=now,
                why=reason,
                organization=tenant.slug,
            )
    return cancelled


def retry_jobs(
    conn: Connection,
    *,
    actor: str,
    now: datetime,
    reason: str,
    organization: str | None = None,
    job_ids: Sequence[int] | None = None,
    kind: str | None = None,
    without: Sequence[str] = (),
    endpoint: str | None = None,
    words: str | None = None,
    error: str | None = None,
    failed_since: datetime | None = None,
    states: Sequence[str] = ("failed",),
) -> list[int]:
    """Let given-up jobs be tried again, from their first attempt on; return their ids.

    A second call finds them no longer given up, and retries nothing.

    :param job_ids: only these; None for all that the rest describes, as ``jobs.list_jobs`` finds
        them.
    :param without: none of these kinds, whatever else is described.
    """
    if organization is not None:
        organizations.find(conn, organization)
    with conn.transaction():
        retried = queue.retry(
            conn,
            organization=organization,
            job_ids=job_ids,
            kind=kind,
            without=without,
            endpoint=endpoint,
            words=words,
            error=error,
            failed_since=failed_since,
            states=states,
            size=MAX_RETRIES,
        )
        if retried:
            _record_deed(
                conn,
                action="job.retried",
                ids=retried,
                actor=actor,
                now=now,
                why=reason,
                organization=organization or "default",
            )
    return retried


def get(conn: Connection, *, job_id: int) -> JobStory:
    """Return a job with what it carries, its state and every attempt.

    :raises ConfigurationError: there is none of that number.
    """
    return tell_job(conn, job_id=job_id, now=clock.present(conn))


def pending(
    conn: Connection, *, organization: str | None = None, kind: str | None = None, size: int = 50
) -> list[dict[str, Any]]:
    """Return the next jobs in the order of their turn, without those that are being sent."""
    if organization is not None:
        organizations.find(conn, organization)
    return job_reports.list_pending(conn, organization=organization, kind=kind, size=size)


def stats(conn: Connection, *, organization: str | None = None) -> list[dict[str, Any]]:
    """Return how many jobs there are of each kind and state; completed ones of the last 7 days."""
    return count_jobs(conn, now=clock.present(conn), organization=organization)


def _record_deed(
    conn: Connection,
    *,
    action: str,
    ids: Sequence[int],
    actor: str,
    now: datetime,
    why: str,
    organization: str = "default",
) -> None:
    audit.record(
        conn,
        organization_id=organizations.find(conn, organization).id,
        at=now,
        actor=actor,
        action=action,
        reason=why,
        details={"jobs": len(ids), "job_ids": list(ids[:100])},
    )


class LeaseWatch:
    """Finds dead workers by watching their beats, not by the clock that is written in a row.

    A worker is dead when its lease has run out and it has not beaten for half a lease while we
    watched, or when it has not beaten for more than a lease, whatever the clocks say.
    """

    def __init__(self, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self._seen: dict[int, tuple[int, float]] = {}

    def dead(self, workers: Sequence[queue.Worker], *, elapsed: float) -> dict[int, int]:
        """Return the beats of each dead worker by its id.

        :param elapsed: seconds on a clock that never jumps (``time.monotonic``).
        """
        known, self._seen = self._seen, {}
        dead = {}
        for worker in workers:
            beats, since = known.get(worker.worker_id, (-1, elapsed))
            since = since if beats == worker.beats else elapsed
            self._seen[worker.worker_id] = (worker.beats, since)
            silent = elapsed - since
            limit = self.lease_seconds * (0.5 if worker.is_expired else 1.25)
            if silent >= limit:
                dead[worker.worker_id] = worker.beats
        return dead


def rescue_dead(conn: Connection, watch: LeaseWatch, *, elapsed: float) -> list[Recorded]:
    """Free what dead workers held; return the jobs of which it is not known whether they left."""
    dead = watch.dead(queue.list_workers(conn), elapsed=elapsed)
    return queue.rescue(conn, dead) if dead else []
