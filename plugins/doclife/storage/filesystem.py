"""What a store must be able to do with bytes; local folders and S3 each do it their way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

CHUNK_BYTES = 1024 * 1024
"""Read and written at a time: large enough that hashing runs without Python's lock."""

Chunk = bytes | memoryview
"""A piece of content; a memoryview is valid until the next piece is asked for."""


class Reach(StrEnum):
    """Whether bytes can be read."""

    AT_ONCE = "at once"
    ASKED_FOR = "asked for"
    ON_REQUEST = "on request"
    """They lie in a cold tier: ``ask_for`` brings them within reach in some hours."""


@dataclass(frozen=True, kw_only=True)
class Stat:
    """What a store says about bytes at one URI.

    :param modified_at: aware, UTC; None when the store says none that a calendar has.
    :param etag: the store's own mark of this content; None for local files.
    :param version_id: which version this is where the store keeps several.
    :param changed_ns: when a local file was last touched in any way (its ctime), which no program
        can set: while it stays the same, so do the bytes. It is not a part of what the bytes are.
    :param name_count: under how many names the same bytes lie: hard links.
    :param reach: whether they can be read now.
    """

    size_bytes: int
    modified_at: datetime | None
    etag: str | None = None
    version_id: str | None = None
    changed_ns: int | None = field(default=None, compare=False)
    name_count: int = field(default=1, compare=False)
    reach: Reach = field(default=Reach.AT_ONCE, compare=False)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One object found below a folder."""

    uri: str
    stat: Stat


class Filesystem(Protocol):
    """One kind of store.

    Every method takes normalised URIs. ``FileNotFoundError`` means positively not there; whatever
    else goes wrong (403, time-outs, input/output errors) is another ``OSError``.
    """

    def stat(self, uri: str, *, version_id: str | None = None) -> Stat:
        """Describe the bytes at ``uri``; a folder is not bytes."""

    def open(self, uri: str, *, version_id: str | None = None) -> tuple[Stat, BinaryIO]:
        """Open for reading and describe what was opened; symbolic links are not followed.

        The stream has ``readinto`` and ``close``. Where the store has etags, bytes that change
        while they are read raise instead of mixing.
        """

    def listed(self, uri: str) -> Iterator[Listed]:
        """Yield every object below a folder; nothing when the folder is not there."""

    def create(self, uri: str, chunks: Iterable[Chunk], *, is_durable: bool = False) -> Stat:
        """Write new bytes, making folders on the way.

        When ``chunks`` raises, nothing remains at ``uri``.

        :param is_durable: return when the bytes would survive a power cut, and let a crash leave
            all of them or nothing. Many files are written faster without, and one ``flush``.

        :raises FileExistsError: there are bytes already; they stay.
        """

    def replace(self, uri: str, content: bytes) -> None:
        """Write a small file so that a reader, and a crash, see the old or the new one whole."""

    def flush(self, uri: str) -> None:
        """Return when everything written below the folder ``uri`` would survive a power cut."""

    def forget_cached(self, uri: str) -> None:
        """Make the next read of ``uri`` come from where the bytes are kept, where that is known.

        That may be begun already, so that many files are read back faster than one by one.
        """

    def remove(self, uri: str, *, etag: str | None = None, version_id: str | None = None) -> None:
        """Remove the bytes; with ``version_id`` that version, with ``etag`` only if it matches.

        Whether they were there is the caller's question to ``stat``: S3 says yes either way.
        """

    def remove_folders(self, uri: str) -> None:
        """Remove the folder ``uri`` and those below it if they hold no files; else leave them."""

    def other_versions(self, uri: str, *, version_id: str | None = None) -> list[str]:
        """Return the versions of this name that hold bytes, all but the given one.

        Nothing where the store keeps one version only.
        """

    def kept_sha256(self, uri: str, *, version_id: str | None = None) -> bytes | None:
        """Return the SHA-256 that the store itself keeps of the whole content; None without one."""

    def ask_for(self, uri: str, *, version_id: str | None = None) -> None:
        """Have bytes of a cold tier brought within reach; nothing where all are."""
