"""Documents come back: batch by batch, from the trash, from originals, bags and cold stores."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from doclife.domain.plan import ShardOutcome
from doclife.lifecycle import destroying, undo

from .cloud import Cloud, cloud_of
from .conftest import ACTOR, World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
ARCHIVE = [{"do": "ARCHIVE"}]


def restore(world: World, *documents: int, **named: Any) -> undo.UndoOutcome:
    """Restore documents as a person does."""
    return undo.restore_documents(
        world.conn,
        organization="default",
        document_ids=documents,
        now=world.now,
        actor=ACTOR,
        reason="needed",
        stores=world.stores,
        **named,
    )


def statuses(world: World) -> dict[str, int]:
    """Return how many documents are in which state."""
    rows = world.conn.execute("SELECT status, count(*) FROM documents GROUP BY status").fetchall()
    return {row[0]: row[1] for row in rows}


def test_a_restore_after_destruction_began_is_told_since_when(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = world.add_document("begun.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(destroying, "destroy", die)
        with pytest.raises(KeyboardInterrupt):
            world.purge()
    began = world.now
    world.later(hours=1)

    outcome = restore(world, begun)

    assert (outcome.undone, outcome.skipped, outcome.too_late_count) == (0, 0, 1)
    assert [(one.external_id, one.too_late_since) for one in outcome.too_late] == [
        ("begun.txt", began)
    ]
    assert not outcome.is_complete
    assert world.status(begun) == "purging"


def test_an_undo_after_the_purge_tells_since_when_each_is_gone(world: World) -> None:
    number = world.add_document("gone.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    [summary] = world.plan()
    world.apply(summary.plan_id)
    world.purge()

    outcome = undo.undo_plan(
        world.conn, plan_id=summary.plan_id, now=world.now, actor=ACTOR, stores=world.stores
    )

    assert (outcome.undone, outcome.too_late_count) == (0, 1)
    assert [one.document_id for one in outcome.too_late] == [number]


@pytest.mark.parametrize("action", ["DELETE", "ARCHIVE"])
def test_a_killed_undo_goes_on_from_its_last_batch(
    world: World, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(undo, "BATCH_SIZE", 4)
    monkeypatch.setattr(undo, "ARCHIVED_BATCH_SIZE", 2)
    for number in range(9):
        world.add_document(f"{number}.txt", document_type="draft", content=bytes([number]))
    world.enforce(when=DRAFTS, actions=[{"do": action}])
    [summary] = world.plan()
    world.apply(summary.plan_id)

    def die_after_four(outcome: undo.UndoOutcome) -> None:
        if outcome.undone >= 4:
            raise KeyboardInterrupt

    def take_back(progress: undo.Progress | None = None) -> undo.UndoOutcome:
        return undo.undo_plan(
            world.conn,
            plan_id=summary.plan_id,
            now=world.now,
            actor=ACTOR,
            stores=world.stores,
            progress=progress,
        )

    with pytest.raises(KeyboardInterrupt):
        take_back(die_after_four)
    assert statuses(world)["active"] == 4

    seen: list[int] = []
    outcome = take_back(lambda outcome: seen.append(outcome.undone))

    assert outcome.undone == 5
    assert seen == sorted(seen)
    assert len(set(seen)) > 1
    assert statuses(world) == {"active": 9}
    assert world.value("SELECT state FROM plans") == "undone"


def test_a_restore_lists_few_failures_and_counts_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "LISTED", 2)
    monkeypatch.setattr(undo, "ARCHIVED_BATCH_SIZE", 2)
    documents = [
        world.add_document(f"{number}.txt", document_type="draft", content=bytes([number]))
        for number in range(5)
    ]
    world.enforce(when=DRAFTS, actions=ARCHIVE)
    world.night()
    for number in range(5):
        world.file(f"{number}.txt").write_bytes(b"somebody else's work")

    outcome = restore(world, *documents)

    assert (outcome.undone, outcome.failed, len(outcome.failures)) == (0, 5, 2)


@pytest.fixture
def cold(world: World, bucket: str, s3_client: Any, s3_options: dict[str, Any]) -> Cloud:
    """A report whose only bytes lie in a bag, in a cold tier."""
    cold = cloud_of(world, bucket=bucket, client=s3_client, options=s3_options)
    cold.add_document("report.txt", document_type="draft", content=b"important")
    cold.enforce(when=DRAFTS, actions=[{"do": "ARCHIVE", "with": {"store": "cloud"}}], grace="0d")
    cold.night()
    cold.purge()
    assert not cold.file("report.txt").exists()
    cold.freeze()
    return cold


def test_bytes_in_a_cold_tier_are_asked_for_and_come_back_in_a_later_run(cold: Cloud) -> None:
    document = cold.value("SELECT id FROM documents")

    outcome = restore(cold, document)

    assert (outcome.undone, outcome.waiting, outcome.failed) == (0, 1, 0)
    assert cold.status(document) == "archived"
    assert cold.value("SELECT requested_by FROM restore_requests") == ACTOR
    assert cold.value("SELECT reprieve_until FROM documents") > cold.now.date()
    assert (
        cold.value("SELECT reason FROM audit_entries WHERE action = 'document.restore_requested'")
        == "needed; its bytes were asked for from a cold store"
    )

    cold.later(days=1)
    outcome = undo.complete_restores(cold.conn, now=cold.now, stores=cold.stores)

    assert (outcome.undone, outcome.waiting) == (1, 0)
    assert cold.status(document) == "active"
    assert cold.file("report.txt").read_bytes() == b"important"
    assert cold.value("SELECT count(*) FROM restore_requests") == 0
    assert undo.complete_restores(cold.conn, now=cold.now, stores=cold.stores).undone == 0


def test_the_undo_of_a_plan_waits_for_its_cold_bytes(cold: Cloud) -> None:
    plan = cold.value("SELECT id FROM plans WHERE kind = 'rule'")

    outcome = undo.undo_plan(cold.conn, plan_id=plan, now=cold.now, actor=ACTOR, stores=cold.stores)
    assert outcome.waiting == 1
    assert cold.value("SELECT state FROM plans WHERE id = %s", plan) == "applied"

    cold.later(days=1)
    undo.complete_restores(cold.conn, now=cold.now, stores=cold.stores)
    assert cold.value("SELECT state FROM plans WHERE id = %s", plan) == "undone"
    assert cold.file("report.txt").read_bytes() == b"important"


def test_asking_twice_for_cold_bytes_asks_once(cold: Cloud) -> None:
    document = cold.value("SELECT id FROM documents")
    stores = cold.stores
    asked = []
    filesystem = stores.named("cloud").filesystem
    honest = filesystem.ask_for
    filesystem.ask_for = lambda uri, **named: asked.append(uri) or honest(uri, **named)

    for _ in range(2):
        undo.restore_documents(
            cold.conn,
            organization="default",
            document_ids=[document],
            now=cold.now,
            actor=ACTOR,
            reason="needed",
            stores=stores,
        )

    assert len(asked) == 1


def test_what_was_trashed_while_its_bytes_were_on_their_way_is_not_restored(cold: Cloud) -> None:
    document = cold.value("SELECT id FROM documents")
    restore(cold, document)
    cold.later(days=40)
    cold.enforce("later", when=DRAFTS, actions=DELETE, grace="0d")
    cold.night()
    assert cold.status(document) == "deleted"

    assert undo.complete_restores(cold.conn, now=cold.now, stores=cold.stores).undone == 0

    assert cold.value("SELECT count(*) FROM restore_requests") == 0


def test_frozen_bytes_are_purged_by_their_etag_unread(cold: Cloud) -> None:
    document = cold.value("SELECT id FROM documents")
    cold.later(days=2)
    cold.enforce("later", when=DRAFTS, actions=DELETE, grace="0d")
    cold.night()

    [outcome, _originals] = cold.purge()

    assert outcome == ShardOutcome(done=1)
    assert cold.status(document) == "purged"
    assert [key for key in keys(cold) if "/data/" in key] == []


def test_frozen_bytes_under_another_etag_are_not_purged_unread(cold: Cloud) -> None:
    document = cold.value("SELECT id FROM documents")
    [key] = [one for one in keys(cold) if "/data/" in one]
    size = cold.client.head_object(Bucket=cold.bucket, Key=key)["ContentLength"]
    cold.client.put_object(Bucket=cold.bucket, Key=key, Body=b"x" * size, StorageClass="GLACIER")
    cold.later(days=2)
    cold.enforce("later", when=DRAFTS, actions=DELETE, grace="0d")
    cold.night()

    [outcome, _originals] = cold.purge()

    assert outcome == ShardOutcome(failed=1)
    assert cold.status(document) == "deleted"
    assert key in keys(cold)


def keys(cloud: Cloud) -> list[str]:
    """Return what is left in the bucket."""
    page = cloud.client.list_objects_v2(Bucket=cloud.bucket)
    return [one["Key"] for one in page["Contents"]]


def test_a_restore_takes_no_place_where_another_document_is_registered(world: World) -> None:
    old = world.add_document("a.txt", content=b"old", document_type="draft")
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="0d")
    world.night()
    world.later(days=1)
    world.purge()
    assert not world.file("a.txt").exists()
    # The application puts another document there, whose file is lost afterwards.
    digest = hashlib.sha256(b"new").digest()
    world.conn.execute(
        "UPDATE stored_objects SET removing_since = NULL, removed_at = NULL, sha256 = %s"
        " WHERE uri LIKE '%%/a.txt' AND bag_id IS NULL",
        (digest,),
    )
    new = world.add_document("another", content=None)
    world.conn.execute(
        "UPDATE documents SET stored_object_id = (SELECT id FROM stored_objects"
        " WHERE uri LIKE '%%/a.txt' AND bag_id IS NULL) WHERE id = %s",
        (new,),
    )

    outcome = restore(world, old)

    assert (outcome.undone, outcome.failed) == (0, 1)
    assert "another document" in outcome.failures[0]
    assert world.status(old) == "archived"
    assert not world.file("a.txt").exists()
    recorded = world.value(
        "SELECT object.sha256 FROM documents AS document"
        " INNER JOIN stored_objects AS object ON document.stored_object_id = object.id"
        " WHERE document.id = %s",
        new,
    )
    assert recorded == digest


@pytest.mark.parametrize("actions", [DELETE, ARCHIVE])
def test_an_undo_takes_back_what_its_own_plan_did_and_not_what_a_later_one_did(
    world: World, actions: list[dict[str, str]]
) -> None:
    world.conn.execute("UPDATE organizations SET reprieve_days = 0")
    document = world.add_document("a.txt", document_type="draft")
    world.add_document("other.txt")
    world.enforce(when=DRAFTS, actions=actions)
    [first] = world.plan()
    world.apply(first.plan_id)
    after_it = world.status(document)
    world.later(days=2)
    restore(world, document)
    assert world.status(document) == "active"
    assert world.night() == {"rule@1": ShardOutcome(done=1)}

    outcome = undo.undo_plan(
        world.conn, plan_id=first.plan_id, now=world.now, actor=ACTOR, stores=world.stores
    )

    assert (outcome.undone, outcome.skipped) == (0, 1)
    assert world.status(document) == after_it


@pytest.mark.parametrize("actions", [DELETE, ARCHIVE])
def test_nobody_restores_a_document_of_another_organization(
    world: World, actions: list[dict[str, str]]
) -> None:
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    document = world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=actions)
    world.night()
    before = world.status(document)

    outcome = undo.restore_documents(
        world.conn,
        organization="other",
        document_ids=[document],
        now=world.now,
        actor=ACTOR,
        reason="needed",
        stores=world.stores,
    )

    assert (outcome.undone, outcome.skipped) == (0, 1)
    assert world.status(document) == before != "active"
