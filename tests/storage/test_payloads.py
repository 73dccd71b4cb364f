import hashlib
import os
from pathlib import Path

import pytest

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import uris
from doclife.storage.filesystem import Stat
from doclife.storage.marker import MARKER_NAME
from doclife.storage.payloads import put_back, read_payload
from doclife.storage.stores import Stores
from tests.storage.conftest import names_in
from tests.storage.killing import killed_before_call

CONTENT = os.urandom(2_500_000)
SHA256 = hashlib.sha256(CONTENT).digest()


@pytest.fixture
def payload(archive: Path) -> Path:
    path = archive / "1"
    path.write_bytes(CONTENT)
    return path


def restore(stores: Stores, payload: Path, target: Path) -> Stat:
    return put_back(
        stores,
        payload_uri=uris.of_path(str(payload)),
        target_uri=uris.of_path(str(target)),
        size_bytes=len(CONTENT),
        sha256=SHA256,
    )


def test_puts_the_bytes_back_where_they_came_from(
    stores: Stores, documents: Path, payload: Path
) -> None:
    target = documents / "deep" / "folder" / ("x" * 255)

    found = restore(stores, payload, target)

    assert target.read_bytes() == CONTENT
    assert found.size_bytes == len(CONTENT)
    assert payload.exists()


def test_restoring_twice_succeeds(stores: Stores, documents: Path, payload: Path) -> None:
    assert restore(stores, payload, documents / "1") == restore(stores, payload, documents / "1")


def test_what_took_the_place_meanwhile_stays(
    stores: Stores, documents: Path, payload: Path
) -> None:
    (documents / "1").write_bytes(b"somebody else's")

    with pytest.raises(ChangedBytes):
        restore(stores, payload, documents / "1")
    assert (documents / "1").read_bytes() == b"somebody else's"


def test_damaged_bytes_are_not_put_back(stores: Stores, documents: Path, payload: Path) -> None:
    payload.write_bytes(CONTENT[:-1] + b"\0")

    with pytest.raises(ChangedBytes):
        restore(stores, payload, documents / "1")
    assert names_in(documents) == [MARKER_NAME]


def test_nothing_is_put_into_a_store_without_marker(
    stores: Stores, documents: Path, payload: Path
) -> None:
    (documents / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="read-only"):
        restore(stores, payload, documents / "1")


def test_killed_at_any_moment_all_of_it_is_there_or_nothing(
    stores: Stores, documents: Path, payload: Path
) -> None:
    target = documents / "1"
    number = 0
    while killed_before_call(number := number + 1, lambda: restore(stores, payload, target)):
        assert not target.exists() or target.read_bytes() == CONTENT
        restore(stores, payload, target)
        assert target.read_bytes() == CONTENT
        assert names_in(documents) == [MARKER_NAME, "1"]
        target.unlink()

    assert number > 10


def test_reading_ends_with_an_error_when_the_bytes_are_wrong(stores: Stores, payload: Path) -> None:
    uri = uris.of_path(str(payload))

    read = b"".join(
        bytes(chunk)
        for chunk in read_payload(stores, uri=uri, size_bytes=len(CONTENT), sha256=SHA256)
    )
    assert read == CONTENT

    wrong = read_payload(stores, uri=uri, size_bytes=len(CONTENT), sha256=b"\0" * 32)
    with pytest.raises(ChangedBytes):
        list(wrong)
