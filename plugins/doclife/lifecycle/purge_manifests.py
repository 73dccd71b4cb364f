"""Purge manifests: what was destroyed, kept outside of the database, and replayed after a restore.

A database that is restored from a backup has documents again that were destroyed since. Each purge
therefore leaves a file in the archive store, which no restore of the database takes back. A file
that a database does not know tells that it was restored; ``replay`` plans what it says was
destroyed and is here again. A file in a store destroys nothing by itself: the plan is an erasure,
judged like every plan and approved by a second person.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from doclife.domain.plan import PlanSummary
from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle.planning_erasure import plan_erasure
from doclife.storage import uris
from doclife.storage.reading import HashingReader, explained
from doclife.storage.stores import Store, Stores
from doclife.store import erasures, manifests, organizations, stored_plans
from doclife.store.connection import Connection
from doclife.store.manifests import DueManifest, ManifestLine

STORE = "archive"
"""Where manifests are kept."""
FOLDER = "purges"
AUTHORITY = "replay of purge manifests"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What one purge plan has destroyed."""

    uri: str
    organization: str
    plan_id: int
    """Of the state of the database that wrote it; another one may have another plan of it."""
    lines: Sequence[ManifestLine]
    sha256: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """What a replay has found in one organization."""

    organization: str
    manifests: int
    """Files that this database did not know."""
    plan: PlanSummary | None
    """The erasure that destroys again what is here again; None when nothing is."""
    returned: Sequence[int]
    """Documents that were destroyed and are here again."""
    held: Sequence[int]
    """Of them, those that a legal hold keeps."""
    different: Sequence[int]
    """Documents of the same external id whose bytes are others: they are new, and stay."""
    is_unknown: bool = False
    """This database has no organization of that name: nothing of it was looked for."""


def write_manifests(conn: Connection, *, stores: Stores, now: datetime) -> int:
    """Write the manifests that are due into the archive store; return how many.

    Killed anywhere and called again, every plan has its manifest. Without an archive store they
    stay due.

    :raises StorageError: the store did not take some of them; the others are written.
    """
    store = _store(stores)
    if store is None:
        return 0
    written, faults = 0, []
    for plan in manifests.list_due(conn):
        try:
            _write(conn, store, plan, now=now)
            written += 1
        except (OSError, StorageError) as error:
            reason = explained(error) if isinstance(error, OSError) else str(error)
            faults.append(f"plan {plan.plan_id}: {reason}")
    if faults:
        raise StorageError(
            f"{len(faults)} purge manifest(s) are not in store {STORE!r} yet; the next run tries "
            f"again. {'; '.join(faults)}"
        )
    return written


def count_unknown(conn: Connection, *, stores: Stores) -> int:
    """Return how many manifests lie in the store that this database does not know."""
    return len(_unknown(conn, stores))


def replay(
    conn: Connection,
    *,
    stores: Stores,
    now: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
) -> list[Replayed]:
    """Plan again the destruction of what manifests say was destroyed and is here again.

    A manifest is known once nothing of it is here. A second call finds the plan of the first while
    that is open, and does nothing once all is destroyed.

    :raises StorageError: a manifest cannot be read, or was changed; nothing was planned.
    :raises ConfigurationError: one is of another version; nothing was planned.
    """
    found = [_read(stores, uri) for uri in _unknown(conn, stores)]
    tenants = {tenant.slug: tenant for tenant in organizations.list_all(conn)}
    replayed = []
    for slug in sorted({manifest.organization for manifest in found}):
        tenant = tenants.get(slug)
        own = [manifest for manifest in found if manifest.organization == slug]
        if tenant is None:
            # It came after the backup, and so did its documents; or it has another name here, and
            # then they are back.
            replayed.append(
                Replayed(
                    organization=slug,
                    manifests=len(own),
                    plan=None,
                    returned=(),
                    held=(),
                    different=(),
                    is_unknown=True,
                )
            )
            continue
        by_manifest = {
            manifest.uri: manifests.find_returned(
                conn,
                organization_id=tenant.id,
                keys=[line.key for line in manifest.lines],
                digests=[line.sha256 for line in manifest.lines],
            )
            for manifest in own
        }
        returned = {one.document_id: one for some in by_manifest.values() for one in some}
        same = sorted(one.document_id for one in returned.values() if one.has_same_bytes)
        plan = None
        if same:
            open_plan = erasures.find_open_plan(
                conn, organization_id=tenant.id, selection_key=AUTHORITY
            )
            plan = (
                stored_plans.summary(conn, open_plan)
                if open_plan is not None
                else plan_erasure(
                    conn,
                    organization=tenant,
                    document_ids=same,
                    authority=AUTHORITY,
                    now=now,
                    dag_id=dag_id,
                    run_id=run_id,
                    requested_by=requested_by,
                )
            )
        for manifest in own:
            if not any(one.has_same_bytes for one in by_manifest[manifest.uri]):
                manifests.record(
                    conn,
                    uri=manifest.uri,
                    organization_id=tenant.id,
                    plan_id=None,
                    document_count=len(manifest.lines),
                    sha256=manifest.sha256,
                    now=now,
                )
        replayed.append(
            Replayed(
                organization=slug,
                manifests=len(own),
                plan=plan,
                returned=same,
                held=sorted(one for one in same if returned[one].hold_count > 0),
                different=sorted(
                    one.document_id for one in returned.values() if not one.has_same_bytes
                ),
            )
        )
    return replayed


