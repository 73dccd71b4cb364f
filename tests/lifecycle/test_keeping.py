"""What a review found: ways to lose the last good bytes, or never to be done with a document."""

import shutil
from typing import Any

import bagit
import pytest

from doclife.domain.plan import ShardOutcome
from doclife.errors import TryAgainLater
from doclife.lifecycle import applying, cleaning, destroying, holding, planning, undo
from doclife.storage import bags
from doclife.storage.local import LocalFilesystem

from .conftest import ACTOR, World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
ARCHIVE = [{"do": "ARCHIVE"}]


def archived(world: World, name: str = "report.txt", *, grace: str = "30d") -> int:
    document = world.add_document(name, document_type="draft", content=b"important")
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace=grace)
    world.night()
    assert world.status(document) == "archived"
    return document


def restore(world: World, document: int) -> undo.UndoOutcome:
    return undo.restore_documents(
        world.conn,
        organization="default",
        document_ids=[document],
        now=world.now,
        actor=ACTOR,
        reason="needed",
        stores=world.stores,
    )


def test_a_restore_puts_the_copy_back_where_the_original_is_gone(world: World) -> None:
    document = archived(world)
    world.file("report.txt").unlink()

    outcome = restore(world, document)

    assert (outcome.undone, outcome.failures) == (1, ())
    assert world.file("report.txt").read_bytes() == b"important"


def test_a_restore_over_other_bytes_fails_and_keeps_the_copy(world: World) -> None:
    document = archived(world)
    world.file("report.txt").write_bytes(b"somebody else's work")

    outcome = restore(world, document)

    assert len(outcome.failures) == 1
    assert world.status(document) == "archived"
    [bag] = (world.folder / "archive").glob("default/rule/undated/*")
    assert (bag / "data" / str(document)).read_bytes() == b"important"


def test_an_original_that_a_damaged_copy_may_need_stays(world: World) -> None:
    first = world.add_document("report.txt", document_type="draft", content=b"important")
    world.conn.execute(
        "INSERT INTO documents (organization_id, external_id, document_type, stored_object_id,"
        " registered_at) SELECT 1, 'twin', 'draft', stored_object_id, registered_at"
        " FROM documents WHERE id = %s",
        (first,),
    )
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="0d")
    world.night()
    [bag] = (world.folder / "archive").glob("default/rule/undated/*")
    (bag / "data" / str(first)).write_bytes(b"damaged!!")

    [_purges, originals] = world.purge()

    assert originals == ShardOutcome(done=1, failed=1)
    assert world.file("report.txt").read_bytes() == b"important"


def test_a_change_after_an_original_went_does_not_leave_it_in_the_catalogue(world: World) -> None:
    document = archived(world, grace="0d")
    [_purges, originals] = planning.plan_purges(
        world.conn, now=world.now, dag_id="cleanup", run_id="1", requested_by="schedule"
    )
    applying.start(world.conn, plan_id=originals.plan_id, now=world.now)
    world.file("report.txt").unlink()  # the process that did it was killed before it could commit
    world.conn.execute("UPDATE documents SET owner = 'new@example.org'")

    outcome = world.apply(originals.plan_id)

    assert outcome == ShardOutcome(done=1)
    assert world.value("SELECT stored_object_id FROM documents WHERE id = %s", document) is None
    assert "gone already" in world.value(
        "SELECT reason FROM audit_entries WHERE action = 'document.original_removed'"
    )


def test_an_original_with_other_bytes_stays_and_can_be_used_again(world: World) -> None:
    archived(world, grace="0d")
    world.file("report.txt").write_bytes(b"somebody else's work")

    [_purges, originals] = world.purge()

    assert originals == ShardOutcome(failed=1)
    assert world.file("report.txt").exists()
    assert world.value("SELECT count(*) FROM stored_objects WHERE removing_since IS NOT NULL") == 0


