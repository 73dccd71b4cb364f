"""Runs the queue: enters jobs, leases them in batches, records what became of them.

Leases and turns are by the database's clock alone: workers on several machines share them, and
none of them is asked what time it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_structs, fetch_value
from doclife.store.sql import statement


class ClaimedJob(Struct, frozen=True):
    """One job of a batch that is leased; its fields are the columns of ``queue/claim``."""

    batch_id: int
    job_id: int
    organization_id: int
    organization: str
    kind: str
    payload: str
    """JSON, as it was stored."""
    endpoint_id: int | None
    attempts: int
    """How many were made before."""
    timeout_seconds: int | None
    priority: int
    run_at: datetime


class Result(Struct, frozen=True, kw_only=True):
    """What became of one attempt."""

    batch_id: int
    job_id: int
    attempt: int
    """1 the first time."""
    outcome: str
    """``sent``, ``retry``, ``dead`` or ``unknown``."""
    status_code: int | None
    latency_ms: int
    answer_head: str | None
    error: str | None
    delay_seconds: float
    """How long until the next attempt, if there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A process that claims jobs, as the others see it."""

    worker_id: int
    name: str
    beats: int
    is_expired: bool


class Recorded(Struct, frozen=True):
    """Where a job is after its attempt was recorded."""

    job_id: int
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointRow:
    """A webhook endpoint as it is stored; its secrets are elsewhere."""

    endpoint_id: int
    organization_id: int
    name: str
    url: str
    connection_id: str | None
    headers: dict[str, str]
    timeout_seconds: int
    max_concurrency: int
    max_per_second: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointAnswers:
    """What one endpoint answered in a short while."""

    endpoint_id: int
    has_success: bool
    has_failure: bool
    refusal: str | None
    """Why it is to be disabled at once, or None."""
    rest_seconds: float | None = None
    """How long it is to be left alone at least; None: not at all."""
    rest_reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PutOff:
    """A leased job that was not tried, and is to have its turn later."""

    batch_id: int
    job_id: int
    delay_seconds: float
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisabledEndpoint:
    """An endpoint that was disabled just now."""

    name: str
    organization_id: int
    reason: str


def enqueue(
    conn: Connection,
    *,
    organization_id: int,
    kind: str,
    payloads: Sequence[str],
    unique_keys: Sequence[str | None] | None,
    run_at: datetime | None,
    priority: int,
    max_attempts: int | None,
    timeout_seconds: int | None,
    requested_by: str,
) -> list[int]:
    """Store jobs of one kind, all or none; return their ids in the order given."""
    found: list[int] = fetch_value(
        conn,
        statement("queue/enqueue"),
        {
            "organization_id": organization_id,
            "kind": kind,
            "payloads": list(payloads),
            "unique_keys": None if unique_keys is None else list(unique_keys),
            "run_at": run_at,
            "priority": priority,
            "max_attempts": max_attempts,
            "timeout_seconds": timeout_seconds,
            "requested_by": requested_by,
        },
    )
    return found


def start_worker(conn: Connection, *, name: str, lease_seconds: int) -> int:
    """Enter a process that will claim jobs."""
    parameters = {"name": name, "lease_seconds": lease_seconds}
    return int(fetch_value(conn, statement("queue/start_worker"), parameters))


def beat(conn: Connection, *, worker_id: int, lease_seconds: int) -> tuple[bool, str | None]:
    """Say that a worker lives; return whether it is still believed, and why all is halted."""
    parameters = {"worker_id": worker_id, "lease_seconds": lease_seconds}
    rows = conn.execute(statement("queue/beat"), parameters).fetchall()
    return (True, rows[0][0]) if rows else (False, None)


def list_workers(conn: Connection) -> list[Worker]:
    """Return every worker that has not ended in order."""
    return fetch_rows(conn, statement("queue/list_workers"), {}, Worker)


def end_worker(conn: Connection, *, worker_id: int) -> None:
    """Take a worker off the list; what it still leases is free and counts as not tried."""
    conn.execute(statement("queue/end_worker"), {"worker_id": worker_id})


def claim(
    conn: Connection,
    *,
    worker_id: int,
    size: int,
    kinds: Sequence[str],
    full_endpoints: Sequence[int] = (),
    hints: Mapping[int, datetime] | None = None,
) -> list[ClaimedJob]:
    """Lease the next jobs; none when there are none, or while all is halted."""
    hints = hints or {}
    return fetch_structs(
        conn,
        statement("queue/claim"),
        {
            "worker_id": worker_id,
            "size": size,
            "kinds": list(kinds),
            "full_endpoints": list(full_endpoints),
            "hint_priorities": list(hints),
            "hint_run_ats": list(hints.values()),
        },
        ClaimedJob,
    )


def begin_batch(conn: Connection, batch_id: int) -> bool:
    """Note that sending begins; False when the lease is gone, or all is halted."""
    return fetch_value(conn, statement("queue/begin_batch"), {"batch_id": batch_id}) is not None


def release(conn: Connection, *, batch_id: int, job_ids: Sequence[int]) -> None:
    """Give back jobs that were not tried."""
    conn.execute(statement("queue/release"), {"batch_id": batch_id, "job_ids": list(job_ids)})


def put_off(conn: Connection, jobs: Sequence[PutOff]) -> None:
    """Let leased jobs have their turn later; they cost no attempt."""
    conn.execute(
        statement("queue/put_off"),
        {
            "batch_ids": [job.batch_id for job in jobs],
            "job_ids": [job.job_id for job in jobs],
            "delays": [job.delay_seconds for job in jobs],
            "reasons": [job.reason for job in jobs],
        },
    )


def record(
    conn: Connection, results: Sequence[Result], *, closed_batches: Sequence[int] = ()
) -> list[Recorded]:
    """Record results, and close batches of which none is to come; return those that counted."""
    return fetch_structs(
        conn,
        statement("queue/record"),
        {
            "batch_ids": [result.batch_id for result in results],
            "job_ids": [result.job_id for result in results],
            "attempts": [result.attempt for result in results],
            "outcomes": [result.outcome for result in results],
            "status_codes": [result.status_code for result in results],
            "latencies": [result.latency_ms for result in results],
            "answer_heads": [result.answer_head for result in results],
            "errors": [result.error for result in results],
            "delays": [result.delay_seconds for result in results],
            "closed_batches": list(closed_batches),
        },
        Recorded,
    )


def rescue(conn: Connection, dead: Mapping[int, int]) -> list[Recorded]:
    """Take away what dead workers leased.

    :param dead: their beats by id, as they were when each was found dead.
    """
    parameters = {"worker_ids": list(dead), "beats": list(dead.values())}
    with conn.transaction():
        rescued = fetch_rows(conn, statement("queue/rescue"), parameters, Recorded)
        conn.execute(statement("queue/end_dead_workers"), parameters)
    return rescued


def stop_channel(conn: Connection, *, kind: str, reason: str, seconds: int) -> bool:
    """Let a channel's jobs wait for a while; return whether it was not stopped before."""
    parameters = {"kind": kind, "reason": reason, "seconds": seconds}
    return bool(fetch_value(conn, statement("queue/stop_channel"), parameters))


