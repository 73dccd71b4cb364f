"""Bytes in local folders, by ``os`` calls: no layer between us and fsync, O_NOFOLLOW and ENOENT."""

import contextlib
import ctypes
import errno
import hashlib
import os
import shutil
import stat as modes
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

from doclife.storage import uris
from doclife.storage.filesystem import Chunk, Listed, Stat

FILE_MODE = 0o640
"""Archived bytes and markers: readable by the group, so that a backup can run as another user."""


TEMPORARY_PREFIX = ".doclife-temporary-"
"""Files of this name are ours, half written, and nobody's document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """Whether a folder takes more, and how much."""

    is_writable: bool
    free_bytes: int
    total_bytes: int


def room_in(uri: str) -> Room:
    """Return what a local folder takes from this process; nothing is written.

    :raises OSError: it is not there, or cannot be looked at.
    """
    folder = uris.local_path(uri)
    usage = shutil.disk_usage(folder)
    return Room(
        is_writable=os.access(folder, os.W_OK | os.X_OK),
        free_bytes=usage.free,
        total_bytes=usage.total,
    )


class LocalFilesystem:
    """Local folders, network mounts included."""

    def stat(self, uri: str, *, version_id: str | None = None) -> Stat:
        """Describe a regular file; anything else under that name is an error, not absence."""
        return _described(uri, os.lstat(uris.local_path(uri)))

    def open(self, uri: str, *, version_id: str | None = None) -> tuple[Stat, BinaryIO]:
        """Open for reading. O_NONBLOCK keeps a fifo that took the file's place from blocking."""
        path = uris.local_path(uri)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _described(uri, os.fstat(descriptor)), cast(BinaryIO, FileIO(descriptor, "rb"))
        except BaseException:
            os.close(descriptor)
            raise

    def listed(self, uri: str) -> Iterator[Listed]:
        """Yield every file below a folder, temporary ones and links included."""
        folders = [uris.local_path(uri)]
        while folders:
            folder = folders.pop()
            try:
                entries = os.scandir(folder)
            except FileNotFoundError:
                continue
            with entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        found = entry.stat(follow_symlinks=False)
                        yield Listed(uri=uris.of_path(entry.path), stat=_facts(found))

    def create(self, uri: str, chunks: Iterable[Chunk], *, is_durable: bool = False) -> Stat:
        """Write a new file; where it must be durable, first under a temporary name."""
        path = Path(uris.local_path(uri))
        if not is_durable:
            return self._written(path, chunks)
        with _temporary_for(path) as temporary:
            found = self._written(temporary, chunks)
            flush_file(str(temporary))
            os.link(temporary, path)  # unlike a rename it never overwrites
        flush_folder(str(path.parent))
        return found

    def _written(self, path: Path, chunks: Iterable[Chunk]) -> Stat:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags, FILE_MODE)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, flags, FILE_MODE)
        try:
            for chunk in chunks:
                _write_all(descriptor, chunk)
            return _facts(os.fstat(descriptor))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)

    def replace(self, uri: str, content: bytes) -> None:
        """Write under a temporary name, flush, rename, flush the folder."""
        path = Path(uris.local_path(uri))
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
        with _temporary_for(path) as temporary:
            self._written(temporary, [content])
            flush_file(str(temporary))
            temporary.replace(path)
        flush_folder(str(path.parent))

    def flush(self, uri: str) -> None:
        """Flush the whole filesystem in one call on Linux, else file by file.

        One syncfs for 1,000 small files takes a tenth of 1,000 fsyncs.
        """
        path = uris.local_path(uri)
        if _syncfs is not None:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _syncfs(descriptor) != 0:
                    raise OSError(ctypes.get_errno(), "cannot flush to disk", path)
            finally:
                os.close(descriptor)
            return
        for folder, _, names in os.walk(path):
            for name in names:
                flush_file(str(Path(folder, name)))
            flush_folder(folder)
        flush_folder(str(Path(path).parent))

    def forget_cached(self, uri: str) -> None:
        """Drop the file from the page cache, and have the disk begin to read it again."""
        if not hasattr(os, "posix_fadvise"):
            return
        descriptor = os.open(uris.local_path(uri), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(descriptor)

    def remove(self, uri: str, *, etag: str | None = None, version_id: str | None = None) -> None:
        """Remove the name and flush the folder, so that it does not come back after a crash."""
        path = Path(uris.local_path(uri))
        path.unlink()
        flush_folder(str(path.parent))

    def remove_folders(self, uri: str) -> None:
        """Remove empty folders bottom-up."""
        path = uris.local_path(uri)
        for folder, _, _ in os.walk(path, topdown=False):
            with contextlib.suppress(OSError):  # not empty: it stays, as promised
                Path(folder).rmdir()
        with contextlib.suppress(FileNotFoundError):
            flush_folder(str(Path(path).parent))

    def other_versions(self, uri: str, *, version_id: str | None = None) -> list[str]:
        """Return nothing: a file has one content."""
        return []

    def kept_sha256(self, uri: str, *, version_id: str | None = None) -> bytes | None:
        """Return nothing: a file system keeps none."""
        return None

    def ask_for(self, uri: str, *, version_id: str | None = None) -> None:
        """Nothing to do: files are within reach."""


@contextlib.contextmanager
def _temporary_for(path: Path) -> Iterator[Path]:
    """Yield a free name beside ``path`` and leave nothing there.

    Always the same one, so that what a killed process left goes with the next attempt.
    """
    mark = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{mark}")
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def flush_file(path: str) -> None:
    """Flush one file to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: str) -> None:
    """Flush the names in a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def modified_at(found: os.stat_result) -> datetime | None:
    """Return the time of the last change to the content, or None for a year past 9999."""
    # Not fromtimestamp(st_mtime): a float of today is off by up to a few hundred nanoseconds.
    seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
    except (OverflowError, ValueError, OSError):
        return None


def _described(uri: str, found: os.stat_result) -> Stat:
    if not modes.S_ISREG(found.st_mode):
        raise OSError(f"{uri} is not a regular file any more")
    return _facts(found)


def _facts(found: os.stat_result) -> Stat:
    return Stat(
        size_bytes=found.st_size,
        modified_at=modified_at(found),
        changed_ns=found.st_ctime_ns,
        name_count=found.st_nlink,
    )


def _write_all(descriptor: int, content: Chunk) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _find_syncfs() -> "ctypes._NamedFuncPointer | None":
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is not None:
        function.argtypes = [ctypes.c_int]
        function.restype = ctypes.c_int
    return function


_syncfs = _find_syncfs()