def test_a_hold_that_comes_while_it_is_copied_keeps_a_document_out_of_the_archive(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = world.add_document("report.txt", document_type="draft", content=b"important")
    world.enforce(when=DRAFTS, actions=ARCHIVE)
    honest = bags.write_bag

    def write_while_a_hold_comes(*arguments: Any, **options: Any) -> bags.WrittenBag:
        written = honest(*arguments, **options)
        with world.another_connection() as officer:
            holding.hold(
                officer,
                organization="default",
                matter="case 7",
                reason="litigation",
                document_ids=[document],
                actor=ACTOR,
                now=world.now,
            )
        return written

    monkeypatch.setattr(bags, "write_bag", write_while_a_hold_comes)

    assert world.night() == {"rule@1": ShardOutcome(skipped=1)}

    assert world.status(document) == "active"
    assert not list((world.folder / "archive").glob("default/rule/undated/*"))


def test_an_original_that_could_not_be_removed_is_still_the_documents_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = archived(world, grace="0d")

    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError("read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(LocalFilesystem, "remove", refuse)
        [_purges, originals] = world.purge()

    assert originals == ShardOutcome(failed=1)
    assert world.value("SELECT stored_object_id FROM documents WHERE id = %s", document) is not None
    [_purges, originals] = world.purge()
    assert originals == ShardOutcome(done=1)
    assert not world.file("report.txt").exists()


def test_an_original_that_was_registered_newer_than_its_copy_stays(world: World) -> None:
    document = archived(world, grace="0d")
    path = world.file("report.txt")
    path.write_bytes(b"newer")
    world.conn.execute(
        "UPDATE stored_objects SET sha256 = sha256(%s), size_bytes = 5 FROM documents"
        " WHERE stored_objects.id = documents.stored_object_id AND documents.id = %s",
        (b"newer", document),
    )

    [_purges, originals] = world.purge()

    assert originals == ShardOutcome(failed=1)
    assert path.read_bytes() == b"newer"


def test_a_purge_that_died_halfway_is_taken_up_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(destroying, "destroy", die)
        with pytest.raises(KeyboardInterrupt):
            world.purge()
    assert world.status(draft) == "purging"

    world.later(hours=1)
    world.purge()

    assert world.status(draft) == "purged"
    assert not world.file("draft.txt").exists()


def test_a_purge_under_way_is_not_taken_over(world: World) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    [first, _originals] = planning.plan_purges(
        world.conn, now=world.now, dag_id="cleanup", run_id="first", requested_by="schedule"
    )
    [shard] = applying.start(world.conn, plan_id=first.plan_id, now=world.now)
    with world.another_connection() as busy:
        busy.execute(
            "SELECT pg_advisory_lock(hashtextextended('doclife shard ' || %s || ' 0 ' || %s, 0))",
            (shard.plan_id, shard.shard),
        )

        [second, _originals] = planning.plan_purges(
            world.conn, now=world.now, dag_id="cleanup", run_id="second", requested_by="schedule"
        )

    assert world.items(second.plan_id) == {"draft.txt": ("skipped", "reserved")}


def test_an_undo_killed_before_its_bag_is_rewritten_is_healed_by_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = archived(world)
    neighbour = world.add_document("other.txt", document_type="letter", content=b"x")

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("doclife.lifecycle.reactivating.take_out_unreferenced", die)
        with pytest.raises(KeyboardInterrupt):
            restore(world, document)
    assert (world.status(document), world.status(neighbour)) == ("active", "active")

    world.later(hours=2)
    cleaning.sweep_bags(world.conn, now=world.now, stores=world.stores)

    assert not list((world.folder / "archive").glob("default/rule/undated/*"))


def test_a_sweep_that_a_store_keeps_from_its_work_says_so_and_sweeps_the_others(
    world: World,
) -> None:
    for store in ("documents", "archive"):
        world.conn.execute(
            "INSERT INTO archive_bags (organization_id, store_id, uri, created_at)"
            " SELECT 1, id, root_uri || '/bag-1', %s - interval '2 hours' FROM stores"
            " WHERE name = %s",
            (world.now, store),
        )
    (world.folder / "documents" / ".doclife-store").unlink()

    with pytest.raises(TryAgainLater, match=r"\(1 were\): bag [0-9]+: store 'documents'"):
        cleaning.sweep_bags(world.conn, now=world.now, stores=world.stores)

    assert world.value("SELECT count(*) FROM archive_bags WHERE state = 'writing'") == 1


def test_a_sweep_leaves_a_bag_alone_that_was_begun_within_the_hour(world: World) -> None:
    world.conn.execute(
        "INSERT INTO archive_bags (organization_id, store_id, uri, created_at)"
        " SELECT 1, id, root_uri || '/bag-1', %s - interval '59 minutes' FROM stores"
        " WHERE name = 'archive'",
        (world.now,),
    )

    assert cleaning.sweep_bags(world.conn, now=world.now, stores=world.stores) == 0

    assert world.value("SELECT state FROM archive_bags") == "writing"
    world.later(minutes=2)
    assert cleaning.sweep_bags(world.conn, now=world.now, stores=world.stores) == 1


def test_a_field_that_a_retaining_rule_reads_cools_off_too(world: World) -> None:
    document = world.add_document("a.txt", document_type="contract")
    world.now = world.value("SELECT now()")
    contracts = {"field": "document_type", "op": "eq", "value": "contract"}
    world.enforce("keep", when=contracts, retain={"for": "permanent", "after": "registered_on"})
    old = {"field": "external_id", "op": "eq", "value": "a.txt"}
    world.enforce("tidy", when=old, actions=DELETE)

    world.conn.execute("UPDATE documents SET document_type = 'contrct' WHERE id = %s", (document,))
    [summary] = [one for one in world.plan() if one.rule == "tidy@1"]

    assert world.items(summary.plan_id) == {"a.txt": ("skipped", "cooling_off")}


def test_a_document_without_bytes_is_not_kept_for_ever_by_an_archive_that_cannot_be(
    world: World,
) -> None:
    document = world.add_document("a.txt", document_type="draft", content=None)
    world.enforce(when=DRAFTS, actions=[*ARCHIVE, *DELETE])

    world.night()

    assert world.status(document) == "deleted"


def test_an_archive_survives_the_loss_of_its_folder_only_as_a_failure(world: World) -> None:
    document = archived(world, grace="0d")
    [bag] = (world.folder / "archive").glob("default/rule/undated/*")
    assert bagit.Bag(str(bag)).is_valid()
    shutil.rmtree(bag / "data")

    [_purges, originals] = world.purge()

    assert originals == ShardOutcome(failed=1)
    assert world.file("report.txt").exists()
    assert world.status(document) == "archived"
