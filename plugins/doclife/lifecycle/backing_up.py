"""Makes a backup of the documents database, with a record of what must come back from it.

What does not lie in the database is no part of it: the bytes in the stores, the Airflow Connections
and the key that reads them, the roles that log in. The record names what of it is needed
(docs/backup.md).
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec
import psycopg

from doclife.domain.drill import FORMAT, BackupRecord, ChainEnd, NamedStore
from doclife.errors import ConfigurationError, StorageError
from doclife.storage.local import flush_file, flush_folder
from doclife.store import (
    audit,
    audit_chain,
    backups,
    doctor,
    dumping,
    migrations,
    organizations,
    signing_keys,
    stores,
)
from doclife.store.connection import Connection, one_line

DUMP = "documents.dump"
RECORD = "backup.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A backup that was made."""

    record: BackupRecord
    trace_fault: str | None
    """Why the audit trail does not say that it was made; None when it does."""


def make_backup(conn: Connection, *, url: str, folder: Path, actor: str, now: datetime) -> Backup:
    """Dump the database into a folder, and beside it the record of what it holds.

    Both are as of one moment, however long it takes and whoever writes meanwhile. The record is
    written last: a folder without it holds no backup, and a second call makes one there.

    The audit trail of each organization then says that it was made; the backup itself does not
    hold that entry, because before it is whole there is nothing to say. Where it cannot be written
    (a standby, a login that only reads, a kill just then) the backup is good all the same.

    :param url: of the same database, as libpq takes it.
    :param folder: made where it is not there; only its owner may look into it.
    :param actor: who makes it, for the audit trail.
    :param now: the present by the database's clock, before the backup.
    :raises ConfigurationError: there is a backup in the folder already, or no pg_dump that fits.
    :raises StorageError: pg_dump failed; the message is its own.
    """
    if (folder / RECORD).exists():
        raise ConfigurationError(
            f"{folder} holds a backup already, which stays. Name a folder of its own for each one"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / DUMP
    file.unlink(missing_ok=True)
    # pg_dump writes into what is there, and leaves its rights as they are.
    file.touch(mode=0o600)
    with conn.transaction():
        audit_chain.read_as_of_now(conn)
        record = _describe(conn, now=now)
        dumping.dump(
            url,
            file,
            snapshot=backups.export_snapshot(conn),
            server_version=record.server_version,
        )
    flush_file(str(file))
    record = replace(record, size_bytes=file.stat().st_size, sha256=sha256_of(file))
    part = folder / f"{RECORD}.part"
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    flush_file(str(part))
    part.replace(folder / RECORD)
    flush_folder(str(folder))
    return Backup(record=record, trace_fault=_leave_trace(conn, record, actor=actor))


def read_record(folder: Path) -> BackupRecord:
    """Return the record of a backup whose dump is whole.

    :raises ConfigurationError: the folder holds no backup, or one of another version.
    :raises StorageError: its dump is not the one that was written.
    """
    try:
        record = msgspec.json.decode((folder / RECORD).read_bytes(), type=BackupRecord)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{folder} holds no backup: there is no {RECORD}, which is written last. Make one: "
            f"doclife backup make {folder}"
        ) from None
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{folder / RECORD} is no record of a backup: {error}") from None
    if record.format != FORMAT:
        raise ConfigurationError(
            f"{folder / RECORD} is of version {record.format}, and this program knows {FORMAT}"
        )
    if sha256_of(folder / record.dump) != record.sha256:
        raise StorageError(
            f"{folder / record.dump} is not what was written: its SHA-256 is another. This backup "
            "cannot be relied on; take an earlier one"
        )
    return record


def list_chain_ends(conn: Connection) -> list[ChainEnd]:
    """Return where the audit chain of each organization ends."""
    ends = []
    for tenant in organizations.list_all(conn):
        link = audit_chain.last_link(conn, tenant.id)
        if link is not None:
            ends.append(
                ChainEnd(organization=tenant.slug, sequence=link.sequence, hash=link.hash.hex())
            )
    return ends


def sha256_of(file: Path) -> str:
    """Return the digest of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _leave_trace(conn: Connection, record: BackupRecord, *, actor: str) -> str | None:
    """Write into the audit trail that a backup was made: which one by its digest, and not where."""
    try:
        with conn.transaction():
            for tenant in organizations.list_all(conn):
                audit.record(
                    conn,
                    organization_id=tenant.id,
                    # The moment that it is of, and not that at which it was ready.
                    at=record.taken_at,
                    actor=actor,
                    action="backup.made",
                    reason="a dump of the whole database",
                    details={"sha256": record.sha256, "size_bytes": record.size_bytes},
                )
    except psycopg.Error as error:
        return error.diag.message_primary or one_line(error)
    return None


def _describe(conn: Connection, *, now: datetime) -> BackupRecord:
    return BackupRecord(
        taken_at=now,
        deployment_id=stores.deployment_id(conn),
        server_version=conn.info.server_version,
        migration=max(migrations.list_applied(conn)),
        dump=DUMP,
        size_bytes=0,
        sha256="",
        rows=backups.count_rows(conn),
        chains=list_chain_ends(conn),
        roles=backups.list_roles(conn),
        stores=[
            NamedStore(name=store.name, root_uri=store.root_uri, marker_id=store.marker_id)
            for store in stores.list_all(conn)
        ],
        connections=sorted({name for name, _ in doctor.list_named_connections(conn)}),
        signing_keys=[key.fingerprint for key in signing_keys.list_all(conn)],
    )
