"""The stores of this deployment, found by URI, and whether they may be written to."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from doclife.errors import ConfigurationError, StorageError
from doclife.storage import uris
from doclife.storage.filesystem import Filesystem
from doclife.storage.local import LocalFilesystem
from doclife.storage.marker import Marker, MarkerState, read_marker, write_marker
from doclife.storage.s3 import S3Filesystem


@dataclass(frozen=True, kw_only=True)
class StoreRecord:
    """A store as the catalogue knows it.

    :param is_cold: its bytes cannot be read at once (Glacier and the like); they are asked for.
    :param options: how to reach it: arguments of ``s3fs.S3FileSystem``; none for a local folder.
    """

    store_id: int
    name: str
    root_uri: str
    marker_id: UUID
    is_cold: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold a secret


def filesystem_for(root_uri: str, options: Mapping[str, Any]) -> Filesystem:
    """Return the kind of filesystem that a URI names. Nothing is opened yet."""
    scheme = uris.scheme_of(root_uri)
    if scheme == "file":
        return LocalFilesystem()
    if scheme == "s3":
        return S3Filesystem(options)
    raise ConfigurationError(f"{root_uri!r}: stores of kind {scheme!r} are not known.")


class Store:
    """One store: where it is and how to reach it."""

    def __init__(self, record: StoreRecord, *, deployment_id: UUID, filesystem: Filesystem) -> None:
        self.record = record
        self.filesystem = filesystem
        self._own_marker = Marker(
            deployment_id=deployment_id, marker_id=record.marker_id, store_name=record.name
        )

    def marker_state(self) -> MarkerState:
        """Look for the marker now; never remembered, a mount can go at any time.

        :raises StorageError: it cannot be told, which is neither absence nor consent.
        """
        try:
            found = read_marker(self.filesystem, self.record.root_uri)
        except ValueError:
            return MarkerState.FOREIGN
        except OSError as error:
            raise StorageError(
                f"store {self.record.name!r} at {self.record.root_uri} cannot be read: {error}. "
                "Check that it is mounted or reachable, and that we may read it."
            ) from error
        if found is None:
            return MarkerState.ABSENT
        own = self._own_marker
        is_ours = (found.deployment_id, found.marker_id) == (own.deployment_id, own.marker_id)
        return MarkerState.OURS if is_ours else MarkerState.FOREIGN

    def require_ours(self) -> None:
        """Return only when our marker was seen just now.

        :raises StorageError: it was not, so the store is read-only and absence is not believed.
        """
        state = self.marker_state()
        if state is MarkerState.OURS:
            return
        found = {
            MarkerState.ABSENT: "has no marker",
            MarkerState.FOREIGN: "carries the marker of another deployment or store",
        }[state]
        raise StorageError(
            f"store {self.record.name!r} at {self.record.root_uri} {found}, so it is read-only. "
            "If the right folder or bucket is there and it is meant to be ours, run: "
            f"doclife stores adopt {self.record.name}"
        )

    def claim(self) -> None:
        """Write our marker, over whatever is there.

        :raises OSError: the store cannot be written to.
        """
        write_marker(self.filesystem, self.record.root_uri, self._own_marker)


class Stores:
    """Every store of the deployment.

    :param open_filesystem: how a root is reached; only drills and tests give another one.
    """

    def __init__(
        self,
        records: Iterable[StoreRecord],
        *,
        deployment_id: UUID,
        open_filesystem: Callable[[str, Mapping[str, Any]], Filesystem] = filesystem_for,
    ) -> None:
        self.deployment_id = deployment_id
        self._by_root = {
            record.root_uri: Store(
                record,
                deployment_id=deployment_id,
                filesystem=open_filesystem(record.root_uri, record.options),
            )
            for record in records
        }

    def seen_through(self, wrap: Callable[[Filesystem], Filesystem]) -> "Stores":
        """Return the same stores, each reached through what ``wrap`` makes of its filesystem."""
        return Stores(
            (store.record for store in self),
            deployment_id=self.deployment_id,
            open_filesystem=lambda root_uri, options: wrap(filesystem_for(root_uri, options)),
        )

    def __iter__(self) -> Iterator[Store]:
        """Yield each store once, in the order they were given."""
        return iter(self._by_root.values())

    def get(self, name: str) -> Store | None:
        """Return the store that is registered under a name, if one is."""
        return next((store for store in self if store.record.name == name), None)

    def find(self, uri: str) -> Store | None:
        """Return the innermost store that holds ``uri``, if one does."""
        folder = uri
        while folder and not folder.endswith(":/"):
            if folder in self._by_root:
                return self._by_root[folder]
            folder = uris.parent(folder)
        return None

    def at(self, uri: str) -> Store:
        """Return the innermost store that holds ``uri``.

        :raises StorageError: none does.
        """
        store = self.find(uri)
        if store is None:
            raise StorageError(
                f"{uri} is in no registered store. Stores: "
                + (", ".join(sorted(self._by_root)) or "none")
            )
        return store

    def named(self, name: str) -> Store:
        """Return a store by its name.

        :raises ConfigurationError: there is none of that name.
        """
        by_name = {store.record.name: store for store in self}
        if name in by_name:
            return by_name[name]
        close = difflib.get_close_matches(name, by_name, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigurationError(f"there is no store {name!r}.{hint} See: doclife stores list")
