"""What is tried in a restored database during a drill: its audit chains, the purges, the bytes.

The stores are the original's, through ``RehearsalFilesystem``: they are read, and nothing in them
changes. The restored database becomes a deployment of its own first, so that even if somebody
finds it later it may not touch them.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from doclife.domain.checkup import Finding, fault, ok, warning
from doclife.domain.drill import MOST_NAMED, BackupRecord, Replay, SampledBytes
from doclife.domain.review import Answer
from doclife.errors import ChangedBytes, RefusedError, StorageError
from doclife.lifecycle import halting, reviewing
from doclife.lifecycle.applying import apply_plan
from doclife.lifecycle.auditing import verify_chain
from doclife.lifecycle.certifying import STORE
from doclife.lifecycle.purge_manifests import replay
from doclife.lifecycle.settling import settle
from doclife.storage import uris
from doclife.storage.fixity import Finding as Fixity
from doclife.storage.fixity import examine
from doclife.storage.reading import HashingReader, explained
from doclife.storage.removal import Recorded
from doclife.storage.stores import Stores
from doclife.store import backups, erasures, organizations, reviews
from doclife.store.connection import Connection

ACTOR = "cli:drill"
DAG_ID = "drill"
HALTED = "the scratch database of a drill: its queue is the original's"


def check_audit(
    conn: Connection,
    *,
    stores: Stores,
    outside: Path | None,
    keys: Sequence[str],
    backup: BackupRecord,
    now: datetime,
) -> Iterator[Finding]:
    """Verify every restored chain, and compare it with the heads that left.

    Heads that were signed after the backup was made speak of what it cannot hold; all others it
    must reach.

    :param outside: a folder of heads that somebody else keeps, beside those of the archive store.
    :raises StorageError: the archive store does not let its heads be read.
    """
    with TemporaryDirectory(prefix="doclife-heads-") as folder:
        heads = _copy_heads(stores, outside, into=Path(folder), backup=backup)
        for name in heads.unreadable:
            yield fault(
                "audit",
                f"{name} is no head of an audit chain",
                fix="find out who changed it; heads that auditors keep tell: --heads FOLDER",
            )
        entries = batches = compared = 0
        for tenant in organizations.list_all(conn):
            own = Path(folder, str(tenant.id))
            found = verify_chain(
                conn, tenant, heads=own if own.is_dir() else None, keys=keys, now=now
            )
            entries, batches = entries + found.entries, batches + found.batches
            compared += found.heads
            if not found.fits:
                what = "; ".join(f"{one.kind}: {one.what}" for one in found.findings[:MOST_NAMED])
                yield fault(
                    "audit",
                    f"the chain of {tenant.slug} does not fit: {what}",
                    fix="keep this backup and the heads, and look at the original: "
                    f"doclife audit verify --heads FOLDER -o {tenant.slug}",
                )
    if not heads.copied:
        yield warning(
            "audit",
            "no head has left before the backup, so nobody can see whether the end of a chain was "
            "cut off",
            fix="a store named archive and a signing key (docs/trust.md); then doclife audit sign",
        )
    yield ok(
        "audit",
        f"{entries:,} entries in {batches:,} batches were verified and compared with "
        f"{compared} signed heads; {heads.newer} heads are newer than the backup",
    )


def rehearse_replay(
    source: Connection,
    scratch: Connection,
    *,
    stores: Stores,
    backup: BackupRecord,
    now: Callable[[], datetime],
    run_id: str,
) -> Replay:
    """Let the restored database destroy again what the original has destroyed since the backup.

    With the code of a real replay: planned, judged, approved, applied, purged. The approvals are
    the drill's own, which counts in its scratch database alone. It is halted again at the end: its
    queue is the original's, and whoever keeps it and looks into it must not send that once more.

    :param stores: as ``RehearsalFilesystem`` shows them, with the original's deployment id.
    :param now: the present by the scratch database's clock.
    """
    halting.adopt(scratch, actor=ACTOR, now=now(), takes_over=False)
    halting.resume(scratch, actor=ACTOR, now=now())
    try:
        return _replay(source, scratch, stores=stores, backup=backup, now=now, run_id=run_id)
    finally:
        if not scratch.closed:
            halting.halt(scratch, reason=HALTED, actor=ACTOR, now=now())


def _replay(
    source: Connection,
    scratch: Connection,
    *,
    stores: Stores,
    backup: BackupRecord,
    now: Callable[[], datetime],
    run_id: str,
) -> Replay:
    backups.take_approvals(scratch)
    found = replay(
        scratch, stores=stores, now=now(), dag_id=DAG_ID, run_id=run_id, requested_by=ACTOR
    )
    for one in found:
        if one.plan is not None:
            _approve(scratch, one.plan.plan_id, now=now)
            apply_plan(scratch, plan_id=one.plan.plan_id, now=now, actor=ACTOR, stores=stores)
    settled = settle(scratch, stores=stores, now=now, dag_id=DAG_ID, run_id=run_id, actor=ACTOR)
    for plan_id in _purges_that_ask(scratch):
        _approve(scratch, plan_id, now=now)
        apply_plan(scratch, plan_id=plan_id, now=now, actor=ACTOR, stores=stores)
    destroyed = backups.list_purged_since(source, backup.taken_at)
    left = [
        f"document {each.document_id} ({each.status}"
        f"{', held' if each.hold_count else ''}): {each.reason or 'no manifest names it'}"
        for each in backups.list_not_purged(scratch, destroyed)
    ]
    return Replay(
        manifests=sum(one.manifests for one in found),
        destroyed=len(destroyed),
        returned=sum(len(one.returned) for one in found),
        left=[*left, *(settled.faults if left else ())],
        unknown=[one.organization for one in found if one.is_unknown],
    )


def compare_bytes(conn: Connection, *, stores: Stores, seed: str, size: int) -> SampledBytes:
    """Read some of the bytes that the restored catalogue stands on, and compare their digests.

    :param seed: chance; the same one chooses the same.
    :param size: how many at most.
    """
    sound, damaged, unknown = 0, [], []
    for row in backups.sample_bytes(conn, seed=seed, size=size):
        recorded = Recorded(
            uri=row.uri,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            etag=row.etag,
            version_id=row.version_id,
        )
        try:
            found = examine(stores, recorded).finding
        except ChangedBytes as error:
            damaged.append(str(error))
        except StorageError as error:
            unknown.append(str(error))
        else:
            if found is Fixity.SOUND:
                sound += 1
            elif found is Fixity.UNKNOWN:
                unknown.append(f"{row.uri} lies in a cold tier")
            else:
                damaged.append(f"{row.uri} is {found}")
    return SampledBytes(sound=sound, damaged=damaged, unknown=unknown)


def _approve(conn: Connection, plan_id: int, *, now: Callable[[], datetime]) -> None:
    """Answer every question about a plan of this drill, each as another person."""
    while wanted := reviews.list_wanted(conn, plan_id=plan_id):
        question = wanted[0]
        asked = {"dag_id": DAG_ID, "run_id": question.run_id}
        reviewing.ask(conn, question, **asked, now=now())
        reviewing.receive_answer(
            conn,
            **asked,
            answer=Answer.APPROVE,
            form={"comment": "rehearsed in a scratch database"},
            answered_by=f"user:drill-stage-{question.stage}",
            answered_at=now(),
        )
        verdict = reviewing.decide(conn, question, now=now())
        if verdict.reason is not None:
            raise RefusedError(f"plan {plan_id} cannot be rehearsed: {verdict.reason}")


def _purges_that_ask(conn: Connection) -> list[int]:
    """Return the purges of this drill's erasures that tripped a limit."""
    asking = []
    for erasure in erasures.list_to_purge(conn):
        tenant = organizations.find(conn, erasure["organization"])
        key = f"purge of erasure {erasure['plan_id']}"
        plan_id = erasures.find_open_plan(conn, organization_id=tenant.id, selection_key=key)
        if plan_id is not None and reviews.list_wanted(conn, plan_id=plan_id):
            asking.append(plan_id)
    return asking


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heads:
    """Heads that were copied into one folder for each organization."""

    copied: int
    newer: int
    """Signed after the backup was made."""
    unreadable: Sequence[str]


