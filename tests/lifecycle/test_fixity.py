"""The sample: what was not read for longest first, within its budget; damage is told and kept."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from doclife.domain.actions import ActionType
from doclife.errors import RefusedError, TryAgainLater
from doclife.lifecycle import fixity, fixity_report, halting
from doclife.lifecycle.fixity import FixityOutcome
from doclife.storage.marker import MARKER_NAME
from doclife.store import fixity as table
from doclife.store.connection import connect
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url
from tests.storage.killing import CALLS

from .cloud import Cloud, cloud_of
from .conftest import ACTOR, World
from .test_bags_after_destruction import archive, plan, trash


def check(world: World, **options: Any) -> FixityOutcome:
    """Check a week later, as a run of its own."""
    world.later(days=7)
    world.runs += 1
    return again(world, **options)


def again(world: World, **options: Any) -> FixityOutcome:
    """The same run once more."""
    return fixity.check_fixity(
        world.conn,
        stores=world.stores,
        now=lambda: world.now,
        dag_id="weekly_cleanup",
        run_id=f"week-{world.runs}",
        actor="schedule",
        **options,
    )


def said(world: World, document: int) -> list[tuple[str, str]]:
    return world.conn.execute(
        "SELECT action, reason FROM audit_entries WHERE document_id = %s"
        " AND action IN ('document.damaged', 'document.mended') ORDER BY id",
        (document,),
    ).fetchall()


def alerts(world: World) -> list[str]:
    rows = world.conn.execute("SELECT title FROM notifications WHERE type = 'alert' ORDER BY id")
    return [row[0] for row in rows]


def damaged(world: World) -> list[tuple[int, str, str]]:
    found = fixity_report.report(world.conn, organization=None, size=50).damaged
    return [(one.document_id, one.which, one.kind) for one in found]


def test_what_is_sound_is_noted_and_nobody_is_told(world: World) -> None:
    world.add_document("a", content=b"content")
    archive(world, "b")

    outcome = check(world)

    assert (outcome.check.object_count, outcome.check.byte_count) == (3, 9)
    assert (outcome.left_out, outcome.unreadable, damaged(world)) == ([], {}, [])
    assert (
        world.value("SELECT count(*) FROM stored_objects WHERE fixity_checked_at = %s", world.now)
        == 3
    )
    assert alerts(world) == []
    [store, documents] = fixity_report.report(world.conn, organization=None, size=1).stores
    assert (store.store, store.never_checked, documents.objects) == ("archive", 0, 2)


def test_a_changed_document_is_told_once_until_it_is_mended(world: World) -> None:
    document = world.add_document("a", content=b"content")
    sound = world.add_document("b", content=b"sound")
    world.file("a").write_bytes(b"CONTENT")

    assert check(world).check.damaged_count == 1
    assert check(world).check.damaged_count == 0

    assert said(world, document) == [("document.damaged", "its original is not what was recorded")]
    assert said(world, sound) == []
    assert damaged(world) == [(document, "original", "changed")]
    assert alerts(world) == ["1 document(s) stand on damaged bytes"]
    assert world.conn.execute(
        "SELECT type, payload FROM events WHERE type = 'document.damaged'"
    ).fetchall() == [
        ("document.damaged", {"bytes": "original", "found": "changed", "has_sound_copy": False})
    ]
    world.file("a").write_bytes(b"content")
    assert check(world, only_damaged=True).check.mended_count == 1
    assert said(world, document)[1:] == [("document.mended", "its original is as recorded again")]
    assert damaged(world) == []


def test_a_document_that_another_size_says_is_changed_is_not_read(world: World) -> None:
    world.add_document("a", content=b"content")
    world.file("a").write_bytes(b"much more content")

    outcome = check(world)

    assert (outcome.check.damaged_count, outcome.check.byte_count) == (1, 0)


def test_of_a_damaged_copy_it_is_said_that_the_original_is_sound(world: World) -> None:
    [document] = archive(world, "paper")
    [copy] = (world.folder / "archive").rglob(f"data/{document}")
    copy.chmod(0o600)
    copy.write_bytes(b"PAPER")
    for _ in range(2):  # the budget is for one of the two: the second is looked at besides
        check(world, budget_bytes=1)

    assert said(world, document) == [
        ("document.damaged", "its archived copy is not what was recorded; its original is sound")
    ]
    [found] = fixity_report.report(world.conn, organization="default", size=50).damaged
    assert found.other_uri == f"file://{world.file('paper')}"
    assert found.is_other_sound


def test_a_missing_document_is_damaged_only_beside_our_marker(world: World) -> None:
    document = world.add_document("a", content=b"content")
    archive(world, "b")
    world.file("a").unlink()
    marker = world.folder / "documents" / MARKER_NAME
    text = marker.read_text()
    marker.unlink()

    outcome = check(world)

    assert damaged(world) == []
    assert len(outcome.left_out) == 1
    assert "has no marker" in outcome.left_out[0]
    assert outcome.check.object_count == 1, "the other store is checked all the same"
    assert alerts(world) == ["Some bytes could not be checked"]
    marker.write_text(text)
    check(world)
    assert damaged(world) == [(document, "original", "missing")]


def test_what_may_not_be_read_is_neither_damaged_nor_checked(world: World) -> None:
    world.add_document("a", content=b"content")
    sound = world.add_document("b", content=b"content")
    world.file("a").unlink()
    world.file("a").mkdir()

    outcome = check(world)

    assert len(outcome.unreadable) == 1
    assert damaged(world) == []
    assert world.conn.execute(
        "SELECT document.id FROM stored_objects AS object"
        " JOIN documents AS document ON stored_object_id = object.id"
        " WHERE fixity_checked_at IS NOT NULL"
    ).fetchall() == [(sound,)]


def test_the_oldest_check_comes_first_and_what_never_was_checked_before_all(world: World) -> None:
    first = world.add_document("a", content=b"1234")
    second = world.add_document("b", content=b"1234")
    check(world, budget_bytes=4)
    third = world.add_document("c", content=b"1234")

    order = []
    for _ in range(4):
        check(world, budget_bytes=4)
        order.append(
            world.value(
                "SELECT document.id FROM documents AS document"
                " JOIN stored_objects AS object ON stored_object_id = object.id"
                " ORDER BY fixity_checked_at DESC NULLS LAST LIMIT 1"
            )
        )

    assert order == [second, third, first, second]


def test_the_budget_is_kept_and_a_larger_object_still_has_its_turn(world: World) -> None:
    for name, size in (("a", 30), ("b", 30), ("c", 30), ("large", 500)):
        world.add_document(name, content=b"x" * size)

    assert [check(world, budget_bytes=70).check.byte_count for _ in range(3)] == [60, 30, 500]


def test_without_a_budget_nothing_is_read(world: World) -> None:
    world.add_document("a", content=b"content")

    assert check(world, budget_bytes=0).check.object_count == 0


def test_known_damage_takes_a_tenth_of_the_budget_at_most(world: World) -> None:
    for number in range(5):
        world.add_document(f"{number}", content=b"x" * 10)
        world.file(f"{number}").write_bytes(b"y" * 10)
    check(world)
    for number in range(5):
        world.add_document(f"new-{number}", content=b"x" * 10)

    check(world, budget_bytes=60)
    seen = world.value("SELECT count(*) FROM fixity_damages WHERE seen_at = %s", world.now)
    never = world.value("SELECT count(*) FROM stored_objects WHERE fixity_checked_at IS NULL")
    assert (seen, never) == (1, 0)


def test_a_store_that_cannot_be_read_is_left_out_and_blinds_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixity, "MOST_UNREADABLE", 2)
    archive(world, "paper")
    for name in "abc":
        world.add_document(name, content=b"content")
        world.file(name).unlink()
        world.file(name).mkdir()

    outcome = check(world)

    assert outcome.left_out == [
        "store 'documents': 2 objects could not be read; the rest was not tried"
    ]
    assert len(outcome.unreadable) == 3
    read = fixity_report.report(world.conn, organization=None, size=1).stores
    assert {one.store: one.never_checked for one in read} == {"documents": 3, "archive": 0}


def test_a_store_with_few_unreadable_objects_is_read_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixity, "MOST_UNREADABLE", 2)
    monkeypatch.setattr(fixity, "SET_OBJECTS", 1)
    for name in "ab":
        world.add_document(name, content=b"content")
    world.file("a").unlink()
    world.file("a").mkdir()

    outcome = check(world)

    assert (outcome.left_out, outcome.check.object_count) == ([], 1)


def test_a_check_looks_at_so_many_objects_and_the_next_one_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixity, "MOST_OBJECTS", 2)
    monkeypatch.setattr(fixity, "SET_OBJECTS", 1)
    for number in range(4):
        world.add_document(f"{number}", content=b"content")

    assert [check(world).check.object_count for _ in range(2)] == [2, 2]
    assert world.value("SELECT count(*) FROM stored_objects WHERE fixity_checked_at IS NULL") == 0


def test_a_check_that_is_tried_again_exceeds_its_budget_no_second_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixity, "SET_OBJECTS", 1)
    for name, size in (("a", 30), ("large", 500), ("b", 30)):
        world.add_document(name, content=b"x" * size)
    world.runs += 1
    moments = iter([world.now, world.now])
    with pytest.raises(StopIteration):
        fixity.check_fixity(
            world.conn,
            stores=world.stores,
            now=lambda: next(moments),
            dag_id="weekly_cleanup",
            run_id=f"week-{world.runs}",
            actor="schedule",
            budget_bytes=70,
        )

    assert again(world).check.byte_count < 70
    assert check(world, budget_bytes=70).check.byte_count == 500


def test_known_damage_that_is_larger_than_its_share_keeps_nothing_else_from_its_turn(
    world: World,
) -> None:
    world.add_document("large", content=b"x" * 500)
    world.file("large").write_bytes(b"y" * 500)
    check(world)
    world.add_document("new", content=b"x" * 50)

    assert check(world, budget_bytes=100).check.byte_count == 50
    assert check(world, budget_bytes=100, only_damaged=True).check.byte_count == 500


def test_bytes_that_were_registered_anew_meanwhile_are_not_judged_by_the_old_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = world.add_document("a", content=b"content")
    world.file("a").write_bytes(b"CONTENT")
    record = table.record_checked

    def while_imported(conn: Any, results: Any, **options: Any) -> set[int]:
        conn.execute("UPDATE stored_objects SET sha256 = sha256(%s)", (b"CONTENT",))
        return record(conn, results, **options)

    monkeypatch.setattr(table, "record_checked", while_imported)

    outcome = check(world)

    assert (outcome.check.object_count, said(world, document)) == (0, [])
    monkeypatch.undo()
    check(world)
    assert said(world, document) == []


def test_a_damaged_document_is_neither_archived_nor_purged(world: World) -> None:
    document = world.add_document("a", content=b"content")
    doomed = world.add_document("b", content=b"content")
    trash(world, doomed)
    for name in ("a", "b"):
        world.file(name).write_bytes(b"CONTENT")
    assert check(world).check.damaged_count == 2

    with pytest.raises(AssertionError):
        plan(world, ActionType.ARCHIVE, [document])
    world.purge()

    assert (world.status(document), world.status(doomed)) == ("active", "deleted")
    assert world.file("b").exists()


def test_tasks_may_do_all_of_it(world: World, postgres: Postgres) -> None:
    document = world.add_document("a", content=b"content")
    archive(world, "b")
    world.file("a").write_bytes(b"CONTENT")
    world.runs += 1
    with connect(role_url(postgres, world.conn.info.dbname, role=databases.TASKS)) as conn:
        assert again(World(conn=conn, folder=world.folder, now=world.now)).check.damaged_count == 1
        world.file("a").write_bytes(b"content")
        world.later(days=7)
        mending = World(conn=conn, folder=world.folder, now=world.now, runs=1)
        assert again(mending).check.mended_count == 1
    assert [action for action, _ in said(world, document)] == [
        "document.damaged",
        "document.mended",
    ]


def test_while_all_is_halted_nothing_is_read(world: World) -> None:
    world.add_document("a", content=b"content")
    halting.halt(world.conn, reason="odd", actor=ACTOR, now=world.now)

    with pytest.raises(RefusedError, match="odd"):
        check(world)


def test_only_one_checks_at_a_time(world: World) -> None:
    with world.another_connection() as other:
        assert table.try_lock(other)
        with pytest.raises(TryAgainLater, match="another fixity check"):
            check(world)
        # A connection that is only closed holds its lock until its server process has gone.
        other.execute("SELECT pg_advisory_unlock_all()")
    assert check(world).check.ended_at is not None


def test_a_killed_check_goes_on_with_what_is_left_of_its_budget(
    world: World, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 before each third opening of a file; the next attempt ends what it began."""
    monkeypatch.setattr(fixity, "SET_OBJECTS", 2)
    for number in range(12):
        world.add_document(f"{number}", content=b"x" * 10)
    world.later(days=7)
    world.runs += 1
    for step in range(3, 30, 3):
        if not killed(world, database, step):
            break

    outcome = again(world, budget_bytes=100)

    assert outcome.check.byte_count == 100
    assert world.value("SELECT count(*) FROM stored_objects WHERE fixity_checked_at IS NULL") == 2
    assert world.value("SELECT count(*) FROM audit_entries WHERE action = 'fixity.checked'") == 1
    assert again(world).check == outcome.check