def resume_channels(conn: Connection, kinds: Collection[str]) -> None:
    """Take channels that work off the list of the stopped."""
    conn.execute(statement("queue/resume_channels"), {"kinds": list(kinds)})


def list_endpoints(conn: Connection, endpoint_ids: Collection[int]) -> list[EndpointRow]:
    """Return where the calls of some jobs go."""
    parameters = {"endpoint_ids": list(endpoint_ids)}
    return fetch_rows(conn, statement("queue/list_endpoints"), parameters, EndpointRow)


def note_endpoints(
    conn: Connection, answers: Sequence[EndpointAnswers], *, patience_seconds: int
) -> list[DisabledEndpoint]:
    """Keep what endpoints answered; return those that were disabled for it."""
    return fetch_rows(
        conn,
        statement("queue/note_endpoints"),
        {
            "endpoint_ids": [each.endpoint_id for each in answers],
            "successes": [each.has_success for each in answers],
            "failures": [each.has_failure for each in answers],
            "refusals": [each.refusal for each in answers],
            "rest_seconds": [each.rest_seconds for each in answers],
            "rest_reasons": [each.rest_reason for each in answers],
            "patience_seconds": patience_seconds,
        },
        DisabledEndpoint,
    )


def cancel(conn: Connection, *, job_id: int, reason: str) -> bool:
    """Cancel a job that nobody has begun to send; return whether it was."""
    parameters = {"job_id": job_id, "reason": reason}
    return bool(fetch_value(conn, statement("queue/cancel"), parameters))


def cancel_all(
    conn: Connection,
    *,
    organization: str,
    job_ids: Sequence[int] | None,
    kind: str | None,
    endpoint: str | None,
    words: str | None,
    error: str | None,
    reason: str,
    size: int,
) -> list[int]:
    """Cancel the jobs described that nobody has begun to send; return their ids."""
    rows = fetch_dicts(
        conn,
        statement("queue/cancel_all"),
        {
            "organization": organization,
            "job_ids": None if job_ids is None else list(job_ids),
            "kind": kind,
            "endpoint": endpoint,
            "words": words,
            "error": error,
            "reason": reason,
            "size": size,
        },
    )
    return [_id(row) for row in rows]


def retry(
    conn: Connection,
    *,
    organization: str | None,
    job_ids: Sequence[int] | None,
    kind: str | None,
    without: Sequence[str],
    endpoint: str | None,
    words: str | None,
    error: str | None,
    failed_since: datetime | None,
    states: Sequence[str],
    size: int,
) -> list[int]:
    """Let failed or cancelled jobs be tried again; return their ids."""
    rows = fetch_dicts(
        conn,
        statement("queue/retry"),
        {
            "organization": organization,
            "job_ids": None if job_ids is None else list(job_ids),
            "kind": kind,
            "without": list(without),
            "endpoint": endpoint,
            "words": words,
            "error": error,
            "failed_since": failed_since,
            "states": list(states),
            "size": size,
        },
    )
    return [_id(row) for row in rows]


def give_up_strays(conn: Connection) -> int:
    """Give up calls whose endpoint was removed while they were being stored; return how many."""
    return int(fetch_value(conn, statement("queue/give_up_strays"), {}))


def _id(row: Mapping[str, Any]) -> int:
    return int(row["id"])
