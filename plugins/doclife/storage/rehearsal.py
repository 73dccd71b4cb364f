"""A store in which everything can be tried and nothing happens: for drills.

What is there is read from the real store. What is written or removed is kept here, in memory, and
seen by whoever reads through this object; the real store is never asked to change.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import BinaryIO

from doclife.storage.filesystem import Chunk, Filesystem, Listed, Reach, Stat

WRITTEN_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""When everything was written here: a rehearsal has no clock."""


class RehearsalFilesystem:
    """Reads through to a real store, and keeps every change to itself.

    What a purge writes is small: manifests, reports, the five files of a bag. It is held in memory.
    """

    def __init__(self, real: Filesystem) -> None:
        self._real = real
        self._written: dict[str, bytes] = {}
        self._removed: set[tuple[str, str | None]] = set()

    def stat(self, uri: str, *, version_id: str | None = None) -> Stat:
        """Describe what was written here, else what is there and was not removed here."""
        if uri in self._written:
            return _described(self._written[uri])
        self._refuse_removed(uri, version_id)
        found = self._real.stat(uri, version_id=version_id)
        self._refuse_removed(uri, found.version_id)
        return found

    def open(self, uri: str, *, version_id: str | None = None) -> tuple[Stat, BinaryIO]:
        """Open what was written here, else what is there and was not removed here."""
        if uri in self._written:
            return _described(self._written[uri]), BytesIO(self._written[uri])
        self._refuse_removed(uri, version_id)
        found, stream = self._real.open(uri, version_id=version_id)
        if (uri, found.version_id) in self._removed:
            stream.close()
            self._refuse_removed(uri, found.version_id)
        return found, stream

    def listed(self, uri: str) -> Iterator[Listed]:
        """Yield what is there and was not removed here, and what was written here."""
        for one in self._real.listed(uri):
            if one.uri not in self._written and not self._is_removed(one.uri, one.stat.version_id):
                yield one
        for written, content in self._written.items():
            if written.startswith(f"{uri}/"):
                yield Listed(uri=written, stat=_described(content))

    def create(self, uri: str, chunks: Iterable[Chunk], *, is_durable: bool = False) -> Stat:
        """Keep new bytes here."""
        del is_durable  # nothing here is to survive
        try:
            self.stat(uri)
        except FileNotFoundError:
            self._written[uri] = b"".join(bytes(chunk) for chunk in chunks)
            return _described(self._written[uri])
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), uri)

    def replace(self, uri: str, content: bytes) -> None:
        """Keep the new content here."""
        self._written[uri] = content

    def flush(self, uri: str) -> None:
        """Nothing to do: nothing here is to survive."""

    def forget_cached(self, uri: str) -> None:
        """Nothing to do: what is real is only read."""

    def remove(self, uri: str, *, etag: str | None = None, version_id: str | None = None) -> None:
        """Let the bytes be gone for whoever reads through this object."""
        del etag  # what was read has not changed here
        self._written.pop(uri, None)
        self._removed.add((uri, version_id))

    def remove_folders(self, uri: str) -> None:
        """Nothing to do: an empty folder is none to a reader."""

    def other_versions(self, uri: str, *, version_id: str | None = None) -> list[str]:
        """Return the versions of the real store that were not removed here."""
        found = self._real.other_versions(uri, version_id=version_id)
        return [one for one in found if (uri, one) not in self._removed]

    def kept_sha256(self, uri: str, *, version_id: str | None = None) -> bytes | None:
        """Return what the real store keeps; nothing of what was written here."""
        if uri in self._written:
            return None
        return self._real.kept_sha256(uri, version_id=version_id)

    def ask_for(self, uri: str, *, version_id: str | None = None) -> None:
        """Ask for nothing: that costs money and changes the real store."""

    def _is_removed(self, uri: str, version_id: str | None) -> bool:
        return not self._removed.isdisjoint({(uri, version_id), (uri, None)})

    def _refuse_removed(self, uri: str, version_id: str | None) -> None:
        if self._is_removed(uri, version_id):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), uri)


def _described(content: bytes) -> Stat:
    return Stat(size_bytes=len(content), modified_at=WRITTEN_AT, reach=Reach.AT_ONCE)
