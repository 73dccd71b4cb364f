"""When a plan is too large to run without a person looking at it."""

import pytest

from doclife.domain.breaker import DRIFT_FACTOR, DRIFT_FLOOR, Limit, pace, trips


def limit(**parts: object) -> Limit:
    values = {
        "scope": "rule",
        "used": 0,
        "population": 1000,
        "max_documents": 100,
        "max_fraction": 1.0,
        **parts,
    }
    return Limit(**values)


def tripped(count: int, *limits: Limit, expected: int | None = None) -> list[tuple[str, str]]:
    return [(trip.scope, trip.limit) for trip in trips(count, limits, expected=expected)]


@pytest.mark.parametrize(
    ("count", "is_tripped"), [(99, False), (100, False), (101, True)], ids=["below", "at", "above"]
)
def test_a_limit_is_what_may_be_done_not_what_may_not(count: int, is_tripped: bool) -> None:
    assert tripped(count, limit()) == [("rule", "max_documents")] * is_tripped


def test_what_was_destroyed_in_the_window_counts() -> None:
    assert tripped(1, limit(used=99)) == []
    assert tripped(1, limit(used=100)) == [("rule", "max_documents")]


@pytest.mark.parametrize(("count", "is_tripped"), [(50, False), (51, True)])
def test_a_fraction_is_of_all_documents_that_are_not_purged(count: int, is_tripped: bool) -> None:
    assert tripped(count, limit(max_fraction=0.05)) == [("rule", "max_fraction")] * is_tripped


def test_every_scope_trips_by_itself_and_all_are_named() -> None:
    scopes = [limit(), limit(scope="organization", max_documents=5), limit(scope="deployment")]

    assert tripped(10, *scopes) == [("organization", "max_documents")]
    assert len(tripped(1001, *scopes)) == 6


def test_a_plan_that_destroys_nothing_trips_nothing() -> None:
    assert tripped(0, limit(used=10_000, max_fraction=0.0), expected=0) == []


@pytest.mark.parametrize("expected", [0, 1, DRIFT_FLOOR, DRIFT_FLOOR + 1, 400])
def test_five_times_the_forecast_has_drifted(expected: int) -> None:
    allowed = DRIFT_FACTOR * max(expected, DRIFT_FLOOR)
    wide = limit(max_documents=10**6, population=10**6)

    assert tripped(allowed, wide, expected=expected) == []
    assert tripped(allowed + 1, wide, expected=expected) == [("rule", "drift")]


def test_without_a_forecast_there_is_nothing_to_drift_from() -> None:
    assert tripped(10_000, limit(max_documents=10**6, population=10**6), expected=None) == []


def test_a_trip_says_what_was_wanted_and_what_is_allowed() -> None:
    [too_many] = trips(101, [limit()])
    assert str(too_many) == "101 documents in 24 hours exceed the rule limit max_documents of 100"

    [too_large] = trips(5, [limit(max_fraction=0.5, population=9)])
    assert str(too_large) == (
        "5 documents in 24 hours exceed the rule limit max_fraction that allows 4"
    )

    [drifted] = trips(500, [limit(max_documents=10**6)], expected=3)
    assert "500 documents are due where the rule's forecast allows 100" in str(drifted)


@pytest.mark.parametrize("used", [0, 40, 99, 100, 130])
def test_a_paced_night_trips_nothing_and_one_document_more_would(used: int) -> None:
    scopes = [limit(used=used), limit(scope="organization", used=used, max_fraction=0.15)]

    nightly = pace(1000, trips(1000, scopes))

    assert nightly == max(100 - used, 0)
    assert nightly == 0 or trips(nightly, scopes) == []
    assert trips(nightly + 1, scopes) != []


def test_the_tighter_of_both_limits_counts() -> None:
    assert limit(max_fraction=0.05).allowed == 50
    assert limit(max_fraction=1.0).allowed == 100
