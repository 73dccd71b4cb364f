"""What users of other systems lost documents by, tried here: about dates and about the unknown.

What is not here is in test_retention_math, test_moving_anchors,
test_previewing, test_destroying and the race tests.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from doclife.store import stored_plans

from .conftest import World, days_ago

OLD: dict[str, Any] = {"field": "created_on", "op": "older_than", "value": "1y"}
KEEP: dict[str, Any] = {"not": {"field": "tags", "op": "has_any", "value": ["keep"]}}


def tonight(world: World) -> dict[str, tuple[str, str | None]]:
    """State and reason of every item of the night's plans, by document."""
    return {
        name: item
        for summary in world.plan()
        for name, item in world.items(summary.plan_id).items()
    }


@pytest.mark.parametrize(
    "lost",
    [
        {"tags": None},
        {"created_on": None},
        {"metadata": {}},
        {"metadata": {"country": ["DE"]}},
    ],
)
def test_a_value_that_could_not_be_read_selects_nothing_for_deletion(
    world: World, lost: dict[str, Any]
) -> None:
    """A failed look-up once looked like "untagged", and data was deleted (c7n#3020, c7n#4949)."""
    world.conn.execute(
        "INSERT INTO metadata_fields (organization_id, name, type) VALUES (1, 'country', 'text')"
    )
    foreign = {"field": "metadata.country", "op": "ne", "value": "NO"}
    world.enforce(when={"all": [OLD, KEEP, foreign]}, actions=[{"do": "DELETE"}])
    whole = {"tags": [], "created_on": "2020-01-01", "metadata": {"country": "DE"}}
    world.add_document("whole", **whole)
    world.add_document("lost", **{**whole, **lost})

    (summary,) = world.plan()

    assert world.items(summary.plan_id) == {"whole": ("planned", None)}
    assert summary.unknown_count == 1


def test_a_document_of_unknown_kind_is_kept_as_long_as_any_kind_it_may_be(
    world: World,
) -> None:
    world.enforce(
        "keeps",
        when={"field": "document_type", "op": "eq", "value": "contract"},
        retain={"for": "30y", "after": "created_on"},
    )
    world.enforce("goes", when=OLD, actions=[{"do": "DELETE"}])
    world.add_document("note", document_type="note", created_on="2020-01-01")
    world.add_document("unknown", document_type=None, created_on="2020-01-01")

    assert tonight(world) == {"note": ("planned", None), "unknown": ("skipped", "retained")}


def test_a_rule_counts_from_the_date_it_names_and_the_plan_keeps_that_date(
    world: World,
) -> None:
    """Old files were deleted on the day of their upload, counted by another date than meant."""
    world.conn.execute(
        "INSERT INTO metadata_fields (organization_id, name, type) VALUES (1, 'end', 'date')"
    )
    world.enforce(
        when={"field": "document_type", "op": "eq", "value": "contract"},
        retain={"for": "2y", "after": "metadata.end"},
        actions=[{"do": "DELETE"}],
    )
    old = {"document_type": "contract", "created_on": "1990-01-01", "modified_on": "1990-01-01"}
    world.add_document("running", **old, metadata={"end": str(days_ago(30))})
    world.add_document("over", **old, metadata={"end": str(days_ago(1000))})

    (summary,) = world.plan()
    (item,) = stored_plans.list_items(world.conn, summary.plan_id)

    assert (item.external_id, item.anchor_on) == ("over", days_ago(1000))
    assert item.due_on is not None
    assert item.retain_until is not None
    assert item.due_on == item.retain_until + timedelta(days=1)


def test_expired_is_not_the_end_of_a_retention(world: World) -> None:
    world.enforce(
        "expired", trigger={"type": "ON_EXPIRATION"}, when=KEEP, actions=[{"do": "DELETE"}]
    )
    world.enforce(
        "keeps",
        when={"field": "document_type", "op": "eq", "value": "contract"},
        retain={"for": "10y", "after": "created_on"},
    )
    common = {"expires_on": days_ago(30), "created_on": days_ago(400), "tags": []}
    world.add_document("contract", document_type="contract", **common)
    world.add_document("note", document_type="note", **common)

    assert tonight(world) == {"contract": ("skipped", "retained"), "note": ("planned", None)}


def test_a_rule_reaches_what_was_there_long_before_it(world: World) -> None:
    """However long ago the date: no window of the last year, and nothing only from now on."""
    world.add_document("ancient", created_on="1905-02-28")
    world.enforce(when=OLD, actions=[{"do": "DELETE"}])

    assert tonight(world) == {"ancient": ("planned", None)}
