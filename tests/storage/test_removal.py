import os
from dataclasses import replace
from pathlib import Path

import pytest

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import removal, uris
from doclife.storage.bags import Payload
from doclife.storage.filesystem import Stat
from doclife.storage.local import LocalFilesystem
from doclife.storage.marker import MARKER_NAME
from doclife.storage.removal import Recorded, Removal, find_recorded, remove_exactly
from doclife.storage.stores import Stores
from tests.storage.conftest import AddDocument


def remove(stores: Stores, payload: Payload) -> Removal:
    return remove_exactly(
        stores,
        Recorded(uri=payload.source_uri, size_bytes=payload.size_bytes, sha256=payload.sha256),
    )


def test_removes_the_recorded_bytes(
    stores: Stores, documents: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")

    assert remove(stores, payload) == Removal(already_gone=False, other_names=0)
    assert not (documents / "1.txt").exists()


def test_removing_twice_succeeds(stores: Stores, add_document: AddDocument) -> None:
    payload = add_document(1, b"content")
    remove(stores, payload)

    assert remove(stores, payload).already_gone


def test_bytes_gone_from_a_store_without_marker_are_not_believed(
    stores: Stores, documents: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")
    (documents / "1.txt").unlink()
    (documents / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="stores adopt"):
        remove(stores, payload)


def test_nothing_is_removed_without_our_marker(
    stores: Stores, documents: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")
    (documents / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="read-only"):
        remove(stores, payload)
    assert (documents / "1.txt").exists()


@pytest.mark.parametrize("changed", [b"longer than it was", b"CONTENT", b""])
def test_changed_bytes_stay(
    stores: Stores, documents: Path, add_document: AddDocument, changed: bytes
) -> None:
    payload = add_document(1, b"content")
    (documents / "1.txt").write_bytes(changed)

    with pytest.raises(ChangedBytes):
        remove(stores, payload)
    assert (documents / "1.txt").read_bytes() == changed


def test_a_link_in_the_files_place_stays(
    stores: Stores, documents: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")
    (documents / "1.txt").rename(documents / "other")
    (documents / "1.txt").symlink_to("other")

    with pytest.raises(StorageError):
        remove(stores, payload)
    assert (documents / "other").read_bytes() == b"content"


def test_a_folder_that_became_a_link_leads_nowhere(
    stores: Stores, documents: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "1.txt").write_bytes(b"")
    (documents / "folder").symlink_to(outside)
    empty = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

    with pytest.raises(ChangedBytes, match="symbolic link"):
        remove_exactly(
            stores,
            Recorded(
                uri=uris.of_path(str(documents / "folder" / "1.txt")), size_bytes=0, sha256=empty
            ),
        )
    assert (outside / "1.txt").exists()


def test_a_second_hard_link_is_mentioned(
    stores: Stores, documents: Path, tmp_path: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")
    os.link(documents / "1.txt", tmp_path / "kept")

    assert remove(stores, payload).other_names == 1


def test_a_mount_that_goes_during_the_removal_is_noticed(
    stores: Stores, documents: Path, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = add_document(1, b"content")
    store = stores.named("documents")
    honest = store.filesystem.remove

    def remove_and_lose_the_mount(uri: str, **facts: str | None) -> None:
        honest(uri, **facts)
        (documents / MARKER_NAME).unlink()

    monkeypatch.setattr(store.filesystem, "remove", remove_and_lose_the_mount)

    with pytest.raises(StorageError, match="has no marker"):
        remove(stores, payload)


def test_bytes_that_survive_their_removal_are_an_error(
    stores: Stores, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = add_document(1, b"content")
    filesystem = stores.named("documents").filesystem
    monkeypatch.setattr(filesystem, "remove", lambda uri, **facts: None)

    with pytest.raises(StorageError, match="still there"):
        remove(stores, payload)


def test_bytes_seen_a_moment_ago_are_not_read_again(
    stores: Stores, documents: Path, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = add_document(1, b"content")
    recorded = Recorded(uri=payload.source_uri, size_bytes=7, sha256=payload.sha256)
    seen = find_recorded(stores, recorded)
    monkeypatch.setattr(removal, "hashed", None)

    assert not remove_exactly(stores, recorded, seen=seen).already_gone


def test_bytes_touched_since_they_were_seen_are_read_again(
    stores: Stores, documents: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")
    recorded = Recorded(uri=payload.source_uri, size_bytes=7, sha256=payload.sha256)
    seen = find_recorded(stores, recorded)
    assert seen is not None
    times = (documents / "1.txt").stat()
    (documents / "1.txt").write_bytes(b"CONTENT")
    os.utime(documents / "1.txt", ns=(times.st_atime_ns, times.st_mtime_ns))

    with pytest.raises(ChangedBytes):
        remove_exactly(stores, recorded, seen=seen)
    assert (documents / "1.txt").read_bytes() == b"CONTENT"


def test_another_spelling_of_a_place_is_no_place_of_ours(
    stores: Stores, documents: Path, add_document: AddDocument
) -> None:
    payload = add_document(1, b"content")

    with pytest.raises(ChangedBytes, match="another spelling"):
        remove(stores, replace(payload, source_uri=payload.source_uri.replace("1.txt", "%31.txt")))
    assert (documents / "1.txt").exists()


def test_an_absence_that_a_second_look_does_not_confirm_is_none(
    stores: Stores, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = add_document(1, b"content")
    overlook(monkeypatch, payload, looks=1)

    assert remove(stores, payload) == Removal(already_gone=False, other_names=0)


def test_bytes_that_a_second_look_still_finds_are_not_gone(
    stores: Stores, documents: Path, add_document: AddDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = add_document(1, b"content")

    def fail_to_remove(*_: object, **__: object) -> None:
        overlook(monkeypatch, payload, looks=1)

    monkeypatch.setattr(LocalFilesystem, "remove", fail_to_remove)

    with pytest.raises(StorageError, match="still there"):
        remove(stores, payload)
    assert (documents / "1.txt").exists()


def overlook(monkeypatch: pytest.MonkeyPatch, payload: Payload, *, looks: int) -> None:
    """Let the next looks miss a file, as a network mount does whose cache is behind."""
    honest = LocalFilesystem.stat
    missed = iter(range(looks))

    def stat(filesystem: LocalFilesystem, uri: str, **options: str | None) -> Stat:
        if uri == payload.source_uri and next(missed, None) is not None:
            raise FileNotFoundError(uri)
        return honest(filesystem, uri, **options)

    monkeypatch.setattr(LocalFilesystem, "stat", stat)
