"""Writes archive bags: BagIt folders whose payloads are named by document id.

Order of writes: payloads, flushed together, read back and hashed again, then the tag files, each
whole or not at all. A bag without a tag manifest is not sealed; the caller inserted its row
before the first byte, so what a crash leaves is found and swept by ``remove_bag``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from doclife.errors import ChangedBytes, StorageError
from doclife.storage import uris
from doclife.storage.bag_text import TAG_NAMES, BagInfo, tag_files
from doclife.storage.filesystem import Chunk, Filesystem, Stat
from doclife.storage.local import TEMPORARY_PREFIX
from doclife.storage.reading import HashingReader, explained, hashed
from doclife.storage.stores import Store, Stores

MAX_DOCUMENTS = 1000
"""Cut bags at this many documents: a manifest that a person can still read."""
MAX_BYTES = 256 * 1024 * 1024
"""Cut bags at this size: purging one document of it rewrites little. A larger document gets a
bag of its own."""

_LOCAL_THREADS = 3
_LOCAL_SLICE = 16
_REMOTE_THREADS = 8
"""Requests to a remote store wait far more than they compute."""

_OUR_FILES = re.compile(
    r"data/[1-9][0-9]*|"
    + "|".join(re.escape(name) for name in TAG_NAMES)
    # Left by a process that was killed while it replaced a tag file.
    + rf"|{re.escape(TEMPORARY_PREFIX)}[^/]*"
)

Describe = Callable[[Mapping[int, bytes], Mapping[int, int]], bytes]
"""Returns what premis.xml says, for the SHA-256 and the size of each payload by document id."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Payload:
    """Recorded bytes that shall be copied into a bag."""

    document_id: int
    source_uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None = None
    version_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A payload in the bag, read back from the store and found to be what was recorded."""

    document_id: int
    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None
    modified_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A document that was left alone.

    :param reason_code: ``changed``, ``missing``, ``unreadable`` or ``damaged_copy``.
    """

    document_id: int
    reason_code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class WrittenBag:
    """What became of each payload. Without a single copy no bag remains."""

    uri: str
    copies: tuple[Copy, ...]
    failures: tuple[Failure, ...]

    @property
    def is_sealed(self) -> bool:
        """Whether there is a bag."""
        return bool(self.copies)

    @property
    def payload_count(self) -> int:
        """Number of documents in the bag."""
        return len(self.copies)

    @property
    def payload_bytes(self) -> int:
        """Their size together."""
        return sum(copy.size_bytes for copy in self.copies)


