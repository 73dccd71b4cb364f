"""Dying at a chosen step, the way a killed process dies: between any two statements or writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import psycopg

from doclife.storage.filesystem import Chunk, Stat
from doclife.storage.local import LocalFilesystem


class Killed(BaseException):
    """The process died here; nobody may catch it as an ordinary failure."""


class Fuse:
    """Burns a little with every statement and every write to a store; when it is out, one dies.

    :ivar steps_left: None burns for ever.
    """

    def __init__(self) -> None:
        self.steps_left: int | None = None
        self.is_blown = False

    def burn(self) -> None:
        if self.is_blown or self.steps_left == 0:
            self.is_blown = True  # a dead process does nothing any more
            raise Killed
        if self.steps_left is not None:
            self.steps_left -= 1


class MortalCursor(psycopg.Cursor[Any]):
    """Dies before a statement when the fuse of its connection says so."""

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self._burn()
        return super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> Any:
        self._burn()
        return super().executemany(*arguments, **options)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        self._burn()
        return super().copy(*arguments, **options)

    def _burn(self) -> None:
        try:
            cast(Any, self.connection).fuse.burn()
        except Killed:
            self.connection.close()
            raise


class MortalFilesystem(LocalFilesystem):
    """Dies before a write, or in the middle of one that need not be all or nothing."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse

    def create(self, uri: str, chunks: Iterable[Chunk], *, is_durable: bool = False) -> Stat:
        try:
            self.fuse.burn()
        except Killed:
            if not is_durable and not (path := path_of(uri)).exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"".join(bytes(chunk) for chunk in chunks)[:3])
            raise
        return super().create(uri, chunks, is_durable=is_durable)

    def replace(self, uri: str, content: bytes) -> None:
        self.fuse.burn()
        super().replace(uri, content)

    def remove(self, uri: str, *, etag: str | None = None, version_id: str | None = None) -> None:
        self.fuse.burn()
        super().remove(uri, etag=etag, version_id=version_id)

    def remove_folders(self, uri: str) -> None:
        self.fuse.burn()
        super().remove_folders(uri)


def path_of(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))
