"""Counts attempts in the memory of the process that makes them, for metrics."""

import threading
import time
from bisect import bisect_left
from collections import Counter
from datetime import UTC, date, timedelta

from doclife.delivery.outcome import Attempt
from doclife.domain.metrics import WITHIN_SECONDS
from doclife.store import clock, metrics
from doclife.store.connection import Connection
from doclife.store.metrics import DeliveryCount

STORE_SECONDS = 5.0
"""How much of its counts a killed process takes with it, at most."""
KEPT_DAYS = 90
"""Only today is ever sent; the days before are for who asks in SQL."""
_WITHIN_MS = [seconds * 1000 for seconds in WITHIN_SECONDS]


class DeliveryTally:
    """What came of attempts, and how long they took, until that is stored."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, float]] = Counter()
        self._lock = threading.Lock()
        self._stored = time.monotonic()

    def add(self, kind: str, attempt: Attempt) -> None:
        """Count an attempt."""
        within = WITHIN_SECONDS[bisect_left(_WITHIN_MS, attempt.latency_ms)]
        with self._lock:
            self._counts[(kind, attempt.outcome.value, within)] += 1

    def store_now_and_then(self, conn: Connection) -> None:
        """Store what was counted, if that was not done in the last few seconds."""
        if time.monotonic() - self._stored >= STORE_SECONDS:
            self.store(conn)

    def close(self, conn: Connection) -> None:
        """Store what was counted, and forget what was counted long ago."""
        self.store(conn)
        metrics.prune_deliveries(conn, before=_today(conn) - timedelta(days=KEPT_DAYS))

    def store(self, conn: Connection) -> None:
        """Store what was counted; nothing when that was nothing. What cannot be stored is kept."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        self._stored = time.monotonic()
        if not counts:
            return
        rows = [
            DeliveryCount(kind=kind, outcome=outcome, within_seconds=within, attempts=attempts)
            for (kind, outcome, within), attempts in counts.items()
        ]
        try:
            metrics.add_deliveries(conn, rows, today=_today(conn))
        except BaseException:
            with self._lock:
                self._counts.update(counts)
            raise


def _today(conn: Connection) -> date:
    return clock.present(conn).astimezone(UTC).date()
