"""What keeps a draining process in touch: connections that come back, and a heart that beats."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from doclife.errors import ConfigurationError
from doclife.lifecycle.alerting import alert_operators
from doclife.lifecycle.queue import LEASE_SECONDS, LeaseWatch, rescue_dead
from doclife.store import clock, queue
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Connect = Callable[[], Connection]

BEAT_SECONDS = 1.0
"""Also how soon a halt is seen by those who are waiting for answers."""
FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
GIVE_UP_SECONDS = 120.0
"""A server that is away for longer is somebody's to look after: the task fails, and is retried."""


class Session:
    """One connection that is opened again when the server went away.

    Used by one thread at a time. What runs in it must be safe to run again: the server may have
    done it before the answer was lost.
    """

    def __init__(self, connect: Connect, *, give_up_seconds: float = GIVE_UP_SECONDS) -> None:
        self._connect = connect
        self._conn: Connection | None = None
        self._give_up_seconds = give_up_seconds

    def run(self, work: Callable[[Connection], Answer]) -> Answer:
        """Return what ``work`` returns, over a new connection when the old one is gone."""
        started, wait = time.monotonic(), FIRST_WAIT
        while True:
            try:
                if self._conn is None:
                    self._conn = self._connect()
                return work(self._conn)
            except (psycopg.OperationalError, ConfigurationError) as error:
                if isinstance(error, psycopg.errors.LockNotAvailable):
                    raise
                if isinstance(error, ConfigurationError) and self._conn is not None:
                    raise
                self.close()
                if time.monotonic() - started > self._give_up_seconds:
                    raise
                logger.warning("The documents database went away: %s", error)
                time.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None


class Heart:
    """Beats for a worker on a connection and a thread of its own, however busy the rest is.

    With each beat it looks for workers that died, and frees what they held.
    """

    def __init__(
        self, session: Session, *, worker_id: int, lease_seconds: int = LEASE_SECONDS
    ) -> None:
        self.halt_reason: str | None = None
        self.is_lost = False
        """Whether others gave this worker up for dead: what it holds is not its own any more."""
        self.rescued = 0
        self._session = session
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds
        self._watch = LeaseWatch(lease_seconds=lease_seconds)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="doclife heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; returns when the last beat is over."""
        self._stop.set()
        self._thread.join(timeout=self._lease_seconds)
        self._session.close()

    def _live(self) -> None:
        while not self._stop.is_set() and not self.is_lost:
            try:
                self._session.run(self._beat)
            except psycopg.Error:
                logger.exception("No sign of life could be given")
                self.is_lost = True
            self._stop.wait(min(self._lease_seconds / 8, BEAT_SECONDS))

    def _beat(self, conn: Connection) -> None:
        is_believed, self.halt_reason = queue.beat(
            conn, worker_id=self._worker_id, lease_seconds=self._lease_seconds
        )
        self.is_lost = not is_believed
        rescued = rescue_dead(conn, self._watch, elapsed=time.monotonic())
        given_up = sum(each.state == "failed" for each in rescued)
        self.rescued += len(rescued)
        if rescued:
            logger.warning("%s jobs of a worker that died are free again", len(rescued))
        if given_up:
            alert_operators(
                conn,
                title=f"{given_up} jobs were given up: their workers died",
                body="Look for what they have in common: doclife jobs list --state failed",
                now=clock.present(conn),
            )
