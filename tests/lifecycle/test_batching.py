"""Batches on chosen documents: in parts, whole or not at all, and with every document's reason."""

from __future__ import annotations

import pytest

from doclife.domain.batch import BatchDeed, BatchRequest
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle import batching, choosing, holding
from doclife.lifecycle.choosing import Selection, choose
from doclife.lifecycle.documents import DocumentFilter
from doclife.lifecycle.matters import close_matter
from tests.lifecycle.conftest import ACTOR, World

HOLD = BatchRequest(deed=BatchDeed.HOLD, matter="Kestrel")
RELEASE = BatchRequest(deed=BatchDeed.RELEASE, matter="Kestrel")
DELETE = BatchRequest(deed=BatchDeed.DELETE)


def carry_out(world: World, request: BatchRequest, ids: list[int]) -> batching.MatterOutcome:
    return batching.hold_batch(
        world.conn,
        organization="default",
        request=request,
        document_ids=ids,
        actor=ACTOR,
        now=world.now,
        reason="a claim",
    )


def codes(world: World, request: BatchRequest, ids: list[int]) -> dict[str, str | None]:
    preview = batching.preview_batch(
        world.conn,
        organization="default",
        request=request,
        document_ids=ids,
        actor=ACTOR,
        now=world.now,
    )
    assert sum(one.documents for one in preview.counts) == len(ids)
    names = dict(zip(ids, ("kept", "trash", "gone"), strict=False))
    return {names[one.document_id]: one.code for one in preview.documents}


def test_a_large_hold_is_done_in_parts_and_counted_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "HOLD_ROWS", 2)
    ids = [world.add_document(f"d-{number}") for number in range(5)]
    holding.hold(
        world.conn,
        organization="default",
        matter="Kestrel",
        reason="a claim",
        document_ids=[ids[4]],
        actor=ACTOR,
        now=world.now,
    )

    held = carry_out(world, HOLD, ids)
    assert (held.done, held.unchanged) == (4, 1)
    free = carry_out(world, RELEASE, ids[:3])
    assert (free.done, free.unchanged) == (3, 0)
    assert world.value("SELECT count(*) FROM documents WHERE hold_count > 0") == 2


def test_each_document_says_what_a_deed_would_come_to_where_it_is(world: World) -> None:
    ids = [world.add_document(name, document_type=name) for name in ("kept", "trash", "gone")]
    world.enforce(
        "trash",
        when={"field": "document_type", "op": "in", "value": ["trash", "gone"]},
        actions=[{"do": "DELETE"}],
    )
    world.night()
    world.later(days=40)
    carry_out(world, HOLD, [ids[1]])
    world.purge()
    assert [world.status(number) for number in ids] == ["active", "deleted", "purged"]

    assert codes(world, DELETE, ids) == {"kept": None, "trash": "in_trash", "gone": "destroyed"}
    assert codes(world, BatchRequest(deed=BatchDeed.RESTORE), ids) == {
        "kept": "is_active",
        "trash": None,
        "gone": "destroyed",
    }
    assert codes(world, HOLD, ids) == {"kept": None, "trash": "is_held", "gone": "destroyed"}
    assert codes(world, RELEASE, ids) == {"kept": "not_held", "trash": None, "gone": "not_held"}
    late = carry_out(world, HOLD, ids)
    assert (late.done, late.unchanged, late.too_late_count) == (1, 1, 1)
    assert [one.document_id for one in late.too_late] == ids[2:]


def test_what_is_not_in_the_plan_is_named_also_behind_what_the_plan_leaves_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LISTED", 1)
    ids = [world.add_document(name, document_type=name) for name in ("held", "trash")]
    world.enforce(
        "trash",
        when={"field": "document_type", "op": "eq", "value": "trash"},
        actions=[{"do": "DELETE"}],
    )
    world.night()
    carry_out(world, HOLD, ids[:1])

    stored = batching.store_batch(
        world.conn,
        organization="default",
        request=DELETE,
        document_ids=ids,
        actor=ACTOR,
        now=world.now,
        run_id="batch-1",
        reason="old",
    )

    assert [one.external_id for one in stored.first_passed_over] == ["trash"]


def test_a_closed_matter_and_one_that_is_not_there_are_refused_before_anything(
    world: World,
) -> None:
    ids = [world.add_document("a")]
    with pytest.raises(ConfigurationError, match="no matter 'Kestrel'"):
        codes(world, RELEASE, ids)
    carry_out(world, HOLD, ids)
    close_matter(world.conn, organization="default", name="Kestrel", actor=ACTOR, now=world.now)
    with pytest.raises(RefusedError, match="is closed"):
        codes(world, HOLD, ids)


def test_a_preview_keeps_nothing(world: World) -> None:
    ids = [world.add_document("a")]

    def counted() -> list[int]:
        tables = ("plans", "plan_items", "matters", "matter_documents", "audit_entries", "events")
        return [world.value(f"SELECT count(*) FROM {table}") for table in tables]

    before = counted()
    codes(world, DELETE, ids)
    codes(world, HOLD, ids)

    assert counted() == before


def test_all_that_match_stop_at_the_last_one_that_was_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [world.add_document(f"d-{number}", document_type="paper") for number in range(3)]
    where = DocumentFilter(document_type="paper")
    seen = choose(world.conn, organization="default", selection=Selection(where=where))
    world.add_document("a-later", document_type="paper")

    again = choose(
        world.conn,
        organization="default",
        selection=Selection(where=where, through_id=seen.through_id),
    )
    assert list(again.document_ids) == ids
    monkeypatch.setattr(choosing, "MOST_DOCUMENTS", 3)
    with pytest.raises(RefusedError, match="more than 3 documents match"):
        choose(world.conn, organization="default", selection=Selection(where=where))


def test_a_plan_never_takes_more_than_was_expected(world: World) -> None:
    ids = [world.add_document(name) for name in "abc"]
    carry_out(world, HOLD, ids[1:2])
    expected = looked_at(world, DELETE, ids)
    assert expected == [ids[0], ids[2]]

    def store(run_id: str) -> batching.StoredBatch:
        return batching.store_batch(
            world.conn,
            organization="default",
            request=DELETE,
            document_ids=ids,
            actor=ACTOR,
            now=world.now,
            run_id=run_id,
            reason="old",
            expected=expected,
        )

    carry_out(world, RELEASE, ids[1:2])
    with pytest.raises(RefusedError, match="look again"):
        store("batch-1")
    assert world.value("SELECT count(*) FROM plans") == 0

    carry_out(world, HOLD, ids[1:])
    assert store("batch-2").plan.document_count == 1


def test_a_release_never_frees_more_than_was_expected(world: World) -> None:
    ids = [world.add_document(name) for name in "ab"]
    carry_out(world, HOLD, ids[:1])
    expected = looked_at(world, RELEASE, ids)
    carry_out(world, HOLD, ids[1:])

    with pytest.raises(RefusedError, match="look again"):
        batching.hold_batch(
            world.conn,
            organization="default",
            request=RELEASE,
            document_ids=ids,
            actor=ACTOR,
            now=world.now,
            reason="settled",
            expected=expected,
        )
    assert world.value("SELECT sum(hold_count) FROM documents") == 2


def looked_at(world: World, request: BatchRequest, ids: list[int]) -> list[int]:
    preview = batching.preview_batch(
        world.conn,
        organization="default",
        request=request,
        document_ids=ids,
        actor=ACTOR,
        now=world.now,
    )
    return list(preview.to_do_ids)