def killed(world: World, database: str, step: int) -> bool:
    """Check in a process that is killed before a system call; False when it ended before."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with connect(database, application_name="mortal") as conn:
                mortal = World(conn=conn, folder=world.folder, now=world.now, runs=world.runs)
                calls = iter(range(1, step))

                def counted(*arguments: Any, **options: Any) -> Any:
                    if next(calls, None) is None:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return opened(*arguments, **options)

                assert "open" in CALLS
                opened, os.open = os.open, counted
                again(mortal, budget_bytes=100)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    # What it held is free when its server process has gone, not a moment before.
    while world.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mortal'"):
        time.sleep(0.01)
    return os.WIFSIGNALED(status)


@pytest.fixture
def cloud(world: World, bucket: str, s3_client: Any, s3_options: dict[str, Any]) -> Cloud:
    return cloud_of(world, bucket=bucket, client=s3_client, options=s3_options)


def gets(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is read."""
    from doclife.storage.s3 import S3Filesystem

    read: list[str] = []
    part = S3Filesystem.part

    def noted(self: S3Filesystem, uri: str, *arguments: Any, **options: Any) -> bytes:
        read.append(uri)
        return part(self, uri, *arguments, **options)

    monkeypatch.setattr(S3Filesystem, "part", noted)
    return read


