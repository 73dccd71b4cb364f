"""Removes exactly the bytes that were recorded, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import uris
from doclife.storage.filesystem import Filesystem, Stat
from doclife.storage.reading import explained, hashed
from doclife.storage.stores import Store, Stores


@dataclass(frozen=True, kw_only=True)
class Removal:
    """The bytes are gone; absence was seen twice in a store that carries our marker.

    :param already_gone: they were gone before the call, as after a crash.
    :param remaining_copies: hard links or other versions that still hold bytes of that name, as
        found before the removal. What proves the destruction must mention them.
    """

    already_gone: bool
    remaining_copies: int


def remove_exactly(
    stores: Stores,
    *,
    uri: str,
    size_bytes: int,
    sha256: bytes,
    etag: str | None = None,
    version_id: str | None = None,
) -> Removal:
    """Remove the recorded bytes, after making sure that they are the recorded ones.

    A recorded version is removed by its name, an etag must match, and without either the bytes
    are hashed again. Called again for bytes already gone it succeeds.

    :raises ChangedBytes: other bytes are there; they stay.
    :raises StorageError: the store does not carry our marker, or did not do or not say.
    """
    if uris.normalised(uri) != uri:
        raise ChangedBytes(f"{uri} is another spelling of {uris.normalised(uri)}; it stays")
    store = stores.at(uri)
    store.require_ours()
    try:
        removal = _remove(
            store.filesystem,
            uri,
            size_bytes=size_bytes,
            sha256=sha256,
            etag=etag,
            version_id=version_id,
        )
        _require_absence(store, uri, version_id=version_id)
        _require_absence(store, uri, version_id=version_id)
    except OSError as error:
        raise StorageError(
            f"{uri} could not be removed from store {store.record.name!r}: {explained(error)}"
        ) from error
    return removal


def _remove(
    filesystem: Filesystem,
    uri: str,
    *,
    size_bytes: int,
    sha256: bytes,
    etag: str | None,
    version_id: str | None,
) -> Removal:
    try:
        found = filesystem.stat(uri, version_id=version_id)
    except FileNotFoundError:
        return Removal(already_gone=True, remaining_copies=0)
    if uris.scheme_of(uri) == "file":
        _require_no_detour(uri)
    if found.size_bytes != size_bytes:
        raise ChangedBytes(
            f"{uri} has {found.size_bytes} bytes and {size_bytes} were recorded: it was changed, "
            "and stays"
        )
    if etag is not None and found.etag != etag:
        raise ChangedBytes(f"{uri} has another etag than was recorded: it was changed, and stays")
    if etag is None and version_id is None:
        _require_digest(filesystem, uri, found=found, sha256=sha256)
    copies = filesystem.copies_beside(uri, version_id=version_id)
    filesystem.remove(uri, etag=etag, version_id=version_id)
    return Removal(already_gone=False, remaining_copies=copies)


def _require_digest(filesystem: Filesystem, uri: str, *, found: Stat, sha256: bytes) -> None:
    read = hashed(filesystem, uri)
    if read.sha256 != sha256 or read.stat != found:
        raise ChangedBytes(
            f"{uri} has another SHA-256 than was recorded: it was changed, and stays"
        )


def _require_no_detour(uri: str) -> None:
    """Refuse a path through a symbolic link: it may lead out of the store that was checked."""
    folder = Path(uris.local_path(uri)).parent
    if folder.resolve() != folder:
        raise ChangedBytes(f"a folder on the way to {uri} has become a symbolic link; it stays")


def _require_absence(store: Store, uri: str, *, version_id: str | None) -> None:
    """Look whether the bytes are gone, and that it is still our store which says so."""
    try:
        store.filesystem.stat(uri, version_id=version_id)
    except FileNotFoundError:
        store.require_ours()
        return
    raise StorageError(f"{uri} is still there after it was removed")
