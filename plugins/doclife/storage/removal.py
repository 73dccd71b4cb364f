"""Removes exactly the bytes that were recorded, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import uris
from doclife.storage.filesystem import Reach, Stat
from doclife.storage.reading import explained, hashed
from doclife.storage.stores import Store, Stores

UNVERSIONED = "null"
"""What S3 calls the version that was written before its bucket kept versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What the catalogue says about bytes."""

    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None = None
    version_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """The bytes are gone; absence was seen twice in a store that carries our marker.

    :param already_gone: they were gone before the call, as after a crash.
    :param other_names: hard links that still lead to the bytes. Whatever is said about their
        destruction must mention them.
    """

    already_gone: bool
    other_names: int


def find_recorded(stores: Stores, recorded: Recorded, *, seen: Stat | None = None) -> Stat | None:
    """Return the recorded bytes as they lie in their store now; None when they are surely absent.

    They are read and hashed. Those of a cold store or tier are not read when etag and size are the
    recorded ones. Absence is believed when it was seen twice, each time beside our marker.

    :param seen: what an earlier call returned: bytes that have not been touched since are not
        read again.
    :raises ChangedBytes: other bytes are there, or other versions of them beside, which nobody
        recorded; or their place leads elsewhere by now. Nothing there may be removed.
    :raises StorageError: the store does not carry our marker, or did not say.
    """
    _require_plain_place(recorded.uri)
    store = stores.at(recorded.uri)
    store.require_ours()
    try:
        return _found(store, recorded, seen)
    except OSError as error:
        raise StorageError(
            f"store {store.record.name!r} does not say what is at {recorded.uri}: "
            f"{explained(error)}"
        ) from error


def remove_exactly(stores: Stores, recorded: Recorded, *, seen: Stat | None = None) -> Removal:
    """Remove the recorded bytes, after making sure that they are the recorded ones.

    Called again for bytes already gone it succeeds.

    :param seen: what ``find_recorded`` returned for them.
    :raises ChangedBytes: other bytes are there; they stay.
    :raises StorageError: the store does not carry our marker, or did not do or not say.
    """
    found = find_recorded(stores, recorded, seen=seen)
    if found is None:
        return Removal(already_gone=True, other_names=0)
    store = stores.at(recorded.uri)
    try:
        store.filesystem.remove(recorded.uri, etag=found.etag, version_id=found.version_id)
        for _ in range(2):
            if _look(store, recorded.uri, found.version_id) is not None:
                raise StorageError(f"{recorded.uri} is still there after it was removed")
        left = [] if found.version_id is None else store.filesystem.other_versions(recorded.uri)
    except OSError as error:
        raise StorageError(
            f"{recorded.uri} could not be removed from store {store.record.name!r}: "
            f"{explained(error)}"
        ) from error
    if left:
        raise ChangedBytes(
            f"{recorded.uri} got {len(left)} version(s) while the recorded one was removed, which "
            "nobody approved to destroy. Remove them in the bucket; the next purge goes on"
        )
    return Removal(already_gone=False, other_names=found.name_count - 1)


def _found(store: Store, recorded: Recorded, seen: Stat | None) -> Stat | None:
    uri, filesystem = recorded.uri, store.filesystem
    found = _look(store, uri, recorded.version_id) or _look(store, uri, recorded.version_id)
    if found is None or found.version_id is not None:
        listed = recorded.version_id if found is None else found.version_id
        others = filesystem.other_versions(uri, version_id=listed)
        if found is None and recorded.version_id is None and UNVERSIONED in others:
            # Recorded before the bucket kept versions, and hidden since by a delete marker.
            others.remove(UNVERSIONED)
            found = filesystem.stat(uri, version_id=UNVERSIONED)
        if others:
            raise ChangedBytes(
                f"{uri} has {len(others)} version(s) beside the recorded one, which nobody "
                "approved to destroy: it was changed, and stays. Remove them in the bucket, or "
                "restore the document and import it again"
            )
    if found is None:
        return None
    if found.size_bytes != recorded.size_bytes:
        raise ChangedBytes(
            f"{uri} has {found.size_bytes} bytes and {recorded.size_bytes} were recorded: "
            "it was changed, and stays"
        )
    if found == seen and found.changed_ns == seen.changed_ns:
        return found
    is_cold = store.record.is_cold or found.reach is not Reach.AT_ONCE
    if is_cold and recorded.etag is not None and found.etag == recorded.etag:
        return found
    read = hashed(filesystem, uri, version_id=found.version_id)
    if read.sha256 != recorded.sha256:
        raise ChangedBytes(
            f"{uri} has another SHA-256 than was recorded: it was changed, and stays"
        )
    return read.stat


def _look(store: Store, uri: str, version_id: str | None) -> Stat | None:
    """Look whether bytes are there; that none are is said by our store or not believed."""
    try:
        return store.filesystem.stat(uri, version_id=version_id)
    except FileNotFoundError:
        store.require_ours()
        return None


def _require_plain_place(uri: str) -> None:
    """Refuse another spelling, and a path through a symbolic link: it may lead out of the store."""
    if uris.normalised(uri) != uri:
        raise ChangedBytes(f"{uri} is another spelling of {uris.normalised(uri)}; it stays")
    if uris.scheme_of(uri) == "file":
        folder = Path(uris.local_path(uri)).parent
        if folder.resolve() != folder:
            raise ChangedBytes(f"a folder on the way to {uri} has become a symbolic link; it stays")
