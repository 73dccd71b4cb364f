import hashlib
import itertools
import os
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import removal, s3
from doclife.storage.bag_rewriting import BagPayload, rewrite_without, verify_bag
from doclife.storage.bags import Copy, Payload, remove_bag, write_bag
from doclife.storage.filesystem import Stat
from doclife.storage.marker import MarkerState
from doclife.storage.payloads import put_back
from doclife.storage.reading import digest, stat
from doclife.storage.removal import Recorded, Removal, remove_exactly
from doclife.storage.s3 import S3Filesystem
from doclife.storage.stores import Store, StoreRecord, Stores
from tests.storage.conftest import DEPLOYMENT, INFO, describe, record

EVERY_REQUEST = int(os.environ.get("DOCLIFE_ROUNDS", "200")) > 1000
LONGEST_STRIDE = 9
"""Where not every request is tried, how many are passed over at most: other ones in every run."""


def s3_record(bucket: str, options: dict[str, Any]) -> StoreRecord:
    return replace(record("cloud", f"s3://{bucket}/root"), options=options)


def opened(bucket: str, options: dict[str, Any]) -> Stores:
    stores = Stores([s3_record(bucket, options)], deployment_id=DEPLOYMENT)
    stores.named("cloud").claim()
    return stores


@pytest.fixture
def cloud(bucket: str, s3_options: dict[str, Any]) -> Stores:
    """A store in a plain bucket."""
    return opened(bucket, s3_options)


@pytest.fixture
def versions(versioned_bucket: str, s3_options: dict[str, Any]) -> Stores:
    """A store in a bucket that keeps every version."""
    return opened(versioned_bucket, s3_options)


def put(stores: Stores, key: str, content: bytes, *, document_id: int = 1) -> Payload:
    store = stores.named("cloud")
    uri = f"{store.record.root_uri}/{key}"
    found = store.filesystem.create(uri, [content])
    return Payload(
        document_id=document_id,
        source_uri=uri,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).digest(),
        etag=found.etag,
        version_id=found.version_id,
    )


def recorded(stores: Stores, key: str, content: bytes, *, version_id: str) -> Payload:
    return Payload(
        document_id=1,
        source_uri=f"{stores.named('cloud').record.root_uri}/{key}",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).digest(),
        version_id=version_id,
    )


def versions_of(s3_client: Any, bucket: str, key: str) -> list[str]:
    page = s3_client.list_object_versions(Bucket=bucket, Prefix=key)
    return [one["VersionId"] for one in page.get("Versions", ()) if one["Key"] == key]


def switch_versions_on(s3_client: Any, bucket: str) -> None:
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def remove(stores: Stores, payload: Payload) -> Removal:
    return remove_exactly(
        stores,
        Recorded(
            uri=payload.source_uri,
            size_bytes=payload.size_bytes,
            sha256=payload.sha256,
            etag=payload.etag,
            version_id=payload.version_id,
        ),
    )


@pytest.mark.parametrize("key", ["plain", "a b/%41+&?versionId=x#y", "Verträge/ä.pdf", "a//b"])
def test_any_key_is_written_read_and_removed(cloud: Stores, key: str) -> None:
    payload = put(cloud, key, b"content")

    assert digest(cloud, uri=payload.source_uri).sha256 == payload.sha256
    assert [
        listed.uri
        for listed in cloud.named("cloud").filesystem.listed(cloud.named("cloud").record.root_uri)
        if not listed.uri.endswith(".doclife-store")
    ] == [payload.source_uri]
    assert not remove(cloud, payload).already_gone
    assert stat(cloud, uri=payload.source_uri) is None
    assert remove(cloud, payload).already_gone


def test_large_objects_travel_in_parts(cloud: Stores) -> None:
    content = os.urandom(3 * s3.PART_BYTES + 12345)

    payload = put(cloud, "large", content)

    assert payload.etag is not None
    assert payload.etag.endswith("-4")
    read = digest(cloud, uri=payload.source_uri)
    assert (read.sha256, read.size_bytes) == (payload.sha256, len(content))


