"""Takes single documents out of bags: to look at, or back to where they came from."""

from collections.abc import Iterator

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import uris
from doclife.storage.filesystem import Chunk, Reach, Stat
from doclife.storage.reading import HashingReader, explained, hashed
from doclife.storage.stores import Stores


def read_payload(
    stores: Stores, *, uri: str, size_bytes: int, sha256: bytes, version_id: str | None = None
) -> Iterator[Chunk]:
    """Yield recorded bytes in chunks, each valid until the next.

    :raises ChangedBytes: at the end, when they were not the recorded ones: do not believe a copy
        before the iteration has ended.
    :raises StorageError: they are not there or cannot be read.
    """
    reader = HashingReader(stores.at(uri).filesystem, uri, version_id=version_id)
    try:
        yield from reader
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {explained(error)}") from error
    if (reader.digest.sha256, reader.digest.size_bytes) != (sha256, size_bytes):
        raise ChangedBytes(f"{uri} has other bytes than were recorded")


def are_within_reach(stores: Stores, *, uri: str, version_id: str | None = None) -> bool:
    """Whether bytes can be read now. Those of a cold tier that cannot are asked for, once.

    :raises StorageError: they are not there, or the store did not say.
    """
    filesystem = stores.at(uri).filesystem
    try:
        found = filesystem.stat(uri, version_id=version_id)
        if found.reach is Reach.ON_REQUEST:
            filesystem.ask_for(uri, version_id=version_id)
    except OSError as error:
        raise StorageError(f"{uri} cannot be reached: {explained(error)}") from error
    return found.reach is Reach.AT_ONCE


def put_back(
    stores: Stores,
    *,
    payload_uri: str,
    target_uri: str,
    size_bytes: int,
    sha256: bytes,
    version_id: str | None = None,
) -> Stat:
    """Copy recorded bytes to ``target_uri`` and return what the store says about them there.

    All of them or nothing, also after a crash, and read back before they are believed. Bytes that
    are there already and are the recorded ones are fine, so a second call succeeds.

    :raises ChangedBytes: the source is not what was recorded, or other bytes are at the target;
        those stay.
    :raises StorageError: the target's store is not ours, or a store failed.
    """
    target = stores.at(target_uri)
    target.require_ours()
    content = read_payload(
        stores, uri=payload_uri, size_bytes=size_bytes, sha256=sha256, version_id=version_id
    )
    try:
        try:
            written = target.filesystem.create(target_uri, content, is_durable=True)
        except FileExistsError:
            written = target.filesystem.stat(target_uri)
        target.filesystem.forget_cached(target_uri)
        read = hashed(target.filesystem, target_uri, version_id=written.version_id)
    except OSError as error:
        raise StorageError(
            f"{uris.printable(target_uri)} could not be written: {explained(error)}"
        ) from error
    if (read.sha256, read.size_bytes) != (sha256, size_bytes):
        raise ChangedBytes(f"other bytes are at {target_uri} now; they stay")
    return read.stat