def _copy_heads(
    stores: Stores, outside: Path | None, *, into: Path, backup: BackupRecord
) -> _Heads:
    copied, newer = 0, 0
    unreadable = []
    for name, content in _list_heads(stores, outside):
        try:
            message = json.loads(json.loads(content)["message"])
            organization_id = int(message["organization_id"])
            signed_at = datetime.fromisoformat(message["signed_at"])
        except (ValueError, KeyError, TypeError):
            unreadable.append(name)
            continue
        if signed_at > backup.taken_at:
            newer += 1
            continue
        folder = into / str(organization_id)
        folder.mkdir(exist_ok=True)
        (folder / f"{copied}.json").write_bytes(content)
        copied += 1
    return _Heads(copied=copied, newer=newer, unreadable=unreadable)


def _list_heads(stores: Stores, outside: Path | None) -> Iterator[tuple[str, bytes]]:
    store = stores.get(STORE)
    if store is not None:
        store.require_ours()
        folder = uris.joined(store.record.root_uri, "heads")
        try:
            for one in store.filesystem.listed(folder):
                if one.uri.endswith(".json"):
                    reader = HashingReader(store.filesystem, one.uri)
                    yield one.uri, b"".join(bytes(chunk) for chunk in reader)
        except OSError as error:
            raise StorageError(f"{folder} cannot be read: {explained(error)}") from error
    if outside is not None:
        for file in sorted(outside.rglob("*.json")):
            yield str(file), file.read_bytes()
