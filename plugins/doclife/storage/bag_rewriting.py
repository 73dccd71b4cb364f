"""Takes payloads out of sealed bags, so that a crash at any moment is healed by a second call.

Order of writes: the tag files without the payloads, each replaced at once, then the payloads.
The manifest therefore never promises what is not there, and whoever runs it again, with the same
payloads, finds either what it still has to replace or what it still has to remove. In between
the caller's row says ``rewriting``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import uris
from doclife.storage.bag_text import (
    MANIFEST_NAME,
    REQUIRED_NAMES,
    TAG_MANIFEST_NAME,
    BagInfo,
    read_manifest,
)
from doclife.storage.bags import (
    Describe,
    Failure,
    in_parallel,
    payload_uri,
    remove_bag,
    seal,
)
from doclife.storage.filesystem import Filesystem, Stat
from doclife.storage.reading import explained, hashed
from doclife.storage.removal import Recorded, find_recorded, remove_exactly
from doclife.storage.stores import Stores


@dataclass(frozen=True, kw_only=True)
class BagPayload:
    """Recorded bytes in a bag."""

    document_id: int
    size_bytes: int
    sha256: bytes
    etag: str | None = None
    version_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RewrittenBag:
    """What a bag holds after payloads were taken out.

    :param removed: documents whose bytes are gone, now or by an earlier call.
    :param failures: documents whose bytes are not the recorded ones; they stay in the bag.
    :param payload_count: 0 means that the bag's folder is gone too.
    """

    removed: tuple[int, ...]
    failures: tuple[Failure, ...]
    payload_count: int
    payload_bytes: int


def rewrite_without(
    stores: Stores,
    *,
    uri: str,
    info: BagInfo,
    payloads: Sequence[BagPayload],
    describe: Describe,
) -> RewrittenBag:
    """Remove payloads from a sealed bag and make its manifests true again.

    Each payload is checked against what was recorded before anything is written. A second call
    with the same payloads continues what a killed one left, and changes nothing after success.
    Two calls at once for one bag are the caller's to prevent (by the lock on its row).

    :raises StorageError: the store is not ours or failed; run it again. Or the bag has payloads
        but no readable manifest: somebody damaged it.
    """
    store = stores.at(uri)
    store.require_ours()
    filesystem = store.filesystem
    try:
        sizes = _sizes(filesystem, uri)
        digests = _manifest(filesystem, uri, has_payloads=bool(sizes))
        checks = in_parallel(uri, lambda each: _checked(stores, uri, each), payloads)
        failures = [check for check in checks if isinstance(check, Failure)]
        going = [check for check in checks if isinstance(check, _Going)]
        kept = {failure.document_id for failure in failures}
        # An earlier call may have taken out of the manifest what changed before it was removed,
        # or what this call is not asked to remove: both are promised again.
        digests |= {each.document_id: each.sha256 for each in payloads if each.document_id in kept}
        for document_id in sizes.keys() - digests.keys() - {each.document_id for each in going}:
            digests[document_id] = hashed(filesystem, payload_uri(uri, document_id)).sha256
        for each in going:
            digests.pop(each.document_id, None)
            sizes.pop(each.document_id, None)
        if digests:
            seal(filesystem, uri, info, digests=digests, sizes=sizes, describe=describe)
        in_parallel(uri, lambda each: _remove(stores, each), going)
        if not digests:
            remove_bag(stores, uri=uri)
    except OSError as error:
        raise StorageError(f"bag {uri} could not be rewritten: {explained(error)}") from error
    return RewrittenBag(
        removed=tuple(each.document_id for each in going),
        failures=tuple(failures),
        payload_count=len(digests),
        payload_bytes=sum(sizes.values()),
    )


def verify_bag(stores: Stores, *, uri: str) -> list[str]:
    """Read a whole bag and return what is wrong with it; nothing for a valid bag.

    :raises StorageError: the store is not ours, or cannot be read.
    """
    store = stores.at(uri)
    store.require_ours()
    filesystem = store.filesystem
    try:
        found = {listed.uri.removeprefix(f"{uri}/") for listed in filesystem.listed(uri)}
        faults = [f"{name} is missing" for name in REQUIRED_NAMES if name not in found]
        if faults:
            return faults
        expected = {
            f"data/{document_id}": sha256
            for document_id, sha256 in _manifest(filesystem, uri, has_payloads=True).items()
        } | _tag_manifest(filesystem, uri)
        faults += [f"{name} is missing" for name in sorted(expected.keys() - found)]
        surplus = found - expected.keys() - {TAG_MANIFEST_NAME}
        faults += [f"{name} is in no manifest" for name in sorted(surplus)]
        for name in sorted(expected.keys() & found):
            if hashed(filesystem, f"{uri}/{name}").sha256 != expected[name]:
                faults.append(f"{name} has another SHA-256 than its manifest says")
    except OSError as error:
        raise StorageError(f"bag {uri} cannot be read: {explained(error)}") from error
    return faults


def manifest_of(filesystem: Filesystem, uri: str) -> dict[int, bytes]:
    """Return the SHA-256 of each payload that a bag names, by document id.

    :raises StorageError: it cannot be read, or is none that we write.
    """
    try:
        return _manifest(filesystem, uri, has_payloads=True)
    except OSError as error:
        raise StorageError(f"bag {uri} cannot be read: {explained(error)}") from error


def _sizes(filesystem: Filesystem, uri: str) -> dict[int, int]:
    """Return the size of each payload by document id."""
    folder = uris.joined(uri, "data")
    sizes = {}
    for listed in filesystem.listed(folder):
        name = listed.uri.removeprefix(f"{folder}/")
        if not name.isdecimal():
            raise StorageError(f"{listed.uri} was not put there by us; move it elsewhere")
        sizes[int(name)] = listed.stat.size_bytes
    return sizes


def _manifest(filesystem: Filesystem, uri: str, *, has_payloads: bool) -> dict[int, bytes]:
    try:
        return read_manifest(_content(filesystem, uris.joined(uri, MANIFEST_NAME)))
    except FileNotFoundError:
        if not has_payloads:  # an earlier call was about to remove the emptied folder
            return {}
        raise StorageError(f"bag {uri} has payloads but no {MANIFEST_NAME}") from None
    except ValueError as error:
        raise StorageError(f"bag {uri} was not written by us, or was damaged: {error}") from error


def _tag_manifest(filesystem: Filesystem, uri: str) -> dict[str, bytes]:
    lines = _content(filesystem, uris.joined(uri, TAG_MANIFEST_NAME)).decode("ascii").splitlines()
    split = (line.split(maxsplit=1) for line in lines)
    return {name: bytes.fromhex(sha256) for sha256, name in split}


def _content(filesystem: Filesystem, uri: str) -> bytes:
    _, stream = filesystem.open(uri)
    with stream:
        return stream.read()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Going:
    """A payload that was found to be the recorded one, or to be gone already."""

    document_id: int
    recorded: Recorded
    seen: Stat | None


def _checked(stores: Stores, uri: str, payload: BagPayload) -> _Going | Failure:
    """Ask everything that its removal will ask, before the manifest gives the payload up."""
    recorded = Recorded(
        uri=payload_uri(uri, payload.document_id),
        size_bytes=payload.size_bytes,
        sha256=payload.sha256,
        etag=payload.etag,
        version_id=payload.version_id,
    )
    try:
        seen = find_recorded(stores, recorded)
    except ChangedBytes as error:
        return Failure(document_id=payload.document_id, reason_code="changed", reason=str(error))
    return _Going(document_id=payload.document_id, recorded=recorded, seen=seen)


def _remove(stores: Stores, going: _Going) -> None:
    try:
        remove_exactly(stores, going.recorded, seen=going.seen)
    except ChangedBytes as error:
        # It was right a moment ago. The next call finds it changed and puts it back on the list.
        raise StorageError(
            f"{going.recorded.uri} was changed while its bag was rewritten"
        ) from error