def test_cold_bytes_are_never_read_and_the_providers_checksum_counts(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, unknown, changed = (
        cloud.add_object(key, b"content") for key in ("known", "unknown", "x")
    )
    digest = "SHA256"
    for key, body, options in (
        ("known", b"content", {"ChecksumAlgorithm": digest}),
        ("unknown", b"content", {}),
        ("x", b"CONTENT", {"ChecksumAlgorithm": digest}),
    ):
        cloud.client.put_object(
            Bucket=cloud.bucket,
            Key=f"root/{key}",
            Body=body,
            StorageClass="DEEP_ARCHIVE",
            **options,
        )
    read = gets(cloud, monkeypatch)

    outcome = check(cloud)

    assert not [uri for uri in read if not uri.endswith(MARKER_NAME)]
    assert (outcome.check.object_count, outcome.check.byte_count) == (3, 0)
    assert damaged(cloud) == [(changed, "original", "changed")]
    assert outcome.check.cold_count == 1
    by = dict(
        cloud.conn.execute(
            "SELECT document.id, fixity_by FROM documents AS document"
            " JOIN stored_objects AS object ON stored_object_id = object.id"
        ).fetchall()
    )
    assert by == {known: "provider", unknown: "nobody", changed: "provider"}


def test_what_is_written_to_a_bucket_keeps_its_checksum(cloud: Cloud) -> None:
    store = cloud.stores.named("cloud")
    uri = f"{store.record.root_uri}/key"

    store.filesystem.create(uri, [b"content"])

    head = cloud.client.head_object(Bucket=cloud.bucket, Key="root/key", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M="
    assert store.filesystem.kept_sha256(uri) is not None


def test_a_bucket_that_forbids_is_not_one_that_is_empty(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doclife.storage.s3 import S3Filesystem

    cloud.add_object("key", b"content")
    stat = S3Filesystem.stat

    def forbidden(self: S3Filesystem, uri: str, **options: Any) -> Any:
        if uri.endswith("/key"):
            raise PermissionError(13, "Forbidden")
        return stat(self, uri, **options)

    monkeypatch.setattr(S3Filesystem, "stat", forbidden)

    outcome = check(cloud)

    assert len(outcome.unreadable) == 1
    assert damaged(cloud) == []


def test_the_recorded_version_is_sound_whatever_was_put_over_it(
    world: World, versioned_bucket: str, s3_client: Any, s3_options: dict[str, Any]
) -> None:
    cloud = cloud_of(world, bucket=versioned_bucket, client=s3_client, options=s3_options)
    cloud.add_object("key", b"content")
    s3_client.put_object(Bucket=versioned_bucket, Key="root/key", Body=b"newer")

    assert check(cloud).check.damaged_count == 0


def test_the_budget_of_the_deployment_is_kept_and_its_change_recorded(world: World) -> None:
    assert (
        fixity_report.change_budget(world.conn, budget_bytes=4, now=world.now, actor=ACTOR)
        == 10**10
    )
    for name in "abc":
        world.add_document(name, content=b"1234")

    assert check(world).check.byte_count == 4
    assert world.value(
        "SELECT details FROM audit_entries WHERE action = 'deployment.fixity_budget_changed'"
    ) == {"before": 10**10, "after": 4}
