from pathlib import Path

import pytest

from doclife.errors import StorageError
from doclife.storage.fixity import By, Examined, Finding, examine
from doclife.storage.marker import MARKER_NAME
from doclife.storage.removal import Recorded
from doclife.storage.stores import Stores
from tests.storage.conftest import AddDocument


@pytest.fixture
def recorded(add_document: AddDocument) -> Recorded:
    payload = add_document(1, b"content")
    return Recorded(uri=payload.source_uri, size_bytes=7, sha256=payload.sha256)


def path_of(recorded: Recorded) -> Path:
    return Path(recorded.uri.removeprefix("file://"))


def test_recorded_bytes_are_sound(stores: Stores, recorded: Recorded) -> None:
    assert examine(stores, recorded) == Examined(
        finding=Finding.SOUND,
        by=By.READ,
        read_bytes=7,
        found_bytes=7,
        found_sha256=recorded.sha256,
    )


def test_other_bytes_of_the_same_size_are_changed(stores: Stores, recorded: Recorded) -> None:
    path_of(recorded).write_bytes(b"CONTENT")

    assert examine(stores, recorded).finding is Finding.CHANGED


def test_what_is_not_there_is_missing_only_while_our_marker_is(
    stores: Stores, documents: Path, recorded: Recorded
) -> None:
    path_of(recorded).unlink()
    assert examine(stores, recorded).finding is Finding.MISSING

    (documents / MARKER_NAME).unlink()

    with pytest.raises(StorageError, match="has no marker"):
        examine(stores, recorded)


def test_a_folder_in_its_place_proves_nothing(stores: Stores, recorded: Recorded) -> None:
    path_of(recorded).unlink()
    path_of(recorded).mkdir()

    with pytest.raises(StorageError, match="Nothing is known about it"):
        examine(stores, recorded)
