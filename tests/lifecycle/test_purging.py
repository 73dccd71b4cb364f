"""What a purge destroys, what it leaves alone, and what it says about both."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

import pytest
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus

from doclife.domain.plan import ShardOutcome, ShardRef
from doclife.errors import StorageError, TryAgainLater
from doclife.lifecycle import applying, destroying, holding, judging, planning
from doclife.lifecycle.stores import register_store
from doclife.storage import removal, s3
from doclife.storage.marker import MARKER_NAME
from doclife.storage.stores import Stores
from doclife.store import objects, purges
from doclife.store.connection import Connection

from .cloud import Cloud, cloud_of
from .conftest import ACTOR, World

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]
ARCHIVE = [{"do": "ARCHIVE"}]


@pytest.fixture
def cloud(world: World, bucket: str, s3_client: Any, s3_options: dict[str, Any]) -> Cloud:
    """Documents in a bucket, and a rule that trashes what is put there."""
    cloud = cloud_of(world, bucket=bucket, client=s3_client, options=s3_options)
    cloud.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    return cloud


def trashed(world: World, name: str = "draft.txt", **columns: Any) -> int:
    """Register a document and let a rule trash it, with its grace already over."""
    document = world.add_document(name, document_type="draft", **columns)
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    return document


def reasons(world: World, document: int, action: str) -> list[str]:
    """Return why something was done to a document, as the audit trail says."""
    rows = world.conn.execute(
        "SELECT reason FROM audit_entries WHERE document_id = %s AND action = %s ORDER BY id",
        (document, action),
    )
    return [row[0] for row in rows]


def last_item(world: World, document: int) -> tuple[str, str | None, str]:
    """Return state, code and reason of a document's newest item."""
    row = world.conn.execute(
        "SELECT state, reason_code, reason FROM plan_items WHERE document_id = %s"
        " ORDER BY plan_id DESC LIMIT 1",
        (document,),
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def test_bytes_from_before_versioning_are_purged_for_good(cloud: Cloud) -> None:
    document = cloud.add_object("draft.txt", b"content")
    cloud.night()
    cloud.switch_versions_on()
    cloud.client.delete_object(Bucket=cloud.bucket, Key="root/draft.txt")
    assert cloud.versions() == ["null"]

    cloud.purge()

    assert cloud.status(document) == "purged"
    assert "Versions" not in cloud.client.list_object_versions(
        Bucket=cloud.bucket, Prefix="root/draft"
    )


def test_a_version_that_nobody_registered_is_a_failed_item_and_never_a_silent_purge(
    cloud: Cloud,
) -> None:
    cloud.switch_versions_on()
    cloud.client.put_object(Bucket=cloud.bucket, Key="root/draft.txt", Body=b"older")
    document = cloud.add_object("draft.txt", b"content")
    cloud.night()

    [outcome, _originals] = cloud.purge()

    assert outcome == ShardOutcome(failed=1)
    assert cloud.status(document) == "deleted"
    state, code, reason = last_item(cloud, document)
    assert (state, code) == ("failed", "changed")
    assert "1 version(s) beside the recorded one" in reason
    assert len(cloud.versions()) == 2

    older = cloud.versions()[-1]
    cloud.client.delete_object(Bucket=cloud.bucket, Key="root/draft.txt", VersionId=older)
    cloud.purge()
    assert cloud.status(document) == "purged"


def test_the_same_bytes_under_another_etag_are_purged(cloud: Cloud) -> None:
    document = cloud.add_object("draft.txt", b"content")
    cloud.conn.execute("UPDATE stored_objects SET etag = 'of another upload'")
    cloud.night()

    cloud.purge()

    assert cloud.status(document) == "purged"


def test_bytes_that_change_after_the_check_are_told_by_every_run_until_somebody_mends_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = cloud.add_object("draft.txt", b"content")
    cloud.night()
    honest = destroying.destroy

    def overwrite_then_destroy(*arguments: Any, **named: Any) -> destroying.Destroyed:
        cloud.client.put_object(Bucket=cloud.bucket, Key="root/draft.txt", Body=b"CONTENT")
        return honest(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(destroying, "destroy", overwrite_then_destroy)
        assert cloud.purge()[0] == ShardOutcome(failed=1)
    assert cloud.status(document) == "purging"
    assert last_item(cloud, document)[1] == "changed"

    cloud.later(days=7)
    assert cloud.purge()[0] == ShardOutcome(failed=1)

    cloud.client.put_object(Bucket=cloud.bucket, Key="root/draft.txt", Body=b"content")
    cloud.later(days=7)
    cloud.purge()
    assert cloud.status(document) == "purged"


def test_403_is_not_absence(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    document = cloud.add_object("draft.txt", b"content")
    cloud.night()
    honest = s3.S3Filesystem.stat

    def forbidden(self: s3.S3Filesystem, uri: str, **named: Any) -> Any:
        if uri.endswith("draft.txt"):
            raise PermissionError(13, "Forbidden")
        return honest(self, uri, **named)

    with monkeypatch.context() as patched:
        patched.setattr(s3.S3Filesystem, "stat", forbidden)
        assert cloud.purge()[0] == ShardOutcome(failed=1)

    assert cloud.status(document) == "deleted"
    assert last_item(cloud, document)[1] == "unreadable"


def test_a_store_whose_root_became_a_link_keeps_its_documents_in_the_trash(world: World) -> None:
    document = trashed(world)
    moved = world.folder / "moved"
    (world.folder / "documents").rename(moved)
    (world.folder / "documents").symlink_to(moved)

    [outcome, _originals] = world.purge()

    assert outcome == ShardOutcome(failed=1)
    assert world.status(document) == "deleted"
    assert "symbolic link" in last_item(world, document)[2]
    assert (moved / "draft.txt").exists()

    (world.folder / "documents").unlink()
    moved.rename(world.folder / "documents")
    world.later(days=7)
    world.purge()
    assert world.status(document) == "purged"


def test_a_store_registered_through_a_link_is_registered_where_it_really_is(world: World) -> None:
    (world.folder / "real").mkdir()
    (world.folder / "link").symlink_to(world.folder / "real")

    registered = register_store(
        world.conn,
        name="linked",
        root=str(world.folder / "link"),
        connection_id=None,
        now=world.now,
        actor=ACTOR,
        options=lambda _connection_id: {},
    )

    assert registered.store.record.root_uri.endswith("/real")


def test_a_document_whose_bytes_are_gone_already_is_purged_and_says_so(world: World) -> None:
    document = trashed(world)
    world.file("draft.txt").unlink()

    [outcome, _originals] = world.purge()

    assert outcome == ShardOutcome(done=1)
    assert world.status(document) == "purged"
    [reason] = reasons(world, document, "document.purged")
    assert reason.endswith("its bytes were gone already")
    assert "were gone already" in last_item(world, document)[2]


def test_absence_in_a_store_without_our_marker_is_not_believed(world: World) -> None:
    document = trashed(world)
    world.file("draft.txt").unlink()
    (world.folder / "documents" / MARKER_NAME).unlink()

    [outcome, _originals] = world.purge()

    assert outcome == ShardOutcome(failed=1)
    assert world.status(document) == "deleted"
    assert "stores adopt" in last_item(world, document)[2]


def test_a_hard_link_that_still_leads_to_the_bytes_is_told(world: World) -> None:
    document = trashed(world)
    os.link(world.file("draft.txt"), world.folder / "snapshot")

    world.purge()

    [reason] = reasons(world, document, "document.purged")
    assert "1 other hard link(s) lead to its bytes" in reason


def test_a_purge_says_which_rule_it_followed(world: World) -> None:
    document = trashed(world)
    world.purge()

    rows = world.conn.execute(
        "SELECT action, rule FROM audit_entries WHERE document_id = %s ORDER BY id", (document,)
    ).fetchall()

    assert rows == [
        ("document.trashed", "rule@1"),
        ("document.purging", "rule@1"),
        ("document.purged", "rule@1"),
    ]


def test_a_hold_waits_for_no_copy_that_is_read_before_its_original_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = world.add_document("report.txt", document_type="draft", content=b"important")
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="0d")
    world.night()
    honest = destroying.check
    held = threading.Event()

    def check_while_a_hold_comes(*arguments: Any) -> destroying.Checked:
        checked = honest(*arguments)
        with world.another_connection() as officer:
            officer.execute("SET lock_timeout = '2s'")
            holding.hold(
                officer,
                organization="default",
                matter="case 7",
                reason="litigation",
                document_ids=[document],
                actor=ACTOR,
                now=world.now,
            )
        held.set()
        return checked

    monkeypatch.setattr(destroying, "check", check_while_a_hold_comes)

    [_purges, originals] = world.purge()

    assert held.is_set()
    assert originals == ShardOutcome(skipped=1)
    assert world.file("report.txt").exists()


def test_an_original_registered_anew_while_its_copy_was_read_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_document("report.txt", document_type="draft", content=b"important")
    world.enforce(when=DRAFTS, actions=ARCHIVE, grace="0d")
    world.night()
    honest = destroying.check

    def check_while_an_import_comes(*arguments: Any) -> destroying.Checked:
        checked = honest(*arguments)
        world.file("report.txt").write_bytes(b"important too")
        world.conn.execute(
            "UPDATE stored_objects SET sha256 = %s, size_bytes = 13 WHERE bag_id IS NULL",
            (hashlib.sha256(b"important too").digest(),),
        )
        return checked

    monkeypatch.setattr(destroying, "check", check_while_an_import_comes)

    [_purges, originals] = world.purge()

    assert originals == ShardOutcome(failed=1)
    assert world.file("report.txt").read_bytes() == b"important too"


def test_a_store_that_does_not_answer_fails_the_item_and_not_the_purge(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = trashed(world, "sound.txt")
    odd = world.add_document("odd.txt", document_type="draft", content=b"odd")
    world.night()
    honest = removal.find_recorded

    def broken_for_one(stores: Stores, recorded: Any, **named: Any) -> Any:
        if recorded.uri.endswith("odd.txt"):
            raise StorageError("input/output error")
        return honest(stores, recorded, **named)

    monkeypatch.setattr("doclife.lifecycle.destroying.find_recorded", broken_for_one)

    [outcome, _originals] = world.purge()

    assert outcome == ShardOutcome(done=1, failed=1)
    assert (world.status(sound), world.status(odd)) == ("purged", "deleted")


def twins_in_two_shards(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], ShardRef, ShardRef]:
    """Let two documents that share their bytes be purged in a shard each; return them too."""
    monkeypatch.setitem(judging.SHARD_DOCUMENTS, "PURGE", 1)
    twins = [world.add_document(name, document_type="draft") for name in ("a.txt", "b.txt")]
    world.conn.execute(
        "UPDATE documents SET stored_object_id = (SELECT min(id) FROM stored_objects)"
    )
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    world.night()
    world.later(days=1)
    plan = next(
        plan
        for plan in planning.plan_purges(
            world.conn, now=world.now, dag_id="cleanup", run_id="r", requested_by="schedule"
        )
        if plan.kind == "purge"
    )
    first, second = applying.start(world.conn, plan_id=plan.plan_id, now=world.now)
    return twins, first, second


def apply(world: World, conn: Connection, shard: ShardRef) -> ShardOutcome:
    return applying.apply_shard(
        conn, shard=shard, now=lambda: world.now, actor=ACTOR, stores=world.stores
    )


def test_bytes_that_two_shards_let_go_at_the_same_moment_are_removed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins, first, second = twins_in_two_shards(world, monkeypatch)
    destroy = destroying.destroy

    def after_the_other_shard(*given: Any, **named: Any) -> destroying.Destroyed:
        monkeypatch.setattr(destroying, "destroy", destroy)
        with world.another_connection() as other:
            assert apply(world, other, second).done == 1
        return destroy(*given, **named)

    monkeypatch.setattr(destroying, "destroy", after_the_other_shard)

    assert apply(world, world.conn, first).done == 1
    assert [world.status(each) for each in twins] == ["purged", "purged"]
    assert not world.file("a.txt").exists()


def test_bytes_that_are_recorded_as_kept_are_condemned_by_nobody_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins, first, second = twins_in_two_shards(world, monkeypatch)
    record_destroyed = purges.record_destroyed
    waited = []

    def while_the_other_shard_comes(*given: Any, **named: Any) -> list[int]:
        monkeypatch.setattr(purges, "record_destroyed", record_destroyed)
        recorded = record_destroyed(*given, **named)
        with world.another_connection() as other:
            other.execute("SET lock_timeout = '100ms'")
            with pytest.raises(LockNotAvailable):
                apply(world, other, second)
            waited.append(True)
        return recorded

    monkeypatch.setattr(purges, "record_destroyed", while_the_other_shard_comes)

    assert apply(world, world.conn, first).done == 1
    assert waited == [True]
    assert apply(world, world.conn, second).done == 1
    assert [world.status(each) for each in twins] == ["purged", "purged"]
    outcomes = world.conn.execute(
        "SELECT contents -> 0 ->> 'outcome' FROM certificate_items ORDER BY document_id"
    ).fetchall()
    assert outcomes == [("kept",), ("destroyed",)]


def test_bytes_that_another_shard_has_condemned_are_recorded_once_they_are_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other shard died after it had condemned them."""
    twins, first, second = twins_in_two_shards(world, monkeypatch)
    destroy = destroying.destroy

    class DiedError(Exception):
        pass

    def die(*_given: Any, **_named: Any) -> destroying.Destroyed:
        raise DiedError

    def after_the_other_died(*given: Any, **named: Any) -> destroying.Destroyed:
        monkeypatch.setattr(destroying, "destroy", die)
        with world.another_connection() as other, pytest.raises(DiedError):
            apply(world, other, second)
        monkeypatch.setattr(destroying, "destroy", destroy)
        return destroy(*given, **named)

    monkeypatch.setattr(destroying, "destroy", after_the_other_died)

    assert apply(world, world.conn, first).done == 1
    assert apply(world, world.conn, second).done == 1
    assert [world.status(each) for each in twins] == ["purged", "purged"]
    assert not world.file("a.txt").exists()


def test_what_cannot_be_finished_is_not_recorded_as_destroyed_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _twins, first, _second = twins_in_two_shards(world, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(purges, "finish", lambda *_given, **_named: [])
        with pytest.raises(TryAgainLater):
            apply(world, world.conn, first)
    assert world.value("SELECT count(*) FROM certificate_items") == 0

    assert apply(world, world.conn, first).done == 1
    assert world.value("SELECT count(*) FROM certificate_items") == 1


def test_nobody_refers_to_bytes_anew_while_it_is_settled_whether_they_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed(world)
    honest = objects.list_of_documents
    waited = []

    def list_while_somebody_registers(conn: Connection, *arguments: Any, **options: Any) -> Any:
        found = honest(conn, *arguments, **options)
        if conn.info.transaction_status is TransactionStatus.INTRANS:
            with world.another_connection() as other:
                other.execute("SET lock_timeout = '100ms'")
                try:
                    other.execute(
                        "INSERT INTO documents (organization_id, external_id, stored_object_id)"
                        " SELECT 1, 'late', id FROM stored_objects"
                    )
                except LockNotAvailable:
                    waited.append(True)
        return found

    monkeypatch.setattr(objects, "list_of_documents", list_while_somebody_registers)

    [purge, _originals] = world.purge()

    assert waited == [True]
    assert purge == ShardOutcome(done=1)
