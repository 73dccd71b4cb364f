"""Local files as a power failure finds them, and what is there already."""

import os
from pathlib import Path
from typing import Any

import pytest

from doclife.storage import local, uris
from doclife.storage.local import LocalFilesystem, room_in


@pytest.mark.parametrize("is_durable", [False, True])
def test_creating_never_overwrites(tmp_path: Path, is_durable: bool) -> None:
    place = tmp_path / "1.txt"
    place.write_bytes(b"first")

    with pytest.raises(FileExistsError):
        LocalFilesystem().create(uris.of_path(str(place)), [b"second"], is_durable=is_durable)

    assert place.read_bytes() == b"first"


def test_a_link_that_took_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"not ours")
    (tmp_path / "1.txt").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic link"):
        LocalFilesystem().open(uris.of_path(str(tmp_path / "1.txt")))


@pytest.mark.parametrize("other", ["folder", "pipe", "link"])
def test_what_is_no_file_is_an_error_and_not_absent(tmp_path: Path, other: str) -> None:
    place = tmp_path / "1.txt"
    {
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
        "link": lambda: place.symlink_to("x"),
    }[other]()

    with pytest.raises(OSError, match="not a regular file"):
        LocalFilesystem().stat(uris.of_path(str(place)))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is flushed and renamed, in order, by name."""
    noted: list[tuple[str, str]] = []
    names: dict[int, str] = {}
    honest_open = os.open

    def opening(path: str | Path, *arguments: Any) -> int:
        descriptor = honest_open(path, *arguments)
        names[descriptor] = Path(path).name
        return descriptor

    def note(call: str, name: Any) -> None:
        honest = getattr(os, call)

        def noting(*arguments: Any, **options: Any) -> Any:
            noted.append((call, name(*arguments)))
            return honest(*arguments, **options)

        monkeypatch.setattr(os, call, noting)

    monkeypatch.setattr(os, "open", opening)
    note("fsync", lambda descriptor: names[descriptor])
    for call in ("replace", "rename", "link"):
        note(call, lambda _, target: Path(target).name)
    return noted


def test_content_is_on_disk_before_it_has_its_name_and_its_name_before_that_is_believed(
    tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    uri = uris.of_path(str(tmp_path / "marker"))

    LocalFilesystem().replace(uri, b"content")
    LocalFilesystem().create(f"{uri}2", [b"content"], is_durable=True)

    own = [(call, "..." if local.TEMPORARY_PREFIX in name else name) for call, name in calls]
    assert own == [
        ("fsync", "..."),
        ("replace", "marker"),
        ("fsync", tmp_path.name),
        ("fsync", "..."),
        ("link", "marker2"),
        ("fsync", tmp_path.name),
    ]


def test_a_name_that_was_removed_does_not_come_back_after_a_power_failure(
    tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    (tmp_path / "1.txt").write_bytes(b"content")

    LocalFilesystem().remove(uris.of_path(str(tmp_path / "1.txt")))

    assert calls == [("fsync", tmp_path.name)]


def test_the_room_in_a_folder_is_that_of_its_disk_and_nothing_is_written(tmp_path: Path) -> None:
    room = room_in(uris.of_path(str(tmp_path)))

    assert room.is_writable
    assert 0 < room.free_bytes < room.total_bytes
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        room_in(uris.of_path(str(tmp_path / "gone")))
