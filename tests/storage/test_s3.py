import hashlib
import os
from dataclasses import replace
from typing import Any

import pytest

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import s3
from doclife.storage.bag_rewriting import BagPayload, rewrite_without, verify_bag
from doclife.storage.bags import Payload, remove_bag, write_bag
from doclife.storage.marker import MarkerState
from doclife.storage.payloads import put_back
from doclife.storage.reading import digest, stat
from doclife.storage.removal import Removal, remove_exactly
from doclife.storage.stores import Store, StoreRecord, Stores
from tests.storage.conftest import DEPLOYMENT, INFO, record


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


def remove(stores: Stores, payload: Payload) -> Removal:
    return remove_exactly(
        stores,
        uri=payload.source_uri,
        size_bytes=payload.size_bytes,
        sha256=payload.sha256,
        etag=payload.etag,
        version_id=payload.version_id,
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


def test_creating_never_overwrites(cloud: Stores) -> None:
    put(cloud, "key", b"first")

    with pytest.raises(FileExistsError):
        put(cloud, "key", b"second")


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

    with pytest.raises(ChangedBytes, match="etag"):
        remove(cloud, payload)
    assert stat(cloud, uri=payload.source_uri) is not None


def test_without_a_recorded_etag_the_bytes_decide(cloud: Stores) -> None:
    payload = replace(put(cloud, "key", b"content"), etag=None)

    with pytest.raises(ChangedBytes, match="SHA-256"):
        remove(cloud, replace(payload, sha256=b"\0" * 32))
    assert not remove(cloud, payload).already_gone


def test_exactly_the_recorded_version_goes(versions: Stores, s3_client: Any, bucket: str) -> None:
    payload = put(versions, "key", b"content")
    newer = s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"newer")["VersionId"]

    assert remove(versions, payload) == Removal(already_gone=False, remaining_copies=1)

    left = s3_client.list_object_versions(Bucket=bucket, Prefix="root/key")
    assert [version["VersionId"] for version in left["Versions"]] == [newer]
    assert "DeleteMarkers" not in left
    assert remove(versions, payload).already_gone


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

    written = write_bag(stores, uri=bag, info=INFO, payloads=payloads)

    assert verify_bag(stores, uri=bag) == []
    assert [copy.document_id for copy in written.copies] == [1, 2, 3]
    assert all((copy.version_id is not None) == (kind == "versions") for copy in written.copies)
    going = [
        BagPayload(
            document_id=copy.document_id,
            size_bytes=copy.size_bytes,
            sha256=copy.sha256,
            etag=copy.etag,
            version_id=copy.version_id,
        )
        for copy in written.copies
    ]
    for _ in range(2):
        rewritten = rewrite_without(stores, uri=bag, info=INFO, payloads=going[:1])
        assert (rewritten.removed, rewritten.payload_count) == ((1,), 2)
        assert verify_bag(stores, uri=bag) == []

    assert rewrite_without(stores, uri=bag, info=INFO, payloads=going).payload_count == 0
    left = s3_client.list_object_versions(Bucket=bucket, Prefix="root/archive/bag-7/data")
    assert "Versions" not in left
    remove_bag(stores, uri=bag)


def test_a_changed_object_is_not_archived(cloud: Stores, s3_client: Any, bucket: str) -> None:
    payload = put(cloud, "key", b"content")
    s3_client.put_object(Bucket=bucket, Key="root/key", Body=b"CONTENT")

    written = write_bag(cloud, uri=f"s3://{bucket}/root/bag-1", info=INFO, payloads=[payload])

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
