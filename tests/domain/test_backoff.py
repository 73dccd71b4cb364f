"""Waits grow, are drawn by chance, and never undercut what the far side asked for."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from doclife.domain.backoff import LIMIT, LONGEST_RETRY_AFTER, WEBHOOK_STEPS, retry_delay

ALMOST_ONE = 0.999_999


def test_a_webhook_is_tried_ten_times_within_four_days() -> None:
    shortest = sum((retry_delay("webhook", attempt=n, chance=0) for n in range(1, 10)), timedelta())
    longest = sum(
        (retry_delay("webhook", attempt=n, chance=ALMOST_ONE) for n in range(1, 10)), timedelta()
    )

    assert shortest == sum(WEBHOOK_STEPS, timedelta())
    assert timedelta(days=3) < shortest < longest < timedelta(days=4)


@pytest.mark.parametrize("kind", ["email", "slack", "notification"])
def test_the_limit_doubles_and_the_wait_is_anywhere_below_it(kind: str) -> None:
    limits = [retry_delay(kind, attempt=n, chance=ALMOST_ONE) for n in range(1, 6)]

    assert [later / sooner for sooner, later in itertools.pairwise(limits)] == [
        pytest.approx(2)
    ] * 4
    assert retry_delay(kind, attempt=3, chance=0) == timedelta()
    assert retry_delay(kind, attempt=3, chance=0.5) < limits[2]


@pytest.mark.parametrize("attempt", [1, 30, 1000, 32_000])
def test_no_wait_is_longer_than_its_limit(attempt: int) -> None:
    assert retry_delay("email", attempt=attempt, chance=ALMOST_ONE) <= LIMIT


def test_retry_after_is_honoured_up_to_a_day() -> None:
    asked = timedelta(hours=3)

    assert retry_delay("webhook", attempt=1, chance=0, retry_after=asked) == asked
    assert retry_delay("webhook", attempt=9, chance=0, retry_after=asked) == WEBHOOK_STEPS[-1]
    assert (
        retry_delay("slack", attempt=1, chance=0, retry_after=timedelta(days=400))
        == LONGEST_RETRY_AFTER
    )


def test_an_attempt_that_was_not_made_has_no_wait() -> None:
    with pytest.raises(ValueError, match="not been made"):
        retry_delay("email", attempt=0, chance=0)