def test_an_empty_object_is_an_object(cloud: Stores) -> None:
    payload = put(cloud, "empty", b"")

    assert digest(cloud, uri=payload.source_uri).sha256 == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", [1, s3.PART_BYTES + 1])
def test_creating_never_overwrites(cloud: Stores, size: int) -> None:
    first = put(cloud, "key", b"first")

    with pytest.raises(FileExistsError):
        put(cloud, "key", bytes(size))

    assert digest(cloud, uri=first.source_uri).sha256 == first.sha256


def test_an_object_that_is_overwritten_while_it_is_read_is_not_taken_for_one(
    cloud: Stores, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = put(cloud, "key", bytes(2 * s3.READ_BYTES))
    honest = s3.S3Filesystem.part

    def overwrite_between_parts(
        filesystem: s3.S3Filesystem, uri: str, found: Stat, *, start: int
    ) -> bytes:
        if start:
            s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"x" * 2 * s3.READ_BYTES)
        return honest(filesystem, uri, found, start=start)

    monkeypatch.setattr(s3.S3Filesystem, "part", overwrite_between_parts)

    with pytest.raises(StorageError):
        digest(cloud, uri=payload.source_uri)


def test_a_large_object_that_fails_half_way_leaves_nothing(
    cloud: Stores, s3_client: Any, bucket: str
) -> None:
    def breaks_off() -> Any:
        yield bytes(2 * s3.PART_BYTES)
        raise RuntimeError("the source went away")

    store = cloud.named("cloud")
    with pytest.raises(RuntimeError):
        store.filesystem.create(f"{store.record.root_uri}/key", breaks_off())

    assert stat(cloud, uri=f"{store.record.root_uri}/key") is None
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=bucket)


def test_an_overwritten_object_stays(cloud: Stores, s3_client: Any, bucket: str) -> None:
    payload = put(cloud, "key", b"content")
    s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"CONTENT")

    with pytest.raises(ChangedBytes, match="SHA-256"):
        remove(cloud, payload)
    assert stat(cloud, uri=payload.source_uri) is not None


def test_an_object_that_is_overwritten_before_it_goes_stays(
    cloud: Stores, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = put(cloud, "key", b"content")
    honest = removal.hashed

    def hash_and_be_late(*arguments: Any, **options: Any) -> Any:
        read = honest(*arguments, **options)
        s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"CONTENT")
        return read

    monkeypatch.setattr(removal, "hashed", hash_and_be_late)

    with pytest.raises(StorageError, match="could not be removed"):
        remove(cloud, payload)
    assert s3_client.get_object(Bucket=bucket, Key="root/key")["Body"].read() == b"CONTENT"


def test_an_object_that_somebody_else_overwrites_at_once_is_not_taken_for_ours(
    cloud: Stores, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = s3.S3Filesystem.stat

    def stat_too_late(*arguments: Any, **options: Any) -> Any:
        s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"CONTENT")
        return honest(*arguments, **options)

    monkeypatch.setattr(s3.S3Filesystem, "stat", stat_too_late)

    with pytest.raises(OSError, match="overwritten by somebody else"):
        put(cloud, "key", b"content")


def test_without_a_recorded_etag_the_bytes_decide(cloud: Stores) -> None:
    payload = replace(put(cloud, "key", b"content"), etag=None)

    with pytest.raises(ChangedBytes, match="SHA-256"):
        remove(cloud, replace(payload, sha256=b"\0" * 32))
    assert not remove(cloud, payload).already_gone


def test_exactly_the_recorded_version_goes(versions: Stores, s3_client: Any, bucket: str) -> None:
    payload = put(versions, "key", b"content")
    put(versions, "key2", b"neighbour")

    assert not remove(versions, payload).already_gone

    assert versions_of(s3_client, bucket, "root/key") == []
    assert "DeleteMarkers" not in s3_client.list_object_versions(Bucket=bucket)
    assert remove(versions, payload).already_gone
    assert stat(versions, uri=payload.source_uri + "2") is not None


