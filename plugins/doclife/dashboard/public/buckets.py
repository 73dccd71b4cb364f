"""How often somebody may call: a bucket of tokens for each, in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How fast a bucket fills, and how much is in a full one."""

    per_minute: float
    burst: float


class Buckets:
    """Buckets by whoever calls; those that were asked for longest ago are forgotten first.

    Each process of the api-server has its own.
    """

    def __init__(self, rate: Rate, *, most: int = 10_000) -> None:
        self._rate = rate
        self._most = most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str, *, at: float) -> float | None:
        """Take one token; return None, or after how many seconds there is one again.

        :param at: a clock that only goes forward, in seconds.
        """
        per_second = self._rate.per_minute / 60
        with self._lock:
            level, since = self._levels.pop(key, (self._rate.burst, at))
            level = min(self._rate.burst, level + (at - since) * per_second)
            wait = None if level >= 1 else (1 - level) / per_second
            self._levels[key] = (level - 1 if wait is None else level, at)
            if len(self._levels) > self._most:
                self._levels.popitem(last=False)
        return wait

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._levels)
