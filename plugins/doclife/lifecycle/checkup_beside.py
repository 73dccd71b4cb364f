"""Looks at what a deployment needs beside its database: stores, Connections, the signing key."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from doclife.connections import Connections
from doclife.domain import checkup
from doclife.domain.actions import ArchiveAction
from doclife.domain.checkup import Finding, ok, warning
from doclife.domain.checkup_running import StoreState, judge_stores
from doclife.errors import ConfigurationError
from doclife.lifecycle.signing import CONNECTION as SIGNING_CONNECTION
from doclife.lifecycle.signing import read_signing_key
from doclife.lifecycle.stores import Options, StoreStatus, describe_stores, open_stores
from doclife.storage import uris
from doclife.storage.local import room_in
from doclife.storage.probing import probe
from doclife.storage.stores import Stores
from doclife.store import doctor, organizations, rules
from doclife.store.connection import Connection


def look_at_signing_key(connections: Connections) -> Iterator[Finding]:
    """Say whether the key is known with which proof is signed."""
    key = read_signing_key(connections)
    if key is None:
        yield warning(
            "signing key",
            f"Airflow Connection {SIGNING_CONNECTION} is not known here: what this process issues "
            "cannot be signed",
            fix=f"doclife signing-key new, or airflow connections get {SIGNING_CONNECTION} where "
            "it is kept in Airflow",
        )
    else:
        yield ok("signing key", f"fingerprint {key.fingerprint}")


def look_at_connections(conn: Connection, connections: Connections) -> Iterator[Finding]:
    """Say whether what stores, endpoints and channels name can be found from here."""
    needed = doctor.list_named_connections(conn)
    known: set[str] = set()
    broken: dict[str, str] = {}
    for connection_id, _ in needed:
        try:
            if connections(connection_id) is not None:
                known.add(connection_id)
        except ConfigurationError as error:
            broken[connection_id] = str(error)
    yield from checkup.judge_connections(needed, known=frozenset(known), broken=broken)


def look_at_stores(
    conn: Connection, *, options: Options, probe_token: str | None, probes_buckets: bool
) -> Iterator[Finding]:
    """Say whether stores are there, are ours, have room, and take, give back and remove bytes.

    :param probe_token: names the file that is written and removed; None: nothing is written.
    :param probes_buckets: also into buckets, where a request costs and an object lock keeps it.
    """
    archived_by: dict[str, list[str]] = defaultdict(list)
    for tenant in organizations.list_all(conn):
        for version in rules.list_current(conn, tenant.id):
            for action in version.rule.actions:
                if isinstance(action, ArchiveAction):
                    archived_by[action.with_.store].append(f"{tenant.slug}/{version.rule.name}")
    stores = open_stores(conn, options=options)
    yield from judge_stores(
        [
            _state(
                store,
                stores=stores,
                archived_by=archived_by[store.name],
                probe_token=probe_token,
                probes_buckets=probes_buckets,
            )
            for store in describe_stores(conn, options=options)
        ]
    )


def _state(
    store: StoreStatus,
    *,
    stores: Stores,
    archived_by: Sequence[str],
    probe_token: str | None,
    probes_buckets: bool,
) -> StoreState:
    is_ours = store.marker == "ours"
    is_folder = uris.scheme_of(store.root_uri) == "file"
    room = room_in(store.root_uri) if is_ours and is_folder else None
    is_probed = is_ours and probe_token is not None and (is_folder or probes_buckets)
    return StoreState(
        name=store.name,
        root_uri=store.root_uri,
        marker=store.marker,
        detail=store.detail,
        is_writable=None if room is None else room.is_writable,
        probe_fault=probe(stores.named(store.name), token=str(probe_token)) if is_probed else None,
        archived_by=archived_by,
        free_bytes=None if room is None else room.free_bytes,
        total_bytes=None if room is None else room.total_bytes,
    )
