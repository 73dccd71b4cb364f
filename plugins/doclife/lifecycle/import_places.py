"""Turns what a person named into stores and the files in them."""

import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle.import_manifest import Manifest, ManifestRow
from doclife.lifecycle.import_progress import Problem, ProblemKind
from doclife.lifecycle.import_sources import Finder, Found, Given, is_ours, printable_place
from doclife.lifecycle.stores import Options, RegisteredStore, open_stores, register_store
from doclife.storage import uris
from doclife.storage.filesystem import Filesystem
from doclife.storage.reading import explained
from doclife.storage.stores import Stores, filesystem_for
from doclife.store import importing
from doclife.store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class Places:
    """The stores of an import, and what to look at in them.

    :param found: yields every file and every problem, anew with each call.
    :param count: number of files and their bytes, as far as that can be told quickly.
    :param notes: what was registered, and what is read-only.
    """

    found: Callable[[], Iterator[Found]]
    count: Callable[[], tuple[int, int]]
    store_names: tuple[str, ...]
    is_read_only: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Registrar:
    """Registers stores on behalf of one import.

    :param database: held while the connection is used beside the writer's thread.
    """

    conn: Connection
    store_name: str | None
    connection_id: str | None
    now: datetime
    actor: str
    options: Options
    database: Lock

    def is_bag(self, uri: str) -> bool:
        """Tell whether a folder is an archive bag of ours."""
        with self.database:
            return importing.is_bag(self.conn, uri)

    def register(self, root_uri: str) -> RegisteredStore:
        """Make sure that a folder or prefix lies in a store."""
        return register_store(
            self.conn,
            name=self.store_name,
            root=root_uri,
            connection_id=self.connection_id,
            now=self.now,
            actor=self.actor,
            options=self.options,
        )

    def filesystem(self, uri: str) -> Filesystem:
        """Reach a place that is not registered yet."""
        options = self.options(self.connection_id) if self.connection_id else {}
        return filesystem_for(uri, options)


def find_places(
    registrar: Registrar, *, source: str, manifest: Manifest | None, given: Given
) -> Places:
    """Register what is not registered yet, and say where to look.

    :raises ConfigurationError: the source is not there, or the manifest is none.
    :raises StorageError: a bucket cannot be reached.
    """
    if manifest is not None:
        return _of_manifest(registrar, manifest)
    uri = uris.normalised(source)
    if uris.scheme_of(uri) == "file":
        return _of_folder(registrar, uris.local_path(uri), given)
    return _of_prefix(registrar, uri, given)


def _of_folder(registrar: Registrar, path: str, given: Given) -> Places:
    real = Path(path).resolve()
    if not real.exists():
        raise ConfigurationError(f"there is no {uris.printable(path)!r}.")
    real_uri = uris.of_path(str(real))
    folder = real if real.is_dir() else real.parent
    if folder != real:
        _require_store(registrar, real_uri, folder=str(folder))
    registered = registrar.register(uris.of_path(str(folder)))
    finder = _finder(registrar, given)
    if folder == real:
        return _places(
            [registered],
            found=lambda: finder.below(real_uri),
            count=lambda: _count_files(str(real)),
        )
    return _places(
        [registered],
        found=lambda: iter([finder.single(real_uri, given)]),
        count=lambda: (1, real.stat().st_size),
    )


def _require_store(registrar: Registrar, uri: str, *, folder: str) -> None:
    """Refuse one file outside of every store: it must not make all that lies beside it ours."""
    if open_stores(registrar.conn, options=registrar.options).find(uri) is None:
        raise ConfigurationError(
            f"{printable_place(uri)} lies in no store. Register its folder first, if all that lies "
            f"in it may be managed (purges remove bytes there): doclife stores register NAME "
            f"{shlex.quote(uris.printable(folder))}. Or import the folder."
        )


def _of_prefix(registrar: Registrar, uri: str, given: Given) -> Places:
    known = open_stores(registrar.conn, options=registrar.options).find(uri)
    # Looked at before a store is registered: a bucket that is none must not become one.
    filesystem = known.filesystem if known is not None else registrar.filesystem(uri)
    try:
        is_single = next(filesystem.listed(uri), None) is None
        if is_single:
            filesystem.stat(uri)
    except FileNotFoundError:
        raise ConfigurationError(f"there is nothing at {uri}.") from None
    except OSError as error:
        raise StorageError(f"{uri} cannot be listed: {explained(error)}") from error
    root_uri = uris.parent(uri) if is_single else uri
    if is_single:
        _require_store(registrar, uri, folder=root_uri)
    registered = registrar.register(root_uri if known is None else known.record.root_uri)
    finder = _finder(registrar, given)
    if is_single:
        return _places(
            [registered],
            found=lambda: iter([finder.single(uri, given)]),
            count=lambda: (1, filesystem.stat(uri).size_bytes),
        )

    def count() -> tuple[int, int]:
        files = size_bytes = 0
        for listed in filesystem.listed(uri):
            files += 1
            size_bytes += listed.stat.size_bytes
        return files, size_bytes

    return _places([registered], found=lambda: finder.below(uri), count=count)