def test_a_version_that_nobody_recorded_keeps_all_of_them(
    versions: Stores, s3_client: Any, bucket: str
) -> None:
    payload = put(versions, "key", b"content")
    newer = s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"newer")["VersionId"]

    with pytest.raises(ChangedBytes, match=r"1 version\(s\) beside"):
        remove(versions, payload)
    assert versions_of(s3_client, bucket, "root/key") == [newer, payload.version_id]

    s3_client.delete_object(Bucket=bucket, Key="root/key", VersionId=newer)
    assert not remove(versions, payload).already_gone


def test_an_older_version_than_the_recorded_one_keeps_both(
    versions: Stores, s3_client: Any, bucket: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"older")
    newer = s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"content")
    payload = recorded(versions, "key", b"content", version_id=newer["VersionId"])

    with pytest.raises(ChangedBytes, match="beside"):
        remove(versions, payload)
    assert len(versions_of(s3_client, bucket, "root/key")) == 2


def test_bytes_from_before_versioning_was_switched_on_go_for_good(
    cloud: Stores, s3_client: Any, bucket: str
) -> None:
    payload = put(cloud, "key", b"content")
    assert payload.version_id is None
    switch_versions_on(s3_client, bucket)
    s3_client.delete_object(Bucket=bucket, Key="root/key")

    assert not remove(cloud, payload).already_gone

    assert versions_of(s3_client, bucket, "root/key") == []
    assert remove(cloud, payload).already_gone


def test_an_absent_version_beside_others_is_not_called_gone(
    versions: Stores, s3_client: Any, bucket: str
) -> None:
    payload = put(versions, "key", b"content")
    newer = s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"content")["VersionId"]
    s3_client.delete_object(Bucket=bucket, Key="root/key", VersionId=payload.version_id)

    with pytest.raises(ChangedBytes, match="beside"):
        remove(versions, payload)
    assert versions_of(s3_client, bucket, "root/key") == [newer]


