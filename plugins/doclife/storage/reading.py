"""Reads bytes once, as a stream, with their SHA-256."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from doclife.errors import ChangedBytes, StorageError
from doclife.storage.filesystem import CHUNK_BYTES, Chunk, Filesystem, Stat
from doclife.storage.stores import Stores


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What bytes are: their SHA-256, and what the store said about the version that was read."""

    sha256: bytes
    stat: Stat

    @property
    def size_bytes(self) -> int:
        """Length of what was hashed."""
        return self.stat.size_bytes


def nothing(_: int) -> None:
    """Ignore progress."""


def hashed(
    filesystem: Filesystem,
    uri: str,
    *,
    version_id: str | None = None,
    advance: Callable[[int], None] = nothing,
) -> Digest:
    """Hash the bytes at ``uri``; the one place where this project hashes a stored object.

    :param advance: called with the number of bytes read since the last call.
    :raises FileNotFoundError: there are none.
    :raises ChangedBytes: they changed while they were read.
    :raises OSError: they cannot be read.
    """
    reader = HashingReader(filesystem, uri, version_id=version_id)
    for chunk in reader:
        advance(len(chunk))
    return reader.digest


class HashingReader:
    """Iterates over the bytes at one URI and knows their digest afterwards.

    A chunk is valid until the next one: they share a buffer.
    """

    def __init__(self, filesystem: Filesystem, uri: str, *, version_id: str | None = None) -> None:
        self._filesystem = filesystem
        self._uri = uri
        self._version_id = version_id
        self._digest: Digest | None = None

    @property
    def digest(self) -> Digest:
        """The digest of the whole; only after the last chunk."""
        assert self._digest is not None, "not read to the end"
        return self._digest

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the content in chunks, and check at its end that it stayed the same."""
        found, stream = self._filesystem.open(self._uri, version_id=self._version_id)
        sha256 = hashlib.sha256()
        size = 0
        with stream:
            # One byte more than the size: a file that grew must not look complete.
            buffer = memoryview(bytearray(min(CHUNK_BYTES, found.size_bytes + 1)))
            while length := stream.readinto(buffer):  # type: ignore[attr-defined]  # IO forgets it
                chunk = buffer[:length]
                sha256.update(chunk)
                size += length
                yield chunk
            # A store with etags refused to mix versions; a local file is looked at again.
            after = found if found.etag is not None else self._filesystem.stat(self._uri)
        if size != found.size_bytes or after != found:
            raise ChangedBytes(f"{self._uri} changed while it was read")
        self._digest = Digest(sha256=sha256.digest(), stat=found)


def digest(stores: Stores, *, uri: str, version_id: str | None = None) -> Digest:
    """Hash the bytes at ``uri``.

    :raises ChangedBytes: they changed while they were read.
    :raises StorageError: they are not there, or cannot be read.
    """
    store = stores.at(uri)
    try:
        return hashed(store.filesystem, uri, version_id=version_id)
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {explained(error)}") from error


def stat(stores: Stores, *, uri: str, version_id: str | None = None) -> Stat | None:
    """Describe the bytes at ``uri``; None when they are positively not there.

    :raises StorageError: the store does not carry our marker, so that absence is not believed, or
        it did not say.
    """
    store = stores.at(uri)
    try:
        return store.filesystem.stat(uri, version_id=version_id)
    except FileNotFoundError:
        # After the look, not before: the mount may have gone in between.
        store.require_ours()
        return None
    except OSError as error:
        raise StorageError(
            f"store {store.record.name!r} does not say whether {uri} is there: {explained(error)}"
        ) from error


def explained(error: OSError) -> str:
    """Return what went wrong in a few words, without the path that the caller names anyway."""
    return error.strerror or str(error) or type(error).__name__
