"""The circuit breaker: when a plan is too large to run without a person looking at it.

A tripped breaker acts on nothing (doing a part "doesn't make sense": cloud-custodian#4997) and is
on by default, because the stories of policies gone awry all had it off (cloud-custodian#3641).
"""

from collections.abc import Iterable
from dataclasses import dataclass

DRIFT_FACTOR = 5
"""A plan this many times larger than the rule's own forecast has drifted."""
DRIFT_FLOOR = 20
"""Forecasts below this count as this, so that five documents instead of one trip nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """What one scope (rule, organization, deployment) allows in a rolling 24 hours."""

    scope: str
    used: int
    """Documents destroyed in the window or reserved by open plans; this plan is not counted."""
    population: int
    """Documents that are not purged; what a fraction is a fraction of."""
    max_documents: int
    max_fraction: float

    @property
    def allowed(self) -> int:
        """The tighter of both, in documents."""
        return min(self.max_documents, int(self.max_fraction * self.population))


@dataclass(frozen=True, kw_only=True, slots=True)
class Trip:
    """One limit that a plan would exceed."""

    scope: str
    limit: str
    allowed: float
    wanted: int

    def __str__(self) -> str:
        """Say it to a person."""
        if self.limit == "drift":
            return (
                f"{self.wanted} documents are due where the rule's forecast allows "
                f"{self.allowed:g} ({self.scope} drift)"
            )
        allowed = "of" if self.limit == "max_documents" else "that allows"
        return (
            f"{self.wanted} documents in 24 hours exceed the {self.scope} limit "
            f"{self.limit} {allowed} {int(self.allowed)}"
        )


def trips(count: int, limits: Iterable[Limit], *, expected: int | None = None) -> list[Trip]:
    """Return every limit that destroying ``count`` more documents would exceed.

    A plan that destroys nothing trips nothing.

    :param expected: what the rule's forecast expected to be due by now; None when there is no
        forecast to drift from.
    """
    if count == 0:
        return []
    tripped = []
    for limit in limits:
        wanted = limit.used + count
        if wanted > limit.max_documents:
            tripped.append(
                Trip(
                    scope=limit.scope,
                    limit="max_documents",
                    allowed=limit.max_documents,
                    wanted=wanted,
                )
            )
        if wanted > limit.max_fraction * limit.population:
            tripped.append(
                Trip(
                    scope=limit.scope,
                    limit="max_fraction",
                    allowed=limit.max_fraction * limit.population,
                    wanted=wanted,
                )
            )
    if expected is not None and count > DRIFT_FACTOR * max(expected, DRIFT_FLOOR):
        allowed = DRIFT_FACTOR * max(expected, DRIFT_FLOOR)
        tripped.append(Trip(scope="rule", limit="drift", allowed=allowed, wanted=count))
    return tripped


def pace(count: int, tripped: Iterable[Trip]) -> int:
    """How many of ``count`` documents a night may do, so that none of these limits would trip.

    0 when others have used up a limit, so that nothing fits today.
    """
    room = [count - (trip.wanted - int(trip.allowed)) for trip in tripped if trip.limit != "drift"]
    return max(min(room, default=count), 0)