def test_versioning_switched_on_between_the_look_and_the_removal_is_noticed(
    cloud: Stores, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = put(cloud, "key", b"content")
    filesystem = cloud.named("cloud").filesystem
    honest = filesystem.remove

    def switch_and_remove(uri: str, **facts: str | None) -> None:
        switch_versions_on(s3_client, bucket)
        honest(uri, **facts)

    monkeypatch.setattr(filesystem, "remove", switch_and_remove)

    with pytest.raises(StorageError, match="hidden, not removed"):
        remove(cloud, payload)
    monkeypatch.undo()
    assert not remove(cloud, payload).already_gone
    assert versions_of(s3_client, bucket, "root/key") == []


def test_the_same_bytes_under_another_etag_are_the_recorded_ones(cloud: Stores) -> None:
    payload = replace(put(cloud, "key", b"content"), etag="of another upload")

    assert not remove(cloud, payload).already_gone


def test_a_version_of_another_size_than_recorded_stays(versions: Stores) -> None:
    payload = put(versions, "key", b"content")

    with pytest.raises(ChangedBytes, match="7 bytes and 8 were recorded"):
        remove(versions, replace(payload, size_bytes=8))


def test_a_version_below_a_delete_marker_is_still_destroyed(
    versions: Stores, s3_client: Any, bucket: str
) -> None:
    payload = put(versions, "key", b"content")
    s3_client.delete_object(Bucket=bucket, Key="root/key")

    assert not remove(versions, payload).already_gone
    assert "Versions" not in s3_client.list_object_versions(Bucket=bucket, Prefix="root/key")


def test_403_is_not_404(cloud: Stores, bucket: str, s3_options: dict[str, Any]) -> None:
    payload = put(cloud, "key", b"content")
    anonymous = {name: s3_options[name] for name in ("endpoint_url", "client_kwargs")}
    locked_out = Stores([s3_record(bucket, {**anonymous, "anon": True})], deployment_id=DEPLOYMENT)

    with pytest.raises(StorageError, match="does not say whether"):
        stat(locked_out, uri=payload.source_uri)
    with pytest.raises(StorageError, match="cannot be read"):
        locked_out.named("cloud").marker_state()
    with pytest.raises(StorageError, match="cannot be read"):
        remove(locked_out, payload)
    assert stat(cloud, uri=payload.source_uri) is not None


def test_a_bucket_that_is_gone_proves_nothing(s3_options: dict[str, Any]) -> None:
    elsewhere = Stores([s3_record("no-such-bucket", s3_options)], deployment_id=DEPLOYMENT)

    assert elsewhere.named("cloud").marker_state() is MarkerState.ABSENT
    with pytest.raises(StorageError, match="has no marker"):
        stat(elsewhere, uri="s3://no-such-bucket/root/key")


def test_a_server_that_does_not_answer_proves_nothing(
    bucket: str, s3_options: dict[str, Any]
) -> None:
    dead = {
        **s3_options,
        "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 1},
    }
    unreachable = Stores([s3_record(bucket, dead)], deployment_id=DEPLOYMENT)

    with pytest.raises(StorageError):
        stat(unreachable, uri=f"s3://{bucket}/root/key")


def to_take_out(copy: Copy) -> BagPayload:
    return BagPayload(
        document_id=copy.document_id,
        size_bytes=copy.size_bytes,
        sha256=copy.sha256,
        etag=copy.etag,
        version_id=copy.version_id,
    )


def killed_before_request(number: int, work: Callable[[], object]) -> bool:
    """Run work in a process that dies before that request to S3; False when it ended before."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            die_before_request(number)
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return False


def die_before_request(number: int) -> None:
    """Count the requests of this process; nothing has to be undone in it."""
    requests, request = itertools.count(1), S3Filesystem._request

    def counted(self: S3Filesystem, method: str, **arguments: Any) -> dict[str, Any]:
        if next(requests) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return request(self, method, **arguments)

    S3Filesystem._request = counted


@pytest.mark.parametrize("kind", ["cloud", "versions"])
def test_bags_are_written_rewritten_and_removed(
    kind: str, request: pytest.FixtureRequest, s3_client: Any, bucket: str
) -> None:
    stores: Stores = request.getfixturevalue(kind)
    store: Store = stores.named("cloud")
    contents = {number: b"content %d" % number for number in (1, 2, 3)}
    payloads = [
        put(stores, f"in/{number}", content, document_id=number)
        for number, content in contents.items()
    ]
    bag = f"{store.record.root_uri}/archive/bag-7"

    written = write_bag(stores, uri=bag, info=INFO, payloads=payloads, describe=describe)

    assert verify_bag(stores, uri=bag) == []
    assert [copy.document_id for copy in written.copies] == [1, 2, 3]
    assert all((copy.version_id is not None) == (kind == "versions") for copy in written.copies)
    going = [to_take_out(copy) for copy in written.copies]
    for _ in range(2):
        rewritten = rewrite_without(
            stores, uri=bag, info=INFO, payloads=going[:1], describe=describe
        )
        assert (rewritten.removed, rewritten.payload_count) == ((1,), 2)
        assert verify_bag(stores, uri=bag) == []

    assert (
        rewrite_without(stores, uri=bag, info=INFO, payloads=going, describe=describe).payload_count
        == 0
    )
    left = s3_client.list_object_versions(Bucket=bucket, Prefix="root/archive/bag-7")
    assert "Versions" not in left
    remove_bag(stores, uri=bag)


def test_what_a_bag_said_of_a_purged_document_goes_with_every_version_of_it(
    versions: Stores, s3_client: Any, bucket: str
) -> None:
    payloads = [
        put(versions, f"in/{number}", b"content %d" % number, document_id=number)
        for number in (1, 2)
    ]
    bag = f"{versions.named('cloud').record.root_uri}/archive/bag-7"
    [copy, _] = write_bag(versions, uri=bag, info=INFO, payloads=payloads, describe=describe).copies

    rewrite_without(versions, uri=bag, info=INFO, payloads=[to_take_out(copy)], describe=describe)

    page = s3_client.list_object_versions(Bucket=bucket, Prefix="root/archive/bag-7")
    assert len(page["Versions"]) == len({one["Key"] for one in page["Versions"]}) == 6
    for one in page["Versions"]:
        content = s3_client.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])[
            "Body"
        ].read()
        assert copy.sha256.hex().encode() not in content


def test_killed_at_any_request_a_rewriting_in_a_bucket_is_ended_by_the_next(
    versions: Stores, s3_client: Any, s3_options: dict[str, Any], bucket: str
) -> None:
    """Each round takes one of two documents out, killed before another request."""
    stores, root, chance = versions, versions.named("cloud").record.root_uri, random.Random()
    number, was_killed = 0, True
    while was_killed:
        number += 1 if EVERY_REQUEST else chance.randint(1, LONGEST_STRIDE)
        bag = f"{root}/archive/bag-{number}"
        payloads = [
            put(stores, f"in/{number}-{each}", b"content %d" % each, document_id=each)
            for each in (1, 2)
        ]
        copies = write_bag(stores, uri=bag, info=INFO, payloads=payloads, describe=describe).copies
        going = [to_take_out(copies[0])]

        was_killed = killed_before_request(
            number,
            # With connections of its own: ours belong to a thread that it does not have.
            lambda bag=bag, going=going: rewrite_without(
                Stores([s3_record(bucket, s3_options)], deployment_id=DEPLOYMENT),
                uri=bag,
                info=INFO,
                payloads=going,
                describe=describe,
            ),
        )

        key = f"root/archive/bag-{number}"
        content = s3_client.get_object(Bucket=bucket, Key=f"{key}/data/2")["Body"].read()
        assert content == b"content 2"
        again = rewrite_without(stores, uri=bag, info=INFO, payloads=going, describe=describe)
        assert (again.removed, again.payload_count) == ((1,), 1)
        assert verify_bag(stores, uri=bag) == []
        page = s3_client.list_object_versions(Bucket=bucket, Prefix=f"{key}/")
        assert len(page["Versions"]) == 6, "something was left of the one that went"

    assert number > 20


def test_a_changed_object_is_not_archived(cloud: Stores, s3_client: Any, bucket: str) -> None:
    payload = put(cloud, "key", b"content")
    s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"CONTENT")

    written = write_bag(
        cloud, uri=f"s3://{bucket}/root/bag-1", info=INFO, payloads=[payload], describe=describe
    )

    assert [failure.reason_code for failure in written.failures] == ["changed"]
    assert not written.is_sealed


def test_puts_an_object_back_once(cloud: Stores, bucket: str) -> None:
    payload = put(cloud, "data/1", b"content")
    for _ in range(2):
        found = put_back(
            cloud,
            payload_uri=payload.source_uri,
            target_uri=f"s3://{bucket}/root/back",
            size_bytes=payload.size_bytes,
            sha256=payload.sha256,
        )
        assert found.etag == payload.etag


def test_lists_page_by_page(cloud: Stores, s3_client: Any, bucket: str) -> None:
    for number in range(1005):
        s3_client.put_object(Bucket=bucket, Key=f"root/many/{number}", Body=b"")
    s3_client.put_object(Bucket=bucket, Key="root/many/folder/", Body=b"")
    s3_client.put_object(Bucket=bucket, Key="root/manyfold", Body=b"")

    listed = list(cloud.named("cloud").filesystem.listed(f"s3://{bucket}/root/many"))

    assert len({each.uri for each in listed}) == 1005