def _of_manifest(registrar: Registrar, manifest: Manifest) -> Places:
    stores = open_stores(registrar.conn, options=registrar.options)
    survey = _Survey(stores)
    duplicates = importing.find_duplicates(registrar.conn, survey.names(manifest))
    registered = [registrar.register(root) for root in survey.new_roots()]
    registered += [
        registrar.register(stores.named(name).record.root_uri) for name in survey.known_stores
    ]
    finder = _finder(registrar, manifest.common)
    twice = {line: (name, lines) for name, lines in duplicates.items() for line in lines}

    def found() -> Iterator[Found]:
        for row in manifest.rows():
            if isinstance(row, Problem):
                yield row
            elif row.line in twice:
                yield _duplicate(manifest, row, *twice[row.line])
            else:
                yield finder.single(row.uri, row.given)

    return _places(registered, found=found, count=lambda: (survey.count, survey.size_bytes))


class _Survey:
    """What a first reading of a manifest finds out; memory does not grow with its length."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._common: dict[str, str] = {}
        self.known_stores: set[str] = set()
        self.count = 0
        self.size_bytes = 0

    def names(self, manifest: Manifest) -> Iterator[tuple[int, str]]:
        """Yield line and name of each row, and learn of its place on the way."""
        for row in manifest.rows():
            if isinstance(row, ManifestRow):
                self._learn(row.uri)
                yield row.line, row.given.external_id or row.uri

    def new_roots(self) -> list[str]:
        """Return for each bucket, and for the local files, the folder above all new places."""
        return [root for root in self._common.values() if root != "file://"]

    def _learn(self, uri: str) -> None:
        self.count += 1
        if uris.scheme_of(uri) == "file":
            path = Path(uris.local_path(uri))
            uri = uris.of_path(str(path.parent.resolve() / path.name))
            try:
                self.size_bytes += path.lstat().st_size
            except OSError:
                return  # reported when it is read
        known = self._stores.find(uri)
        if known is not None:
            self.known_stores.add(known.record.name)
            return
        folder = uris.parent(uri)
        place = "file" if uris.scheme_of(uri) == "file" else uris.bucket_and_key(uri)[0]
        self._common[place] = _common_folder(self._common.get(place, folder), folder)


def _common_folder(one: str, other: str) -> str:
    while not uris.is_within(other, root_uri=one):
        one = uris.parent(one)
    return one


def _places(
    registered: list[RegisteredStore],
    *,
    found: Callable[[], Iterator[Found]],
    count: Callable[[], tuple[int, int]],
) -> Places:
    notes = []
    for each in registered:
        record = each.store.record
        if each.is_new:
            notes.append(f"registered store {record.name} at {record.root_uri}")
        if each.detail is not None:
            notes.append(each.detail)
    return Places(
        found=found,
        count=count,
        store_names=tuple(each.store.record.name for each in registered),
        is_read_only=any(not each.is_writable for each in registered),
        notes=tuple(notes),
    )


def _finder(registrar: Registrar, given: Given) -> Finder:
    return Finder(
        stores=open_stores(registrar.conn, options=registrar.options),
        is_bag=registrar.is_bag,
        given=given,
    )


def _count_files(root: str) -> tuple[int, int]:
    """Count what a folder holds, for the progress bar; what cannot be read is found out later."""
    files = size_bytes = 0
    folders = [root]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False) and not is_ours(entry.name):
                        files += 1
                        size_bytes += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return files, size_bytes


def _duplicate(manifest: Manifest, row: ManifestRow, name: str, lines: list[int]) -> Problem:
    others = ", ".join(str(line) for line in lines[:5] if line != row.line)
    return Problem(
        path=f"{uris.printable(str(manifest.path))}:{row.line}",
        kind=ProblemKind.DUPLICATE,
        reason=f"{uris.printable(name)!r} is also on line {others}: which one is meant?",
    )
