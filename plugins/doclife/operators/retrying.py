"""When a failed task tries again."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

from airflow.sdk import RetryDecision, RetryPolicy

from doclife.operators.faults import is_lasting


class FullJitter(RetryPolicy):
    """Wait a random time up to a limit that doubles with each try.

    Airflow's own jitter is the same for all mapped instances of a task, which would then all
    come back at once to the database that was overloaded; this one is drawn for each.

    What a retry cannot help (a wrong setting, a halt) fails at the first try.

    :param first_seconds: the longest wait before the second try.
    :param most_seconds: no wait is longer. Ten minutes, so that three tries still end the same
        night.
    """

    def __init__(self, *, first_seconds: float = 30.0, most_seconds: float = 600.0) -> None:
        self.first_seconds = first_seconds
        self.most_seconds = most_seconds

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Any = None,
    ) -> RetryDecision:
        """Decide by the exception, and draw the wait."""
        if is_lasting(exception):
            return RetryDecision.fail(f"a retry cannot help: {exception}")
        limit = self.longest_wait(try_number)
        wait = random.uniform(0, limit.total_seconds())  # noqa: S311 (no secret)
        return RetryDecision.retry(timedelta(seconds=wait), reason=f"{type(exception).__name__}")

    def longest_wait(self, try_number: int) -> timedelta:
        """Return how long the wait after this try may be; the first try is 1."""
        doublings = min(max(try_number, 1) - 1, 30)
        return timedelta(seconds=min(self.most_seconds, self.first_seconds * 2**doublings))

    def serialize(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {"first_seconds": self.first_seconds, "most_seconds": self.most_seconds}

    @classmethod
    def deserialize(cls, data: Mapping[str, Any]) -> Self:
        """Return the policy with those settings."""
        return cls(**data)


AFTER_A_DEATH = timedelta(seconds=10)
"""The wait of a task whose worker is gone. No policy is asked then, and Airflow by itself waits for
five minutes, on top of the minute or more in which it found out."""


def tries_again(retries: int, *, policy: FullJitter | None = None) -> dict[str, Any]:
    """Return the ``default_args`` of tasks that try again: after a fault, and after a death.

    :param retries: how often at most; each death counts as one.
    :param policy: when, after a fault; None for FullJitter as it is.
    """
    return {
        "retries": retries,
        "retry_policy": policy or FullJitter(),
        "retry_delay": AFTER_A_DEATH,
    }
