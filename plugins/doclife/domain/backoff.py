"""When a message that was not delivered is tried again.

Exponential with full jitter: each wait is drawn between nothing and a limit that doubles, so that
what failed together does not come back together. Webhooks keep to the schedule that Standard
Webhooks 1.0 proposes, which spans about three days, each step moved by up to a fifth.
"""

from collections.abc import Mapping
from datetime import timedelta

WEBHOOK_STEPS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first, the second, ... attempt; the last one stands for all later ones."""
WEBHOOK_SPREAD = 0.2

FIRST_LIMITS: Mapping[str, timedelta] = {
    "email": timedelta(minutes=2),
    "slack": timedelta(seconds=30),
}
"""The longest first wait: greylisting servers want minutes, chats seconds."""
FIRST_LIMIT = timedelta(seconds=30)
LIMIT = timedelta(hours=6)
LONGEST_RETRY_AFTER = timedelta(days=1)
"""What the far side asks for is honoured up to a day."""


def retry_delay(
    kind: str, *, attempt: int, chance: float, retry_after: timedelta | None = None
) -> timedelta:
    """Return how long to wait after a failed attempt.

    :param attempt: the one that failed; 1 is the first.
    :param chance: drawn evenly from 0 (included) to 1 (excluded).
    :param retry_after: not before, if the far side said so; it may be later.
    """
    if attempt < 1:
        raise ValueError(f"attempt {attempt} has not been made")
    if kind == "webhook":
        step = WEBHOOK_STEPS[min(attempt, len(WEBHOOK_STEPS)) - 1]
        delay = step * (1 + WEBHOOK_SPREAD * chance)
    else:
        first = FIRST_LIMITS.get(kind, FIRST_LIMIT)
        delay = min(first * 2 ** min(attempt - 1, 30), LIMIT) * chance
    asked = min(retry_after or timedelta(), LONGEST_RETRY_AFTER)
    return max(delay, asked)
