"""Whether a store can be written to is tried, and nothing of it stays."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from doclife.storage import uris
from doclife.storage.filesystem import Filesystem
from doclife.storage.probing import probe
from doclife.storage.rehearsal import RehearsalFilesystem
from doclife.storage.stores import Store, StoreRecord, Stores


class Refusing(RehearsalFilesystem):
    """A store that lets one thing not be done."""

    def __init__(self, real: Filesystem, refused: str) -> None:
        super().__init__(real)
        self.refused = refused

    def create(self, *arguments: Any, **named: Any) -> Any:
        self._ask("create")
        return super().create(*arguments, **named)

    def open(self, *arguments: Any, **named: Any) -> Any:
        self._ask("open")
        return super().open(*arguments, **named)

    def remove(self, *arguments: Any, **named: Any) -> None:
        self._ask("remove")
        if self.refused != "removing":
            super().remove(*arguments, **named)

    def _ask(self, what: str) -> None:
        if what == self.refused:
            raise PermissionError(errno.EACCES, "Permission denied")


def store(root_uri: str, options: dict[str, Any] | None = None, *, refused: str = "") -> Store:
    record = StoreRecord(
        store_id=1, name="documents", root_uri=root_uri, marker_id=uuid4(), options=options or {}
    )
    stores = Stores([record], deployment_id=uuid4())
    if refused:
        stores = stores.seen_through(lambda real: Refusing(real, refused))
    return stores.named("documents")


def test_a_folder_takes_a_file_and_is_as_before(tmp_path: Path) -> None:
    assert probe(store(uris.of_path(str(tmp_path))), token="1") is None

    assert list(tmp_path.iterdir()) == []


def test_a_bucket_that_keeps_versions_keeps_none_of_it(
    versioned_bucket: str, s3_options: dict[str, Any], s3_client: Any
) -> None:
    name = versioned_bucket.removeprefix("s3://").split("/")[0]

    assert probe(store(f"s3://{name}/store", s3_options), token="1") is None

    left = s3_client.list_object_versions(Bucket=name)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("create", "a file cannot be written in it: Permission denied"),
        ("open", "a file cannot be read in it: Permission denied"),
        ("remove", "a file cannot be removed in it: Permission denied"),
        ("removing", "a file that was removed from it is still there"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, refused: str, said: str) -> None:
    assert probe(store(uris.of_path(str(tmp_path)), refused=refused), token="1") == said
