import uuid
from pathlib import Path

import pytest

from doclife.errors import ConfigurationError, StorageError
from doclife.storage import uris
from doclife.storage.marker import MARKER_NAME, MarkerState
from doclife.storage.reading import stat
from doclife.storage.stores import Stores
from tests.storage.conftest import DEPLOYMENT, record


def test_a_store_that_we_claimed_is_ours(stores: Stores) -> None:
    for store in stores:
        assert store.marker_state() is MarkerState.OURS
        store.require_ours()


def test_a_store_without_marker_is_read_only_and_says_how_to_adopt_it(documents: Path) -> None:
    store = Stores([record("documents", documents)], deployment_id=DEPLOYMENT).named("documents")

    assert store.marker_state() is MarkerState.ABSENT
    with pytest.raises(StorageError, match="doclife stores adopt documents"):
        store.require_ours()


def test_a_folder_that_is_gone_has_no_marker(documents: Path, stores: Stores) -> None:
    (documents / MARKER_NAME).unlink()
    documents.rmdir()

    assert stores.named("documents").marker_state() is MarkerState.ABSENT


def test_another_deployments_store_is_foreign(documents: Path, stores: Stores) -> None:
    clone = Stores([record("documents", documents)], deployment_id=uuid.uuid4())

    assert clone.named("documents").marker_state() is MarkerState.FOREIGN


def test_another_store_of_ours_mounted_here_is_foreign(
    documents: Path, archive: Path, stores: Stores
) -> None:
    (documents / MARKER_NAME).write_bytes((archive / MARKER_NAME).read_bytes())

    assert stores.named("documents").marker_state() is MarkerState.FOREIGN


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format": 1}', b"not json"])
def test_a_marker_that_we_cannot_read_is_foreign(
    documents: Path, stores: Stores, content: bytes
) -> None:
    (documents / MARKER_NAME).write_bytes(content)

    assert stores.named("documents").marker_state() is MarkerState.FOREIGN


def test_what_cannot_be_told_is_an_error_not_absence(documents: Path, stores: Stores) -> None:
    (documents / MARKER_NAME).unlink()
    (documents / MARKER_NAME).symlink_to(documents / "elsewhere")

    with pytest.raises(StorageError, match="cannot be read"):
        stores.named("documents").marker_state()


def test_absence_is_believed_only_beside_our_marker(documents: Path, stores: Stores) -> None:
    uri = uris.of_path(str(documents / "gone.txt"))

    assert stat(stores, uri=uri) is None

    (documents / MARKER_NAME).unlink()
    with pytest.raises(StorageError, match="has no marker"):
        stat(stores, uri=uri)


def test_the_innermost_store_holds_a_file(tmp_path: Path) -> None:
    stores = Stores(
        [record("outer", tmp_path), record("inner", tmp_path / "in")], deployment_id=DEPLOYMENT
    )

    assert stores.at(uris.of_path(f"{tmp_path}/x/y")).record.name == "outer"
    assert stores.at(uris.of_path(f"{tmp_path}/in/y")).record.name == "inner"
    assert stores.at(uris.of_path(f"{tmp_path}/inn")).record.name == "outer"
    with pytest.raises(StorageError, match="no registered store"):
        stores.at("file:///elsewhere/x")
    assert stores.find("s3://bucket/key") is None


def test_an_unknown_name_is_answered_with_the_closest(stores: Stores) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'archive'"):
        stores.named("archiv")
    assert stores.get("archiv") is None
    assert stores.get("archive") is stores.named("archive")