class _SourceFailure(Exception):
    """Reading the source failed; keeps it apart from what the target may raise."""

    def __init__(self, reason_code: str, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code


def bag_uri(
    root_uri: str, *, organization: str, retention_class: str, due: str, bag_id: int
) -> str:
    """Return where a bag goes: ``<root>/<organization>/<retention class>/<due>/bag-<id>``.

    :param due: a year, ``undated`` or ``permanent``.
    """
    return uris.joined(root_uri, organization, retention_class, due, f"bag-{bag_id}")


def payload_uri(bag: str, document_id: int) -> str:
    """Return where the bytes of a document lie in a bag."""
    return uris.joined(bag, "data", str(document_id))


def is_taken(store: Store, uri: str) -> bool:
    """Whether something lies where a bag is to go.

    :raises StorageError: the store does not say.
    """
    try:
        return next(store.filesystem.listed(uri), None) is not None
    except OSError as error:
        raise StorageError(f"{uri} cannot be listed: {explained(error)}") from error


def write_bag(
    stores: Stores, *, uri: str, info: BagInfo, payloads: Sequence[Payload], describe: Describe
) -> WrittenBag:
    """Copy recorded bytes into a new bag, verify what was written, and seal it.

    A payload whose source is missing, unreadable or not what was recorded is reported and left
    out; the rest goes on.

    :raises StorageError: the store is not ours or failed, or something is there already (what a
        killed run left: ``remove_bag`` first).
    """
    store = stores.at(uri)
    store.require_ours()
    filesystem = store.filesystem
    try:
        if next(filesystem.listed(uri), None) is not None:
            raise StorageError(f"there is something at {uri} already; a bag is only written anew")
        copied = in_parallel(
            uri, lambda payload: _copied(stores, filesystem, uri, payload), payloads
        )
        written = [outcome for outcome in copied if isinstance(outcome, Copy)]
        if written:
            filesystem.flush(uri)
        # All at once, so that the disk reads some while others are hashed.
        in_parallel(uri, lambda copy: filesystem.forget_cached(copy.uri), written)
        checked = in_parallel(uri, lambda copy: _read_back(filesystem, copy), written)
        copies = [outcome for outcome in checked if isinstance(outcome, Copy)]
        if copies:
            seal(
                filesystem,
                uri,
                info,
                digests={copy.document_id: copy.sha256 for copy in copies},
                sizes={copy.document_id: copy.size_bytes for copy in copies},
                describe=describe,
            )
        else:
            filesystem.remove_folders(uri)
    except OSError as error:
        raise StorageError(f"bag {uri} could not be written: {explained(error)}") from error
    return WrittenBag(
        uri=uri,
        copies=tuple(copies),
        failures=tuple(o for o in (*copied, *checked) if isinstance(o, Failure)),
    )


def seal(
    filesystem: Filesystem,
    uri: str,
    info: BagInfo,
    *,
    digests: Mapping[int, bytes],
    sizes: Mapping[int, int],
    describe: Describe,
) -> None:
    """Write the tag files, each at once, the tag manifest last.

    Where the store keeps versions, those before go: a document that was destroyed must not live on
    in what the bag said of it once.
    """
    files = tag_files(
        info,
        digests=digests,
        total_bytes=sum(sizes.values()),
        premis=describe(digests, sizes),
    )
    for name in TAG_NAMES:
        filesystem.replace(uris.joined(uri, name), files[name])
    for name in TAG_NAMES:
        remove_older_versions(filesystem, uris.joined(uri, name))


def remove_bag(stores: Stores, *, uri: str) -> None:
    """Remove what a killed run left of a bag that no document points to; nothing left is fine.

    Whether documents point to it is what the caller knows: its row is in state ``writing``.

    :raises StorageError: the store is not ours or failed, or the folder holds anything that is no
        part of a bag of ours; then nothing was removed.
    """
    store = stores.at(uri)
    store.require_ours()
    if not re.fullmatch(r"bag-[0-9]+", uris.file_name(uri)):
        raise StorageError(f"{uri} is not named like a bag; nothing was removed")
    try:
        found = [listed.uri for listed in store.filesystem.listed(uri)]
        for each in found:
            if not _OUR_FILES.fullmatch(each.removeprefix(f"{uri}/")):
                raise StorageError(f"{each} is no part of a bag of ours; nothing was removed")
        # Not the payloads: more versions of one than ours is somebody's doing.
        for name in TAG_NAMES:
            if uris.joined(uri, name) in found:
                remove_older_versions(store.filesystem, uris.joined(uri, name))
        for each in found:
            discard(store.filesystem, each)
        store.filesystem.remove_folders(uri)
    except OSError as error:
        raise StorageError(f"bag {uri} could not be removed: {explained(error)}") from error


def discard(filesystem: Filesystem, uri: str) -> None:
    """Remove bytes that we wrote ourselves and nobody points to, whatever they are."""
    filesystem.remove(uri, version_id=filesystem.stat(uri).version_id)


def remove_older_versions(filesystem: Filesystem, uri: str) -> None:
    """Remove what a store that keeps versions has kept of a file that we wrote again."""
    found = filesystem.stat(uri)
    if found.version_id is not None:
        for version_id in filesystem.other_versions(uri, version_id=found.version_id):
            filesystem.remove(uri, version_id=version_id)


def in_parallel(uri: str, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Do the work on each item, as many at once as the store at ``uri`` is good for."""
    threads = _LOCAL_THREADS if uris.scheme_of(uri) == "file" else _REMOTE_THREADS
    # Small local files take less time than handing one to a thread does.
    size = _LOCAL_SLICE if uris.scheme_of(uri) == "file" else 1
    slices = [items[start : start + size] for start in range(0, len(items), size)]
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(lambda slice_: [work(item) for item in slice_], slices)
        return [result for results in done for result in results]


def _copied(stores: Stores, target: Filesystem, bag: str, payload: Payload) -> Copy | Failure:
    uri = payload_uri(bag, payload.document_id)
    try:
        source = stores.at(payload.source_uri)
        found = target.create(uri, _verified(source, payload))
    except _SourceFailure as failure:
        return Failure(
            document_id=payload.document_id, reason_code=failure.reason_code, reason=str(failure)
        )
    return _copy(payload.document_id, uri, found, payload.sha256)


def _verified(source: Store, payload: Payload) -> Iterator[Chunk]:
    """Yield the recorded bytes, or raise before the copy can pass for them."""
    uri = payload.source_uri
    reader = HashingReader(source.filesystem, uri, version_id=payload.version_id)
    try:
        yield from reader
    except FileNotFoundError:
        source.require_ours()
        raise _SourceFailure("missing", f"{uri} is not there any more") from None
    except ChangedBytes as error:
        raise _SourceFailure("changed", str(error)) from error
    except OSError as error:
        raise _SourceFailure("unreadable", f"{uri}: {explained(error)}") from error
    is_recorded = (
        reader.digest.sha256 == payload.sha256
        and reader.digest.size_bytes == payload.size_bytes
        and payload.etag in (None, reader.digest.stat.etag)
    )
    if not is_recorded:
        raise _SourceFailure("changed", f"{uri} has other bytes than were recorded")


def _read_back(filesystem: Filesystem, copy: Copy) -> Copy | Failure:
    read = hashed(filesystem, copy.uri, version_id=copy.version_id)
    if read.sha256 == copy.sha256 and read.size_bytes == copy.size_bytes:
        return copy
    discard(filesystem, copy.uri)
    return Failure(
        document_id=copy.document_id,
        reason_code="damaged_copy",
        reason=f"{copy.uri} read back differs from what was written: check the storage",
    )


def _copy(document_id: int, uri: str, found: Stat, sha256: bytes) -> Copy:
    return Copy(
        document_id=document_id,
        uri=uri,
        size_bytes=found.size_bytes,
        sha256=sha256,
        etag=found.etag,
        version_id=found.version_id,
        modified_at=found.modified_at,
    )
