"""Looks whether bytes are still the recorded ones; touches nothing."""

from dataclasses import dataclass
from enum import StrEnum

from doclife.errors import StorageError
from doclife.storage.filesystem import Reach, Stat
from doclife.storage.reading import explained, hashed
from doclife.storage.removal import Recorded
from doclife.storage.stores import Store, Stores


class Finding(StrEnum):
    """What bytes were found to be."""

    SOUND = "sound"
    CHANGED = "changed"
    """Others are there than were recorded."""
    MISSING = "missing"
    """There are none, and the store says so beside our marker."""
    UNKNOWN = "unknown"
    """They lie in a cold tier, whose provider keeps no SHA-256 of them."""


class By(StrEnum):
    """Who says how bytes are."""

    READ = "read"
    PROVIDER = "provider"
    """Its SHA-256 of a whole object, made when it was written."""
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """What a look at bytes found.

    :param read_bytes: how much was read for it.
    :param found_bytes: their size; None where there are none.
    :param found_sha256: None where nobody knows it.
    """

    finding: Finding
    by: By
    read_bytes: int = 0
    found_bytes: int | None = None
    found_sha256: bytes | None = None


def examine(stores: Stores, recorded: Recorded) -> Examined:
    """Compare the recorded version of bytes with what was recorded.

    Nothing is read out of a cold store or tier, where that costs money and hours: there the
    provider's own SHA-256 counts, if it keeps one. Other versions beside the recorded one are not
    looked at.

    :raises StorageError: the store is not ours, does not answer, or does not let us read them; or
        they changed while they were read. Nothing is known about them then.
    """
    store = stores.at(recorded.uri)
    try:
        found = _look(store, recorded) or _look(store, recorded)
        if found is None:
            return Examined(finding=Finding.MISSING, by=By.READ)
        if found.size_bytes != recorded.size_bytes:
            return Examined(finding=Finding.CHANGED, by=By.READ, found_bytes=found.size_bytes)
        if store.record.is_cold or found.reach is not Reach.AT_ONCE:
            return _by_provider(store, recorded, found)
        read = hashed(store.filesystem, recorded.uri, version_id=found.version_id)
    except OSError as error:
        raise StorageError(
            f"{recorded.uri} cannot be read: {explained(error)}. Nothing is known about it"
        ) from error
    return Examined(
        finding=Finding.SOUND if read.sha256 == recorded.sha256 else Finding.CHANGED,
        by=By.READ,
        read_bytes=read.size_bytes,
        found_bytes=read.size_bytes,
        found_sha256=read.sha256,
    )


def _by_provider(store: Store, recorded: Recorded, found: Stat) -> Examined:
    kept = store.filesystem.kept_sha256(recorded.uri, version_id=found.version_id)
    if kept is None:
        return Examined(finding=Finding.UNKNOWN, by=By.NOBODY, found_bytes=found.size_bytes)
    return Examined(
        finding=Finding.SOUND if kept == recorded.sha256 else Finding.CHANGED,
        by=By.PROVIDER,
        found_bytes=found.size_bytes,
        found_sha256=kept,
    )


def _look(store: Store, recorded: Recorded) -> Stat | None:
    """Describe the bytes; that there are none is said by our store or not believed."""
    try:
        return store.filesystem.stat(recorded.uri, version_id=recorded.version_id)
    except FileNotFoundError:
        store.require_ours()
        return None