def _store(stores: Stores) -> Store | None:
    return next((one for one in stores if one.record.name == STORE), None)


def _write(conn: Connection, store: Store, plan: DueManifest, *, now: datetime) -> None:
    lines = manifests.list_lines(conn, plan.plan_id)
    content = b"".join(_content(plan, lines))
    digest = hashlib.sha256(content).digest()
    # Named by its content, too: a restored database counts its plans from where it was.
    name = f"{plan.plan_id}-{digest.hex()[:16]}.jsonl"
    uri = uris.joined(store.record.root_uri, FOLDER, plan.organization, name)
    store.require_ours()
    # It is there when a call was killed before it could say so.
    with suppress(FileExistsError):
        store.filesystem.create(uri, [content], is_durable=True)
    manifests.record(
        conn,
        uri=uri,
        organization_id=plan.organization_id,
        plan_id=plan.plan_id,
        document_count=len(lines),
        sha256=digest,
        now=now,
    )


def _content(plan: DueManifest, lines: Sequence[ManifestLine]) -> Iterator[bytes]:
    yield _line(
        {
            "format": FORMAT,
            "organization": plan.organization,
            "plan": plan.plan_id,
            "documents": len(lines),
        }
    )
    for line in lines:
        yield _line(
            {
                "document": line.document_id,
                "key": line.key,
                "sha256": line.sha256,
                "size_bytes": line.size_bytes,
                "purged_at": line.purged_at.isoformat(),
            }
        )


def _line(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _unknown(conn: Connection, stores: Stores) -> list[str]:
    store = _store(stores)
    if store is None:
        return []
    store.require_ours()
    folder = uris.joined(store.record.root_uri, FOLDER)
    try:
        found = [one.uri for one in store.filesystem.listed(folder) if one.uri.endswith(".jsonl")]
    except OSError as error:
        raise StorageError(f"{folder} cannot be listed: {explained(error)}") from error
    known = manifests.list_known(conn, found)
    return sorted(set(found) - known)


def _read(stores: Stores, uri: str) -> Manifest:
    reader = HashingReader(stores.at(uri).filesystem, uri)
    try:
        content = b"".join(bytes(chunk) for chunk in reader)
    except OSError as error:
        raise StorageError(f"{uri} cannot be read: {explained(error)}") from error
    digest = hashlib.sha256(content)
    if not uri.endswith(f"-{digest.hexdigest()[:16]}.jsonl"):
        raise StorageError(f"{uri} is not what was written: somebody changed it. Move it elsewhere")
    try:
        head, *rows = [json.loads(line) for line in content.splitlines()]
        if head["format"] != FORMAT or head["documents"] != len(rows):
            raise ValueError("it is of another version, or not whole")
        return Manifest(
            uri=uri,
            organization=head["organization"],
            plan_id=head["plan"],
            lines=[
                ManifestLine(
                    document_id=row["document"],
                    key=row["key"],
                    sha256=row["sha256"],
                    size_bytes=row["size_bytes"],
                    purged_at=datetime.fromisoformat(row["purged_at"]),
                )
                for row in rows
            ],
            sha256=digest.digest(),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{uri} is no purge manifest: {error}") from error
