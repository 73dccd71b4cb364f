"""A store in which everything can be tried and nothing happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from doclife.storage import uris
from doclife.storage.local import LocalFilesystem
from doclife.storage.reading import HashingReader
from doclife.storage.rehearsal import RehearsalFilesystem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "there.txt").write_bytes(b"there")
    return tmp_path


def uri(folder: Path, name: str) -> str:
    return uris.of_path(str(folder / name))


def content(filesystem: RehearsalFilesystem, at: str) -> bytes:
    return b"".join(bytes(chunk) for chunk in HashingReader(filesystem, at))


def names(filesystem: RehearsalFilesystem, folder: Path) -> set[str]:
    return {uris.file_name(one.uri) for one in filesystem.listed(uris.of_path(str(folder)))}


def test_what_is_there_is_read(folder: Path) -> None:
    rehearsal = RehearsalFilesystem(LocalFilesystem())

    assert content(rehearsal, uri(folder, "there.txt")) == b"there"
    assert rehearsal.stat(uri(folder, "there.txt")).size_bytes == 5
    with pytest.raises(FileNotFoundError):
        rehearsal.stat(uri(folder, "missing.txt"))


def test_what_is_written_is_seen_here_and_nowhere_else(folder: Path) -> None:
    rehearsal = RehearsalFilesystem(LocalFilesystem())

    rehearsal.create(uri(folder, "new.txt"), [b"ne", b"w"])
    rehearsal.replace(uri(folder, "there.txt"), b"replaced")

    assert content(rehearsal, uri(folder, "new.txt")) == b"new"
    assert content(rehearsal, uri(folder, "there.txt")) == b"replaced"
    assert names(rehearsal, folder) == {"new.txt", "there.txt"}
    with pytest.raises(FileExistsError):
        rehearsal.create(uri(folder, "there.txt"), [b"twice"])
    assert [path.read_bytes() for path in folder.iterdir()] == [b"there"]


def test_what_is_removed_is_gone_here_and_nowhere_else(folder: Path) -> None:
    rehearsal = RehearsalFilesystem(LocalFilesystem())
    rehearsal.create(uri(folder, "new.txt"), [b"new"])

    for name in ("there.txt", "new.txt"):
        rehearsal.remove(uri(folder, name))
        for look in (rehearsal.stat, rehearsal.open):
            with pytest.raises(FileNotFoundError):
                look(uri(folder, name))

    assert names(rehearsal, folder) == set()
    assert (folder / "there.txt").read_bytes() == b"there"
    rehearsal.create(uri(folder, "there.txt"), [b"again"])
    assert content(rehearsal, uri(folder, "there.txt")) == b"again"
