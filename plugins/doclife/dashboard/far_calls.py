"""Few requests at once take long: those that wait for somebody else, or read a whole audit chain.

Who sends a test holds no connection while the far side thinks; the others do.
"""

from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any

from fastapi import Depends, HTTPException

from doclife.dashboard.connecting import find_connection
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Visit
from doclife.delivery.outcome import Attempt
from doclife.lifecycle import trying
from doclife.lifecycle.trying import Trial

TESTS_AT_ONCE = 8
"""Each has one of the 40 threads that Airflow's api-server answers with."""
LOOKUPS_AT_ONCE = 2
VERIFICATIONS_AT_ONCE = 1
"""Look-ups and verifications hold connections, half of the pool at most: pages need the rest."""


def try_out(here: Visit, trial: Trial) -> Attempt:
    """Send a test, note it and return what the far side answered.

    The connection is given back before, and another one taken for the note: many slow receivers
    keep nobody from a page. Within a transaction that is an error.
    """
    here.lease.give_back()
    attempt = trying.send(trial, delivery=CONFIGURATION.delivery(), connections=find_connection)
    trying.record(here.conn, trial, attempt, actor=here.actor)
    return attempt


class _Places:
    """A dependency that refuses whoever comes while so many are at it in this process."""

    def __init__(self, most: int, *, refusal: str) -> None:
        self._free = BoundedSemaphore(most)
        self._refusal = refusal

    def __call__(self) -> Iterator[None]:
        """Take a place, or refuse with 503 before a connection is taken."""
        if not self._free.acquire(blocking=False):
            raise HTTPException(503, self._refusal, headers={"Retry-After": "30"})
        try:
            yield
        finally:
            self._free.release()


def _one_of(most: int, *, refusal: str) -> Any:
    return Depends(_Places(most, refusal=refusal), scope="function")


TEST = _one_of(
    TESTS_AT_ONCE,
    refusal=f"{TESTS_AT_ONCE} tests wait for their answers already. Nothing was sent: try again "
    "when they have them, in half a minute at the latest.",
)
"""What a route lists in its ``dependencies`` that sends a test."""
LOOKUP = _one_of(
    LOOKUPS_AT_ONCE,
    refusal=f"{LOOKUPS_AT_ONCE} other endpoints are being looked up in DNS. Nothing was changed: "
    "try again in half a minute.",
)
"""What a route lists in its ``dependencies`` that looks a host up."""
VERIFICATION = _one_of(
    VERIFICATIONS_AT_ONCE,
    refusal="An audit chain is being verified already. Nothing was read: try again in half a "
    "minute, or verify with: doclife audit verify",
)
"""What a route lists in its ``dependencies`` that reads a whole audit chain."""
