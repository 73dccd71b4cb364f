"""Registers archive bags and what is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from doclife.domain.plan import ShardRef
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the bytes of a document lie that is to be archived; no uri when it has none."""

    document_id: int
    retain_until: date | None
    uri: str | None
    size_bytes: int | None
    sha256: bytes | None
    etag: str | None
    version_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BagRow:
    """A bag as registered, with what its bag-info.txt says."""

    bag_id: int
    uri: str
    state: str
    info: Mapping[str, str]
    plan_id: int | None
    created_at: datetime
    organization: str
    time_zone: str
    rule: str | None
    """name@version of the rule that archived; None for a selection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What the audit trail says was done to a document."""

    entry_id: int
    document_id: int
    at: datetime
    actor: str
    rule: str | None
    action: str
    plan_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftover:
    """A bag that a killed run left half written."""

    bag_id: int
    uri: str
    is_inherited: bool
    """It was begun before this database took the place of another one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """Where the bytes of a document were registered."""

    uri: str
    version_id: str | None
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedDocument:
    """A document whose bytes a bag has that the catalogue does not know."""

    document_id: int
    external_id: str
    modified_on: date | None
    uri: str
    version_id: str | None
    is_archived: bool
    """Another bag has it, which the catalogue knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreferencedPayload:
    """A payload that no document refers to any more."""

    object_id: int
    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None

    @property
    def document_id(self) -> int:
        """The document it was: payloads are named by their document's id."""
        return int(self.uri.rsplit("/", 1)[1])


def list_sources(conn: Connection, shard: ShardRef, *, document_ids: Sequence[int]) -> list[Source]:
    """Return where the bytes of documents lie, in the order in which they go into bags."""
    parameters = {
        "plan_id": shard.plan_id,
        "action_index": shard.action_index,
        "document_ids": list(document_ids),
    }
    return fetch_rows(conn, statement("apply/list_sources"), parameters, Source)


def insert(
    conn: Connection,
    *,
    organization_id: int,
    store_id: int,
    plan_id: int,
    info: Mapping[str, str],
    now: datetime,
) -> int:
    """Register a bag before its first byte and return its id."""
    return int(
        fetch_value(
            conn,
            statement("bags/insert"),
            {
                "organization_id": organization_id,
                "store_id": store_id,
                "plan_id": plan_id,
                "info": Jsonb(dict(info)),
                "now": now,
            },
        )
    )


def place(
    conn: Connection, shard: ShardRef, *, bag_id: int, uri: str, document_ids: Sequence[int]
) -> None:
    """Say where a bag lies and which items of the shard go into it."""
    conn.execute(statement("bags/set_uri"), {"bag_id": bag_id, "uri": uri})
    conn.execute(
        statement("bags/assign_items"),
        {
            "plan_id": shard.plan_id,
            "action_index": shard.action_index,
            "bag_id": bag_id,
            "document_ids": list(document_ids),
        },
    )


def list_leftovers(conn: Connection, shard: ShardRef) -> list[Leftover]:
    """Return the half written bags of a shard that this session has claimed."""
    parameters = {
        "plan_id": shard.plan_id,
        "action_index": shard.action_index,
        "shard": shard.shard,
    }
    return fetch_rows(conn, statement("bags/list_leftovers"), parameters, Leftover)


def list_originals(conn: Connection, bag_id: int) -> list[Original]:
    """Return where the originals are of what a bag was begun for."""
    return fetch_rows(conn, statement("bags/list_originals"), {"bag_id": bag_id}, Original)


def list_shards(conn: Connection, bag_id: int) -> list[ShardRef]:
    """Return the shards whose items go into a bag."""
    return fetch_rows(conn, statement("bags/list_shards"), {"bag_id": bag_id}, ShardRef)


def forget(conn: Connection, bag_id: int) -> None:
    """Note that a bag is none of the catalogue's any more, and free its items."""
    conn.execute(statement("bags/forget"), {"bag_id": bag_id})


def find_locked(conn: Connection, bag_id: int) -> BagRow:
    """Return a bag and lock it until the transaction ends; the bag must exist."""
    return fetch_rows(conn, statement("bags/find"), {"bag_id": bag_id}, BagRow)[0]


def set_state(
    conn: Connection,
    *,
    bag_id: int,
    state: str,
    now: datetime,
    payload_count: int | None = None,
    payload_bytes: int | None = None,
) -> None:
    """Say how far a bag is and, where given, what is in it now."""
    conn.execute(
        statement("bags/set_state"),
        {
            "bag_id": bag_id,
            "state": state,
            "now": now,
            "payload_count": payload_count,
            "payload_bytes": payload_bytes,
        },
    )


def list_unreferenced(conn: Connection, bag_id: int) -> list[UnreferencedPayload]:
    """Return the payloads of a bag that no document refers to."""
    query = statement("bags/list_unreferenced")
    return fetch_rows(conn, query, {"bag_id": bag_id}, UnreferencedPayload)


def list_documents(conn: Connection, bag_id: int) -> list[int]:
    """Return the documents whose payloads a bag has, those that are to leave it included."""
    rows = conn.execute(statement("bags/list_documents"), {"bag_id": bag_id}).fetchall()
    return [row[0] for row in rows]


def insert_copies(
    conn: Connection,
    *,
    store_id: int,
    bag_id: int,
    copies: Sequence[Mapping[str, object]],
    now: datetime,
) -> None:
    """Register the payloads of a bag: uri, size_bytes, sha256 (hex), etag, version_id."""
    conn.execute(
        statement("bags/insert_copies"),
        {
            "store_id": store_id,
            "bag_id": bag_id,
            "copies": Jsonb([dict(copy) for copy in copies]),
            "now": now,
        },
    )


def list_deeds(conn: Connection, document_ids: Sequence[int], *, most: int) -> list[Deed]:
    """Return what was done to documents: the first entry of each, and at most so many others."""
    parameters = {"document_ids": list(document_ids), "most": most}
    return fetch_rows(conn, statement("bags/list_deeds"), parameters, Deed)


def list_media_types(conn: Connection, document_ids: Sequence[int]) -> dict[int, str]:
    """Return the media types of documents, for those that have one."""
    parameters = {"document_ids": list(document_ids)}
    return dict(conn.execute(statement("bags/list_media_types"), parameters).fetchall())


def list_known(conn: Connection, uris: Sequence[str]) -> dict[str, bool]:
    """Return which of some folders are bags of the catalogue.

    With each: whether it was half written when this database took the place of another one.
    """
    return dict(conn.execute(statement("bags/list_known"), {"uris": list(uris)}).fetchall())


def list_packed(
    conn: Connection, *, organization_id: int, digests: Mapping[int, bytes]
) -> dict[int, PackedDocument]:
    """Return which of the documents that a manifest names are here with the same bytes.

    :param digests: SHA-256 by document id, as the manifest says.
    """
    parameters = {
        "organization_id": organization_id,
        "document_ids": list(digests),
        "digests": list(digests.values()),
    }
    found = fetch_rows(conn, statement("bags/list_packed"), parameters, PackedDocument)
    return {one.document_id: one for one in found}
