"""Drains a real queue in a process of its own and dies by SIGKILL at a chosen step.

    python -m tests.lifecycle.drain_until_killed DATABASE LOG STEP

Each job that the "far side" has received is one line of LOG.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from doclife.delivery.channel import Message
from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle import draining
from doclife.lifecycle.draining import Drainer, DrainSettings
from doclife.store import queue
from doclife.store.connection import connect

LEASE_SECONDS = 2


class Log:
    """A far side that writes down what it received."""

    def __init__(self, path: str, *, dies_after: int | None = None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._left = dies_after

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        for message in messages:
            os.write(self._file, f"{message.job_id}\n".encode())
            if self._left is not None:
                self._left -= 1
                if self._left == 0:
                    die()
        await asyncio.sleep(0.005)
        return [
            Attempt(
                outcome=Outcome.SENT,
                status_code=250,
                latency_ms=1,
                answer_head=None,
                error=None,
                retry_after=None,
            )
        ] * len(messages)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(function: Callable[..., Any], *, before: bool = False, time: int = 1) -> Any:
    """Wrap a function so that the process dies at its n-th call that had an effect."""
    left = time

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        if before and arguments[1:] != ([],):
            left -= 1
            if left == 0:
                die()
        found = function(*arguments, **named)
        if not before and found:
            left -= 1
            if left == 0:
                die()
        return found

    return wrapped


def drainer(database: str, log: Log) -> Drainer:
    return Drainer(
        connect=lambda: connect(database, application_name="drainer"),
        channels={"email": log},
        find_endpoint=lambda _row: None,
        name=f"process {os.getpid()}",
        chance=lambda: 0.0,
        settings=DrainSettings(
            batch_size=100, linger_seconds=LEASE_SECONDS * 2, lease_seconds=LEASE_SECONDS
        ),
    )


def drain_all(database: str, log: Path) -> None:
    """Drain to the end, as the watch has it done.

    Where the machine is busy, a process may have lingered before it finds another one dead.
    """
    for _process in range(5):
        asyncio.run(drainer(database, Log(str(log))).run())
        with connect(database, application_name="is all done?") as conn:
            if conn.execute("SELECT EXISTS (SELECT FROM jobs)").fetchone() == (False,):
                return


def main() -> None:
    database, path, step = sys.argv[1:]
    log = Log(path, dies_after=137 if step == "sending" else None)
    if step == "claimed":
        queue.claim = dying(queue.claim, time=2)
    elif step == "begun":
        queue.begin_batch = dying(queue.begin_batch, time=2)
    elif step == "recording":
        queue.record = dying(queue.record, before=True, time=2)
    elif step == "recorded":
        queue.record = dying(queue.record, time=2)
    elif step == "ending":
        queue.end_worker = dying(queue.end_worker, before=True)
    assert draining.queue is queue
    asyncio.run(drainer(database, log).run())


if __name__ == "__main__":
    main()
