"""Which bytes are checked next, which are damaged, and what checks have come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBytes:
    """Bytes as recorded."""

    object_id: int
    store_id: int
    uri: str
    size_bytes: int
    sha256: bytes
    etag: str | None
    version_id: str | None
    is_cold: bool
    """They were found in a cold tier when they were last looked at."""
    looked_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BegunCheck:
    """A check that may go on."""

    check_id: int
    started_at: datetime
    ended_at: datetime | None
    budget_bytes: int
    byte_count: int
    """Read so far, by earlier attempts too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FixityCheck:
    """What a check has come to."""

    check_id: int
    started_at: datetime
    ended_at: datetime | None
    """None: it has not come to its end, or was killed."""
    budget_bytes: int
    object_count: int
    byte_count: int
    damaged_count: int
    """Objects that were not known to be damaged."""
    mended_count: int
    cold_count: int
    """Objects of which nobody can say without reading a cold tier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFixity:
    """How far the bytes of one store are checked."""

    store: str
    objects: int
    bytes: int
    never_checked: int
    cold: int
    oldest_check: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DamagedBytes:
    """Damaged bytes that a document stands on."""

    document_id: int
    organization: str
    external_id: str
    status: str
    which: str
    """``original`` or ``archived copy``."""
    kind: str
    """``changed`` or ``missing``."""
    found_at: datetime
    seen_at: datetime
    uri: str
    size_bytes: int
    sha256: bytes
    found_bytes: int | None
    found_sha256: bytes | None
    other_uri: str | None
    """Where the document's other bytes lie; None where it has no others."""
    other_checked_at: datetime | None
    is_other_sound: bool
    """They were checked and are not known to be damaged."""


def try_lock(conn: Connection) -> bool:
    """Be the only one who checks until the session ends; False when somebody else does."""
    return bool(fetch_value(conn, statement("fixity/try_lock"), {}))


def unlock(conn: Connection) -> None:
    """Let others check."""
    conn.execute(statement("fixity/unlock"))


def begin(
    conn: Connection,
    *,
    dag_id: str,
    run_id: str,
    actor: str,
    now: datetime,
    budget_bytes: int | None,
) -> BegunCheck:
    """Begin a check, or find the one that this run began; None is the deployment's own budget."""
    parameters = {
        "dag_id": dag_id,
        "run_id": run_id,
        "actor": actor,
        "now": now,
        "budget_bytes": budget_bytes,
    }
    return fetch_rows(conn, statement("fixity/begin"), parameters, BegunCheck)[0]


def list_next(
    conn: Connection,
    *,
    before: datetime,
    after: StoredBytes | None,
    left_out: Sequence[int],
    size: int,
    is_damaged: bool,
) -> list[StoredBytes]:
    """Return what was not looked at for longest, and not since ``before``.

    :param after: the last one of the set before; None to begin.
    :param left_out: stores.
    :param is_damaged: only what is known to be damaged.
    """
    query = statement("fixity/list_damaged") if is_damaged else statement("fixity/list_next")
    parameters = {
        "before": before,
        "after": None if after is None else after.looked_at,
        "after_id": 0 if after is None else after.object_id,
        "left_out": list(left_out),
        "size": size,
    }
    return fetch_rows(conn, query, parameters, StoredBytes)


def list_second_copies(conn: Connection, object_ids: Sequence[int]) -> list[StoredBytes]:
    """Return the other bytes of the documents that stand on these."""
    parameters = {"object_ids": list(object_ids)}
    return fetch_rows(conn, statement("fixity/list_second_copies"), parameters, StoredBytes)


def record_checked(
    conn: Connection, results: Sequence[Mapping[str, object]], *, now: datetime
) -> set[int]:
    """Note that objects were looked at: ``object_id``, ``sha256`` (hex) as recorded then, ``by``.

    Returns those that are still what was looked at.
    """
    parameters = {"results": _json(results), "now": now}
    return {row[0] for row in conn.execute(statement("fixity/record_checked"), parameters)}


