"""Registers stores, opens them, and says which of them are ours."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle.tenants import FIRST_ORGANIZATION
from doclife.storage import uris
from doclife.storage.marker import MarkerState
from doclife.storage.stores import Store, StoreRecord, Stores
from doclife.store import audit, organizations
from doclife.store import stores as table
from doclife.store.connection import Connection

Options = Callable[[str], Mapping[str, Any]]
"""Gives the fsspec options behind the id of an Airflow Connection."""


@dataclass(frozen=True, kw_only=True)
class RegisteredStore:
    """A store after registration.

    :param is_writable: our marker lies in it. Without, documents are catalogued all the same, and
        nothing is ever written or removed there.
    :param detail: why it is not writable.
    """

    store: Store
    is_new: bool
    is_writable: bool
    detail: str | None


@dataclass(frozen=True, kw_only=True)
class StoreStatus:
    """What people want to know about a store.

    :param marker: ``ours``, ``foreign``, ``absent`` or ``unreachable``.
    :param detail: what to do about it, where there is something to do.
    """

    name: str
    root_uri: str
    connection_id: str | None
    marker: str
    detail: str | None
    objects: int
    size_bytes: int


def open_stores(conn: Connection, *, options: Options) -> Stores:
    """Return every store; nothing is reached before it is used.

    :param options: asked once for each store that has a Connection.
    """
    return Stores(
        (_record(row, options) for row in table.list_all(conn)),
        deployment_id=table.deployment_id(conn),
    )


def register_store(
    conn: Connection,
    *,
    name: str | None,
    root: str,
    connection_id: str | None,
    now: datetime,
    actor: str,
    options: Options,
    is_cold: bool = False,
) -> RegisteredStore:
    """Make sure that ``root`` lies in a store, and return that store.

    A place inside a store that is registered belongs to it. A new store gets our marker; if it
    cannot be written, or another deployment's is there, the store is read-only. Calling it again
    changes nothing, and does not write a marker that has gone: ``adopt_stores`` does.

    :param name: default: the last part of the path.
    :param is_cold: its bytes cannot be read at once, so that purges go by size and etag; objects
        that S3 calls Glacier or Deep Archive are seen to be so in any store.
    :raises ConfigurationError: the name is taken or none, or ``root`` names no place.
    """
    root_uri = _root_uri(root)
    stores = open_stores(conn, options=options)
    found = stores.find(root_uri)
    if found is not None:
        if name is not None and name != found.record.name:
            raise ConfigurationError(
                f"{root_uri} belongs to store {found.record.name!r} already, so it cannot become "
                f"{name!r}. Leave out the name."
            )
        return _described(found, is_new=False)
    row = _insert(
        conn,
        name=name,
        root_uri=root_uri,
        connection_id=connection_id,
        is_cold=is_cold,
        stores=stores,
    )
    if row is None:  # somebody else registered it at the same moment
        return register_store(
            conn,
            name=name,
            root=root,
            connection_id=connection_id,
            now=now,
            actor=actor,
            options=options,
            is_cold=is_cold,
        )
    store = open_stores(conn, options=options).named(row.name)
    try:
        if store.marker_state() is MarkerState.ABSENT:
            store.claim()
    except (OSError, StorageError):
        pass  # read-only, as _described finds in a moment
    _audit(conn, "store.registered", store, now=now, actor=actor)
    return _described(store, is_new=True)


def _root_uri(root: str) -> str:
    root_uri = uris.normalised(root)
    if uris.scheme_of(root_uri) != "file":
        return root_uri
    # Nothing is removed through a link, so a store is where its links lead.
    root_uri = uris.of_path(os.path.realpath(uris.local_path(root_uri)))
    if root_uri == "file:///":
        raise ConfigurationError("the whole file system cannot be a store: name a folder.")
    return root_uri


def require_stores(conn: Connection, archived_into: Mapping[str, str]) -> None:
    """Make sure that stores are registered before anything is planned for them.

    :param archived_into: names of stores, by whoever archives into them.
    :raises ConfigurationError: some are not; each is named.
    """
    known = {store.name for store in table.list_all(conn)}
    missing = [
        f"{who} archives into store {name!r}"
        for who, name in archived_into.items()
        if name not in known
    ]
    if missing:
        raise ConfigurationError(
            f"{'; '.join(missing)}, which is not registered. Stores: "
            f"{', '.join(sorted(known)) or 'none yet'}. Register it first: "
            "doclife stores register NAME PLACE"
        )


def describe_stores(conn: Connection, *, options: Options) -> list[StoreStatus]:
    """Look at every store now. One that cannot be reached says so and does not spoil the list."""
    counts = table.count_objects(conn)
    deployment_id = table.deployment_id(conn)
    statuses = []
    for row in table.list_all(conn):
        try:
            store = Stores([_record(row, options)], deployment_id=deployment_id).named(row.name)
            marker, detail = str(store.marker_state()), None
            if marker != MarkerState.OURS:
                detail = _reason(store)
        except (StorageError, ConfigurationError) as error:
            marker, detail = "unreachable", str(error)
        objects, size_bytes = counts.get(row.store_id, (0, 0))
        statuses.append(
            StoreStatus(
                name=row.name,
                root_uri=row.root_uri,
                connection_id=row.connection_id,
                marker=marker,
                detail=detail,
                objects=objects,
                size_bytes=size_bytes,
            )
        )
    return statuses


def adopt_stores(
    conn: Connection,
    *,
    names: Sequence[str] | None,
    now: datetime,
    actor: str,
    options: Options,
) -> list[StoreStatus]:
    """Write our marker into stores, over another deployment's too, and return how they are now.

    This is a person's word that the folders and buckets are the right ones and ours alone.

    :param names: None for every store.
    :raises ConfigurationError: there is no store of that name.
    :raises StorageError: a marker could not be written; earlier ones in the list were.
    """
    stores = open_stores(conn, options=options)
    for store in stores if names is None else [stores.named(name) for name in names]:
        try:
            if store.marker_state() is MarkerState.OURS:
                continue
            store.claim()
        except OSError as error:
            raise StorageError(
                f"store {store.record.name!r} at {store.record.root_uri} cannot be written to: "
                f"{error}. It stays read-only."
            ) from error
        _audit(conn, "store.adopted", store, now=now, actor=actor)
    return describe_stores(conn, options=options)


def _record(row: table.StoreRow, options: Options) -> StoreRecord:
    return StoreRecord(
        store_id=row.store_id,
        name=row.name,
        root_uri=row.root_uri,
        marker_id=row.marker_id,
        is_cold=row.is_cold,
        options=options(row.connection_id) if row.connection_id else {},
    )


def _insert(
    conn: Connection,
    *,
    name: str | None,
    root_uri: str,
    connection_id: str | None,
    is_cold: bool,
    stores: Stores,
) -> table.StoreRow | None:
    taken = {store.record.name: store.record.root_uri for store in stores}
    if name in taken:
        raise ConfigurationError(
            f"store {name!r} is at {taken[name]}. Give {root_uri} another name."
        )
    if name is None:
        base = re.sub(r"[^a-z0-9]+", "-", uris.file_name(root_uri).lower()).strip("-") or "store"
        numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
        name = next(each for each in (base, *numbered) if each not in taken)
    elif not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ConfigurationError(f"{name!r} is no name for a store: use a-z, 0-9 and '-'.")
    return table.insert(
        conn, name=name, root_uri=root_uri, connection_id=connection_id, is_cold=is_cold
    )


def _described(store: Store, *, is_new: bool) -> RegisteredStore:
    detail = _reason(store)
    return RegisteredStore(store=store, is_new=is_new, is_writable=detail is None, detail=detail)


def _reason(store: Store) -> str | None:
    """Say why a store is read-only; None when it is ours."""
    try:
        store.require_ours()
    except StorageError as error:
        return str(error)
    return None


def set_backup_expiry(
    conn: Connection,
    *,
    name: str,
    days: int | None,
    now: datetime,
    actor: str,
    options: Options,
) -> None:
    """Say for how many days backups of a store keep what was removed; None for nobody knows.

    Certificates that are issued from now on name the day.

    :raises ConfigurationError: there is no store of that name, or the number is negative.
    """
    if days is not None and days < 0:
        raise ConfigurationError(f"{days} days: backups keep bytes for 0 days or more")
    store = open_stores(conn, options=options).named(name)
    with conn.transaction():
        table.set_backup_expiry(conn, name=name, days=days)
        _audit(conn, "store.backups_described", store, now=now, actor=actor)


def _audit(conn: Connection, action: str, store: Store, *, now: datetime, actor: str) -> None:
    """Stores belong to the deployment, whose audit trail is the first organization's."""
    audit.record(
        conn,
        organization_id=organizations.find(conn, FIRST_ORGANIZATION).id,
        at=now,
        actor=actor,
        action=action,
        reason=f"store {store.record.name} at {store.record.root_uri}",
        details={"store": store.record.name, "root_uri": store.record.root_uri},
    )
