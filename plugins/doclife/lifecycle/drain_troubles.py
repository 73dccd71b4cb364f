"""What a drain makes of channels that break, and writes down of those that refuse everything."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from doclife.delivery.channel import Channel, Message
from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle.alerting import alert_operators
from doclife.lifecycle.log_fields import log_fields
from doclife.store import clock, queue
from doclife.store.connection import Connection
from doclife.store.queue import ClaimedJob, EndpointAnswers, PutOff

logger = logging.getLogger(__name__)

CALL_GRACE_SECONDS = 60.0
"""A channel that has not returned so long after its messages' time-out never will."""
STOPPED_SECONDS = 300
"""How long a channel rests after its credentials were refused."""
SHORTEST_REST = timedelta(seconds=30)
"""How long an endpoint is left alone of which nobody said how long."""
ENDPOINT_PATIENCE = timedelta(days=5)
"""An endpoint that has taken nothing for so long is disabled; its jobs wait."""


def stop_channels(conn: Connection, stopped: Mapping[str, str]) -> None:
    """Let channels rest whose credentials were refused, and alert once.

    :param stopped: the reason by kind of job.
    """
    for kind, reason in stopped.items():
        if queue.stop_channel(conn, kind=kind, reason=reason, seconds=STOPPED_SECONDS):
            alert_operators(
                conn,
                title=f"Jobs of kind {kind} wait, untried",
                body=f"{reason}. They go out by themselves once this is corrected.",
                now=clock.present(conn),
            )


class Patience:
    """Ends calls of channels that never return.

    Somebody has to look from time to time, which costs less than a timer for each of thousands of
    calls a second.
    """

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[Any], float] = {}
        self._ended: set[asyncio.Task[Any]] = set()

    async def attempts_at(
        self, messages: Sequence[Message], *, channel: Channel, task: asyncio.Task[Any]
    ) -> Sequence[Attempt]:
        """Return what a channel made of messages, also when it broke or never returned.

        :param task: the one that calls this.
        """
        longest = max([message.timeout for message in messages]).total_seconds()
        self._until[task] = time.monotonic() + longest + CALL_GRACE_SECONDS
        try:
            return await channel.deliver(messages)
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            task.uncancel()
            return [_lost("the channel did not return in time")] * len(messages)
        except Exception as error:
            # Nobody knows how far it came: the jobs must not be lost with it.
            with log_fields(job_ids=[message.job_id for message in messages]):
                logger.exception("The %s channel broke", messages[0].kind)
            return [_lost(type(error).__name__)] * len(messages)
        finally:
            del self._until[task]
            self._ended.discard(task)

    def look(self) -> None:
        """End the calls whose time is over."""
        now = time.monotonic()
        for task, until in self._until.items():
            if now > until and task not in self._ended:
                self._ended.add(task)
                task.cancel()


def _lost(error: str) -> Attempt:
    """Return what stands for an attempt of which nobody knows how far it came."""
    return Attempt(
        outcome=Outcome.UNKNOWN,
        status_code=None,
        latency_ms=0,
        answer_head=None,
        error=error,
        retry_after=None,
    )


def put_off_of(job: ClaimedJob, attempt: Attempt, *, chance: float) -> PutOff:
    """Return when a job has its turn that was not tried.

    :param chance: from 0 to 1; spreads what was put off together over a quarter of the wait.
    """
    return PutOff(
        batch_id=job.batch_id,
        job_id=job.job_id,
        delay_seconds=_wait_of(attempt) * (1 + chance / 4),
        reason=attempt.error,
    )


def _wait_of(attempt: Attempt) -> float:
    wait = SHORTEST_REST if attempt.retry_after is None else attempt.retry_after
    return wait.total_seconds()


def note_endpoints(conn: Connection, answers: Mapping[int, Sequence[Attempt]]) -> None:
    """Write down how endpoints answered; disable, with an alert, those that are gone.

    One that was not even tried (it does not answer, or has no secret yet) is left alone, for every
    process: its jobs are not claimed meanwhile, however many there are.
    """
    noted = [
        EndpointAnswers(
            endpoint_id=endpoint_id,
            has_success=any(each.outcome is Outcome.SENT for each in attempts),
            has_failure=any(each.outcome is not Outcome.SENT for each in attempts),
            refusal=next(
                (
                    each.error or f"{each.status_code}"
                    for each in attempts
                    if each.disables_endpoint
                ),
                None,
            ),
            rest_seconds=max(
                (_wait_of(each) for each in attempts if not each.was_tried),
                default=None,
            ),
            rest_reason=next(
                (each.error or "it was not tried" for each in attempts if not each.was_tried),
                None,
            ),
        )
        for endpoint_id, attempts in sorted(answers.items())
    ]
    for disabled in queue.note_endpoints(
        conn, noted, patience_seconds=int(ENDPOINT_PATIENCE.total_seconds())
    ):
        alert_operators(
            conn,
            title=f"Webhook endpoint {disabled.name} was disabled",
            body=f"{disabled.reason}. Its jobs wait until it is enabled again.",
            now=clock.present(conn),
        )