def record_damages(
    conn: Connection, results: Sequence[Mapping[str, object]], *, now: datetime
) -> set[int]:
    """Note damage: ``object_id``, ``kind``, ``found_bytes``, ``found_sha256`` (hex).

    Returns the objects that were not known to be damaged.
    """
    parameters = {"results": _json(results), "now": now}
    rows = conn.execute(statement("fixity/record_damages"), parameters)
    return {object_id for object_id, is_new in rows if is_new}


def record_mended(conn: Connection, object_ids: Sequence[int], *, now: datetime) -> set[int]:
    """Note that objects are as recorded; return those that were damaged until now."""
    parameters = {"object_ids": list(object_ids), "now": now}
    return {row[0] for row in conn.execute(statement("fixity/record_mended"), parameters)}


def announce(
    conn: Connection,
    *,
    event_type: str,
    findings: Mapping[int, str],
    sound_ids: Sequence[int],
    now: datetime,
    actor: str,
) -> list[int]:
    """Tell of the documents that stand on bytes, with event and audit entry; return them.

    :param findings: ``changed``, ``missing`` or ``sound`` by object.
    :param sound_ids: objects that were just seen to be sound.
    """
    parameters = {
        "type": event_type,
        "findings": _json(
            [{"object_id": object_id, "kind": kind} for object_id, kind in findings.items()]
        ),
        "sound_ids": list(sound_ids),
        "now": now,
        "actor": actor,
    }
    return [row[0] for row in conn.execute(statement("fixity/announce"), parameters)]


def advance(
    conn: Connection,
    check_id: int,
    *,
    objects: int,
    read_bytes: int,
    damaged: int,
    mended: int,
    cold: int,
) -> None:
    """Count what a check has done."""
    parameters = {
        "check_id": check_id,
        "objects": objects,
        "bytes": read_bytes,
        "damaged": damaged,
        "mended": mended,
        "cold": cold,
    }
    conn.execute(statement("fixity/advance"), parameters)


def end(conn: Connection, check_id: int, *, now: datetime) -> bool:
    """Say that a check has come to its end; False when that was said before."""
    parameters = {"check_id": check_id, "now": now}
    return fetch_value(conn, statement("fixity/end"), parameters) is not None


def find(conn: Connection, check_id: int) -> FixityCheck:
    """Return what a check has come to."""
    parameters = {"check_id": check_id, "size": 1}
    return fetch_rows(conn, statement("fixity/list_checks"), parameters, FixityCheck)[0]


def list_checks(conn: Connection, *, size: int) -> list[FixityCheck]:
    """Return the newest checks."""
    parameters = {"check_id": None, "size": size}
    return fetch_rows(conn, statement("fixity/list_checks"), parameters, FixityCheck)


def count_by_store(conn: Connection) -> list[StoreFixity]:
    """Return how far the bytes of each store are checked."""
    return fetch_rows(conn, statement("fixity/count_by_store"), {}, StoreFixity)


def list_open(
    conn: Connection, *, organization_id: int | None, document_id: int | None, size: int
) -> list[DamagedBytes]:
    """Return documents that stand on damaged bytes, the longest known first."""
    parameters = {"organization_id": organization_id, "document_id": document_id, "size": size}
    return fetch_rows(conn, statement("fixity/list_open"), parameters, DamagedBytes)


def budget(conn: Connection) -> int:
    """Return how many bytes a check may read."""
    return int(fetch_value(conn, statement("fixity/budget"), {}))


def set_budget(conn: Connection, budget_bytes: int) -> None:
    """Say how many bytes a check may read."""
    conn.execute(statement("fixity/set_budget"), {"budget_bytes": budget_bytes})


def _json(results: Sequence[Mapping[str, object]]) -> Jsonb:
    return Jsonb([dict(one) for one in results])
