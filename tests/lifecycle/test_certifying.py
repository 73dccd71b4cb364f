"""Certificates of destruction: when one is issued, for what, and what it proves."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest

from doclife.domain.canonical import canonical
from doclife.domain.merkle import leaf_hash, root_of
from doclife.domain.signature import SigningKey
from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle import applying, certifying, holding, purging
from doclife.lifecycle.certifying import Issued
from doclife.lifecycle.planning_erasure import plan_erasure
from doclife.lifecycle.purge_manifests import write_manifests
from doclife.lifecycle.undo import undo_plan
from doclife.storage.marker import MARKER_NAME
from doclife.storage.s3 import S3Filesystem
from doclife.store import certificates, organizations, purges
from doclife.store.connection import connect
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url
from tests.offline import is_included, is_signed

from .cloud import Cloud, cloud_of
from .conftest import ACTOR, World
from .test_purge_manifests import approve

KEY = SigningKey(seed=b"\x07" * 32)
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
DELETE = [{"do": "DELETE"}]


def trash(world: World, *names: str, **columns: Any) -> list[int]:
    """Register documents and let a rule trash them, with their grace already over."""
    documents = [world.add_document(name, document_type="draft", **columns) for name in names]
    world.enforce(when=DRAFTS, actions=DELETE, grace="0d", authority="Schedule 12, item 4")
    world.night()
    return documents


def purge(world: World) -> int:
    """Run the weekly purge and return its plan."""
    world.purge()
    plan = world.value("SELECT max(id) FROM plans WHERE kind = 'purge'")
    applying.finish(world.conn, plan_id=plan, now=world.now)
    return int(plan)


def issue(world: World, *, key: SigningKey | None = KEY) -> Issued:
    """Issue what is due, as the weekly task does."""
    return certifying.issue_certificates(
        world.conn, key=key, stores=world.stores, now=world.now, actor="schedule"
    )


def purge_and_issue(world: World) -> None:
    purge(world)
    issue(world)


def body_of(world: World, plan: int) -> dict[str, Any]:
    return certifying.find_certificate(world.conn, plan).body


def file_of(world: World, plan: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (world.folder / "archive" / "certificates" / "default" / f"{plan}.json").read_bytes()
    )
    return found


def test_a_purge_gets_one_certificate_with_what_records_officers_ask_for(world: World) -> None:
    first, second = (
        world.add_document(
            f"draft-{size}", document_type="draft", created_on=on, content=b"x" * size
        )
        for size, on in ((1, date(2019, 3, 1)), (2, date(2021, 5, 2)))
    )
    trash(world)
    plan = purge(world)

    issued = issue(world)

    assert issued == Issued(plan_ids=[plan], written=1, unwritten=0)
    body = body_of(world, plan)
    assert body["number"] == plan
    assert body["organization"]["short_name"] == "default"
    assert (body["documents"], body["size_bytes"]) == (2, 3)
    [series] = body["series"]
    assert series == {
        "document_type": "draft",
        "rule": "rule@1",
        "authority": "Schedule 12, item 4",
        "documents": 2,
        "size_bytes": 3,
        "dated_from": "2019-03-01",
        "dated_to": "2021-05-02",
        "undated": 0,
    }
    [store] = body["stores"]
    assert (store["store"], store["destroyed"], store["verified_gone"]) == ("documents", 2, 2)
    assert (store["backups_expire_after_days"], store["backups_expired_on"]) == (None, None)
    assert body["not_destroyed"]["documents"] == 0
    listed = [line["item"] for line in file_of(world, plan)["items"]]
    assert [one["document"] for one in listed] == [first, second]
    assert listed[0]["sha256"] == sha256(b"x").hexdigest()
    assert listed[0]["rule"] == "rule@1"
    assert listed[0]["destroyed_at"] == "2026-03-02T03:00:00Z"


def test_its_file_is_signed_and_names_no_document_but_by_salted_hashes(world: World) -> None:
    [document] = trash(world, "secret-name.txt")
    plan = purge(world)
    issue(world)

    text = (world.folder / f"archive/certificates/default/{plan}.json").read_text()
    file = json.loads(text)

    assert "secret-name" not in text
    assert "owner@example.org" not in text
    signature, public = bytes.fromhex(file["signature"]), bytes.fromhex(file["public_key"])
    assert public == KEY.public_key
    assert is_signed(public, signature, canonical(file["certificate"]))
    [line] = file["items"]
    assert leaf_hash(canonical(line["item"])).hex() == line["leaf"]
    assert root_of([bytes.fromhex(line["leaf"])]).hex() == file["certificate"]["tree"]["root"]
    salt = bytes.fromhex(line["item"]["salt"])
    title = sha256(salt + b"title:Title of secret-name.txt").hexdigest()
    assert line["item"]["title_hash"] == title
    name = sha256(salt + b"external_id:secret-name.txt").hexdigest()
    assert line["item"]["external_id_hash"] == name
    assert world.value("SELECT title FROM documents WHERE id = %s", document) is None


def test_no_two_items_have_the_same_salt(world: World) -> None:
    trash(world, *(f"draft-{number}" for number in range(5)))
    plan = purge(world)
    issue(world)

    assert len({line["item"]["salt"] for line in file_of(world, plan)["items"]}) == 5


def test_tasks_purge_and_issue_with_the_rights_that_they_have(
    world: World, postgres: Postgres
) -> None:
    trash(world, "draft.txt")
    url = role_url(postgres, world.conn.info.dbname, role=databases.TASKS)
    with connect(url, application_name="tasks") as conn:
        tasks = World(conn=conn, folder=world.folder, now=world.now, runs=world.runs)
        plan = purge(tasks)

        assert issue(tasks) == Issued(plan_ids=[plan], written=1, unwritten=0)
        assert body_of(tasks, plan)["documents"] == 1


def test_issuing_again_changes_nothing(world: World) -> None:
    trash(world, "draft.txt")
    plan = purge(world)
    issue(world)
    before = certifying.find_certificate(world.conn, plan)
    world.later(days=7)

    assert issue(world) == Issued(plan_ids=[], written=0, unwritten=0)
    assert certifying.find_certificate(world.conn, plan) == before


def test_a_plan_that_destroyed_nothing_gets_no_certificate(world: World) -> None:
    purge(world)

    assert issue(world, key=None) == Issued(plan_ids=[], written=0, unwritten=0)


def test_no_certificate_before_the_whole_plan_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash(world, "first.txt", "second.txt")
    monkeypatch.setattr(purging, "PURGE_BATCH_SIZE", 1)
    real = purges.finish

    def die_after_the_first(*arguments: Any, **named: Any) -> Any:
        if world.value("SELECT count(*) FROM documents WHERE status = 'purged'"):
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(purges, "finish", die_after_the_first)
    with pytest.raises(KeyboardInterrupt):
        world.purge()
    assert world.value("SELECT count(*) FROM documents WHERE status = 'purged'") == 1
    assert issue(world).plan_ids == []
    monkeypatch.undo()

    plan = world.value("SELECT max(id) FROM plans WHERE kind = 'purge'")
    world.apply(plan)
    assert issue(world).plan_ids == [plan]
    assert body_of(world, plan)["documents"] == 2


def test_without_a_key_nothing_is_issued_and_it_is_said_how_to_make_one(world: World) -> None:
    trash(world, "draft.txt")
    plan = purge(world)

    with pytest.raises(ConfigurationError, match="doclife signing-key new"):
        issue(world, key=None)

    assert issue(world).plan_ids == [plan]


def test_what_could_not_be_destroyed_is_listed_as_such_and_certified_when_it_is(
    world: World,
) -> None:
    [sound, changed] = trash(world, "sound.txt", "changed.txt")
    world.file("changed.txt").write_bytes(b"changed")
    plan = purge(world)
    issue(world)

    body = body_of(world, plan)
    assert body["documents"] == 1
    assert body["not_destroyed"]["reasons"] == [{"reason": "changed", "documents": 1}]
    file = file_of(world, plan)
    assert file["not_destroyed"] == [{"reason": "changed", "documents": [changed]}]
    listed = sha256(canonical(file["not_destroyed"])).hexdigest()
    assert body["not_destroyed"]["list_sha256"] == listed
    assert [line["item"]["document"] for line in file["items"]] == [sound]

    world.file("changed.txt").write_bytes(b"content")
    world.later(days=7)
    later = purge(world)
    assert issue(world).plan_ids == [later]
    assert [line["item"]["document"] for line in file_of(world, later)["items"]] == [changed]


def test_a_held_document_is_not_destroyed_and_said_to_be(world: World) -> None:
    [free, held] = trash(world, "free.txt", "held.txt")
    holding.hold(
        world.conn,
        organization="default",
        matter="case",
        document_ids=[held],
        reason="a court asks",
        now=world.now,
        actor=ACTOR,
    )
    plan = purge(world)
    issue(world)

    assert body_of(world, plan)["not_destroyed"]["reasons"] == [{"reason": "held", "documents": 1}]
    assert [line["item"]["document"] for line in file_of(world, plan)["items"]] == [free]


def test_bytes_that_another_document_needs_are_said_to_be_kept(world: World) -> None:
    [document] = trash(world, "draft.txt")
    other = world.add_document("other.txt", content=None, document_type="contract")
    world.conn.execute(
        "UPDATE documents SET stored_object_id ="
        " (SELECT stored_object_id FROM documents WHERE id = %s) WHERE id = %s",
        (document, other),
    )
    plan = purge(world)
    issue(world)

    [store] = body_of(world, plan)["stores"]
    assert (store["destroyed"], store["kept_because_others_need_them"]) == (0, 1)
    [line] = file_of(world, plan)["items"]
    assert [one["outcome"] for one in line["item"]["bytes"]] == ["kept"]
    assert world.file("draft.txt").exists()


def test_bytes_that_were_gone_already_and_hard_links_are_said(world: World) -> None:
    trash(world, "gone.txt", "linked.txt")
    world.file("gone.txt").unlink()
    os.link(world.file("linked.txt"), world.folder / "elsewhere.txt")
    plan = purge(world)
    issue(world)

    [store] = body_of(world, plan)["stores"]
    assert (store["destroyed"], store["found_gone"]) == (1, 1)
    assert store["with_other_hard_links"] == 1


def test_how_long_backups_keep_bytes_is_said_where_it_is_known(world: World) -> None:
    trash(world, "draft.txt")
    world.conn.execute("UPDATE stores SET backup_expires_after_days = 35")
    plan = purge(world)
    issue(world)

    [store] = body_of(world, plan)["stores"]
    assert (store["backups_expire_after_days"], store["backups_expired_on"]) == (35, "2026-04-06")


def test_a_proof_shows_one_document_and_no_other(world: World) -> None:
    documents = trash(world, *(f"draft-{number}" for number in range(5)))
    plan = purge(world)
    issue(world)
    lines = file_of(world, plan)["items"]
    for number, document in enumerate(documents):
        proof = certifying.prove(world.conn, document_id=document)

        leaf = leaf_hash(canonical(proof["item"]))
        assert is_included(
            leaf,
            index=proof["index"],
            size=5,
            path=[bytes.fromhex(one) for one in proof["path"]],
            root=bytes.fromhex(proof["certificate"]["tree"]["root"]),
        )
        text = json.dumps(proof)
        for other in (line["item"] for at, line in enumerate(lines) if at != number):
            assert other["salt"] not in text
            assert other["title_hash"] not in text
            assert other["sha256"] not in text or other["sha256"] == lines[number]["item"]["sha256"]


def test_a_document_that_is_there_has_no_proof(world: World) -> None:
    document = world.add_document("here.txt")

    with pytest.raises(ConfigurationError, match="is in no certificate"):
        certifying.prove(world.conn, document_id=document)


def test_it_is_told_in_an_event_and_in_the_audit_trail(world: World) -> None:
    trash(world, "draft.txt")
    plan = purge(world)
    issue(world)

    [(subject, payload)] = world.conn.execute(
        "SELECT subject, payload FROM events WHERE type = 'certificate.issued'"
    ).fetchall()
    assert subject == f"plan-{plan}"
    assert (payload["plan_id"], payload["documents"]) == (plan, 1)
    assert payload["signing_key"] == KEY.fingerprint
    [entry] = world.conn.execute(
        "SELECT plan_id FROM audit_entries WHERE action = 'certificate.issued'"
    ).fetchall()
    assert entry[0] == plan


@pytest.mark.parametrize(
    "killed_in", ["announce", "insert", "record_file", "record_destroyed", "finish"]
)
def test_killed_anywhere_and_run_again_there_is_exactly_one_certificate(
    world: World, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    [document] = trash(world, "draft.txt")
    place = purges if killed_in in ("record_destroyed", "finish") else certificates
    real = getattr(place, killed_in)

    def die(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(place, killed_in, die)
    with pytest.raises(KeyboardInterrupt):
        purge_and_issue(world)
    world.conn.rollback()
    monkeypatch.undo()

    plan = purge(world)
    issue(world)

    assert world.value("SELECT count(*) FROM certificates") == 1
    assert world.value("SELECT count(*) FROM certificate_files") == 1
    assert world.value("SELECT count(*) FROM events WHERE type = 'certificate.issued'") == 1
    issued = world.value("SELECT plan_id FROM certificates")
    assert issued in (plan, world.value("SELECT min(id) FROM plans WHERE kind = 'purge'"))
    [line] = file_of(world, issued)["items"]
    assert line["item"]["document"] == document


def test_a_certificate_that_cannot_be_written_is_issued_and_written_later(world: World) -> None:
    trash(world, "draft.txt")
    plan = purge(world)
    marker = world.folder / "archive" / MARKER_NAME
    content = marker.read_bytes()
    marker.unlink()

    with pytest.raises(StorageError, match="issued, and not written"):
        issue(world)
    assert certifying.find_certificate(world.conn, plan).file_uri is None

    marker.write_bytes(content)
    assert issue(world) == Issued(plan_ids=[], written=1, unwritten=0)
    assert file_of(world, plan)["certificate"]["number"] == plan


def test_another_certificate_in_its_place_stays_and_is_told(world: World) -> None:
    trash(world, "draft.txt")
    plan = purge(world)
    place = world.folder / "archive" / "certificates" / "default" / f"{plan}.json"
    place.parent.mkdir(parents=True)
    place.write_text("{}")

    with pytest.raises(StorageError, match="is another certificate"):
        issue(world)

    assert place.read_text() == "{}"


def test_nobody_changes_a_certificate_or_what_it_lists(world: World) -> None:
    trash(world, "draft.txt")
    purge(world)
    issue(world)
    for query in (
        "UPDATE certificate_items SET salt = sha256(salt)",
        "DELETE FROM certificate_items",
        "DELETE FROM certificates",
        "UPDATE certificate_files SET uri = ''",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            world.conn.execute(query)


def test_more_items_than_are_held_at_once_lead_to_the_same_root(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "ITEMS_AT_ONCE", 3)
    trash(world, *(f"draft-{number}" for number in range(10)))
    plan = purge(world)
    issue(world)

    lines = file_of(world, plan)["items"]
    leaves = [leaf_hash(canonical(line["item"])) for line in lines]
    assert root_of(leaves).hex() == body_of(world, plan)["tree"]["root"]


@pytest.fixture
def cloud(world: World, bucket: str, s3_client: Any, s3_options: dict[str, Any]) -> Cloud:
    """Documents in a bucket, and a rule that trashes what is put there."""
    cloud = cloud_of(world, bucket=bucket, client=s3_client, options=s3_options)
    cloud.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    return cloud


def test_every_version_is_verified_gone_behind_a_delete_marker_too(cloud: Cloud) -> None:
    cloud.switch_versions_on()
    document = cloud.add_object("draft.txt", b"content")
    cloud.night()
    cloud.client.delete_object(Bucket=cloud.bucket, Key="root/draft.txt")

    plan = purge(cloud)
    issue(cloud)

    [store] = body_of(cloud, plan)["stores"]
    assert (store["destroyed"], store["with_versions"]) == (1, 1)
    assert cloud.status(document) == "purged"
    page = cloud.client.list_object_versions(Bucket=cloud.bucket, Prefix="root/draft.txt")
    assert "Versions" not in page


def test_a_version_that_comes_while_bytes_are_removed_keeps_the_certificate_away(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.switch_versions_on()
    document = cloud.add_object("draft.txt", b"content")
    cloud.night()
    remove = S3Filesystem.remove

    def remove_and_upload(self: S3Filesystem, uri: str, **named: Any) -> None:
        remove(self, uri, **named)
        cloud.client.put_object(Bucket=cloud.bucket, Key="root/draft.txt", Body=b"content")

    monkeypatch.setattr(S3Filesystem, "remove", remove_and_upload)
    purge(cloud)
    monkeypatch.undo()

    assert cloud.status(document) == "purging"
    assert issue(cloud).plan_ids == []
    [version] = cloud.versions()
    cloud.client.delete_object(Bucket=cloud.bucket, Key="root/draft.txt", VersionId=version)
    plan = purge(cloud)
    assert issue(cloud).plan_ids == [plan]


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_an_object_lock_that_refuses_is_a_failed_item_and_no_certificate(
    world: World, s3_client: Any, s3_options: dict[str, Any], mode: str
) -> None:
    bucket = f"locked-{mode.lower()}"
    s3_client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    cloud = cloud_of(world, bucket=bucket, client=s3_client, options=s3_options)
    cloud.enforce(when=DRAFTS, actions=DELETE, grace="0d")
    document = cloud.add_object("draft.txt", b"content")
    s3_client.put_object_retention(
        Bucket=bucket,
        Key="root/draft.txt",
        Retention={"Mode": mode, "RetainUntilDate": datetime.now(UTC) + timedelta(days=1)},
    )
    cloud.night()

    plan = purge(cloud)

    assert issue(cloud).plan_ids == []
    assert cloud.status(document) == "purging"
    assert cloud.items(plan) == {"draft.txt": ("failed", "not_removed")}
    assert len(cloud.versions()) == 1


def test_the_copy_in_a_bag_is_verified_gone_like_the_original(world: World) -> None:
    world.add_document("draft.txt", document_type="draft")
    world.enforce("archive", when=DRAFTS, actions=[{"do": "ARCHIVE"}])
    world.night()
    world.later(days=1)
    trash(world)

    plan = purge(world)
    issue(world)

    assert {one["store"]: one["destroyed"] for one in body_of(world, plan)["stores"]} == {
        "archive": 1,
        "documents": 1,
    }
    [line] = file_of(world, plan)["items"]
    assert sorted(one["is_copy"] for one in line["item"]["bytes"]) == [False, True]


def test_an_erasure_is_certified_by_its_own_authority(world: World) -> None:
    [document] = trash(world, "draft.txt")
    summary = plan_erasure(
        world.conn,
        organization=organizations.find(world.conn, "default"),
        document_ids=[document],
        authority="erasure request 3",
        now=world.now,
        dag_id="cli",
        run_id="request-3",
        requested_by="cli:maria",
    )
    approve(world, summary.plan_id)
    world.apply(summary.plan_id)
    applying.finish(world.conn, plan_id=summary.plan_id, now=world.now)

    assert issue(world).plan_ids == [summary.plan_id]

    body = body_of(world, summary.plan_id)
    assert [one["authority"] for one in body["series"]] == ["erasure request 3"]
    assert body["not_destroyed"]["documents"] == 0
    [decision] = body["decisions"]
    assert decision["decision"] == "approve"


def test_what_an_undone_erasure_has_destroyed_is_certified_and_in_a_manifest(
    world: World,
) -> None:
    [trashed] = trash(world, "draft.txt")
    active = world.add_document("letter.txt")
    summary = plan_erasure(
        world.conn,
        organization=organizations.find(world.conn, "default"),
        document_ids=[trashed, active],
        authority="erasure request 3",
        now=world.now,
        dag_id="cli",
        run_id="request-3",
        requested_by="cli:maria",
    )
    approve(world, summary.plan_id)
    world.apply(summary.plan_id)

    undo_plan(world.conn, plan_id=summary.plan_id, now=world.now, actor=ACTOR, stores=world.stores)

    assert world.value("SELECT state FROM plans WHERE id = %s", summary.plan_id) == "undone"
    assert (world.status(trashed), world.status(active)) == ("purged", "active")
    assert issue(world).plan_ids == [summary.plan_id]
    [line] = file_of(world, summary.plan_id)["items"]
    assert line["item"]["document"] == trashed
    assert write_manifests(world.conn, stores=world.stores, now=world.now) == 1
