"""Finds the files of an import: in a folder, below an S3 prefix, or one by one."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from doclife.lifecycle.import_progress import Problem, ProblemKind
from doclife.storage import uris
from doclife.storage.filesystem import Stat
from doclife.storage.marker import MARKER_NAME
from doclife.storage.reading import explained
from doclife.storage.stores import Store, Stores

MAX_URI_LENGTH = 2600
"""What a PostgreSQL index holds; a path of so many bytes, three for each that is not ASCII."""

_BAG_NAME = re.compile(r"bag-[0-9]+")
_BAG = re.compile(r"(.*/bag-[0-9]+)/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a person says about a document; None where nothing is said."""

    external_id: str | None = None
    title: str | None = None
    document_type: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] | None = None
    media_type: str | None = None
    metadata: dict[str, str | int] = field(default_factory=dict)
    created_on: date | None = None
    modified_on: date | None = None
    last_accessed_on: date | None = None
    expires_on: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A file that may become a document.

    :param stat: what a listing said, where it did.
    """

    uri: str
    store: Store
    given: Given
    stat: Stat | None = None


Found = Candidate | Problem


def is_ours(name: str) -> bool:
    """Tell whether a file is a marker or a half-written file of ours, and nobody's document."""
    return name.startswith(".doclife-")


def printable_place(uri: str) -> str:
    """Return where something lies as one line that a person can read."""
    if uris.scheme_of(uri) == "file":
        return uris.escaped(uris.local_path(uri))
    return uris.escaped(uri)


def external_id_of(uri: str, store: Store) -> str:
    """Return ``<store>/<path in the store>``: unique, and the same when the store moves.

    Percent signs, control characters and bytes that are not UTF-8 are percent-encoded.
    """
    root_uri = store.record.root_uri
    if uris.scheme_of(uri) == "file":
        relative = uris.local_path(uri)[len(uris.local_path(root_uri)) + 1 :]
    else:
        relative = uri[len(root_uri) + 1 :]
    return f"{store.record.name}/{uris.escaped(relative)}"


@dataclass(frozen=True, kw_only=True)
class Finder:
    """Walks stores.

    :param is_bag: tells whether a folder is an archive bag of ours.
    :param given: what is said about every file.
    """

    stores: Stores
    is_bag: Callable[[str], bool]
    given: Given

    def below(self, root_uri: str) -> Iterator[Found]:
        """Yield every file below a folder or prefix, and what is no file. Links are not followed.

        Memory does not grow with the number of files.
        """
        if uris.scheme_of(root_uri) == "file":
            yield from self._below_folder(uris.local_path(root_uri))
        else:
            yield from self._below_prefix(root_uri)

    def single(self, uri: str, given: Given) -> Found:
        """Return the one file that somebody named."""
        if uris.scheme_of(uri) == "file":
            path = Path(uris.local_path(uri))
            uri = uris.of_path(str(path.parent.resolve() / path.name))
        store = self.stores.find(uri)
        if store is None:
            return Problem(
                path=printable_place(uri),
                kind=ProblemKind.NO_STORE,
                reason="it lies in no registered store; import its folder or bucket first",
            )
        bag = _BAG.match(uri)
        if bag is not None and self.is_bag(bag[1]):
            return Problem(
                path=printable_place(uri),
                kind=ProblemKind.ARCHIVED,
                reason="it lies in an archive bag: it is the archived copy of a document already",
            )
        return _checked(Candidate(uri=uri, store=store, given=given))

    def _below_folder(self, root: str) -> Iterator[Found]:
        folders = [root]
        while folders:
            folder = folders.pop()
            folder_uri = uris.of_path(folder)
            if _BAG_NAME.fullmatch(uris.file_name(folder_uri)) and self.is_bag(folder_uri):
                continue
            store = self.stores.at(folder_uri)
            if folder_uri != store.record.root_uri and os.path.lexists(f"{folder}/{MARKER_NAME}"):
                yield _foreign(folder)
                continue
            try:
                entries = os.scandir(folder)
            except OSError as error:
                yield _unreadable_folder(folder, error)
                continue
            prefix = folder_uri.rstrip("/")
            with entries:
                while True:
                    try:
                        entry = next(entries, None)
                    except OSError as error:
                        yield _unreadable_folder(folder, error)
                        break
                    if entry is None:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif not is_ours(entry.name):
                        yield self._file(entry, uris.joined(prefix, entry.name), store)

    def _file(self, entry: "os.DirEntry[str]", uri: str, store: Store) -> Found:
        if entry.is_symlink():
            return Problem(
                path=uris.escaped(entry.path),
                kind=ProblemKind.SYMLINK,
                reason="symbolic links are not followed; import the place it points to",
            )
        if not entry.is_file(follow_symlinks=False):
            return Problem(
                path=uris.escaped(entry.path),
                kind=ProblemKind.NOT_A_FILE,
                reason="a socket, pipe or device holds no document",
            )
        return _checked(Candidate(uri=uri, store=store, given=self.given))

    def _below_prefix(self, root_uri: str) -> Iterator[Found]:
        filesystem = self.stores.at(root_uri).filesystem
        bags: dict[str, bool] = {}
        for listed in filesystem.listed(root_uri):
            store = self.stores.at(listed.uri)
            if is_ours(uris.file_name(listed.uri)):
                continue
            bag = _BAG.match(listed.uri)
            if bag is not None:
                if bag[1] not in bags:
                    bags = {bag[1]: self.is_bag(bag[1])}  # listings are in order: the last suffices
                if bags[bag[1]]:
                    continue
            yield _checked(
                Candidate(uri=listed.uri, store=store, given=self.given, stat=listed.stat)
            )


def _checked(candidate: Candidate) -> Found:
    if len(candidate.uri) <= MAX_URI_LENGTH:
        return candidate
    return Problem(
        path=printable_place(candidate.uri),
        kind=ProblemKind.TOO_LONG,
        reason=f"its place takes {len(candidate.uri)} characters and {MAX_URI_LENGTH} can be kept",
    )


def _foreign(folder: str) -> Problem:
    return Problem(
        path=uris.escaped(folder),
        kind=ProblemKind.FOREIGN,
        reason=f"the folder has a {MARKER_NAME} that is not of a store registered here",
    )


def _unreadable_folder(folder: str, error: OSError) -> Problem:
    is_gone = isinstance(error, FileNotFoundError)
    return Problem(
        path=uris.escaped(folder),
        kind=ProblemKind.VANISHED if is_gone else ProblemKind.UNREADABLE,
        reason=f"folder: {explained(error)}; nothing in it was imported",
    )
