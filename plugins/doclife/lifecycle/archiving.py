"""ARCHIVE: copies documents into sealed BagIt bags; their originals stay for the grace period.

Three steps per bag, so that no lock is held while bytes are copied: judge and register the bag;
copy, flush, read back and seal; judge again under the row locks and commit. A run killed in
between leaves a registered bag, which the next one removes and writes anew.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from doclife.domain.actions import ArchiveAction, ArchiveSettings
from doclife.domain.plan import ShardOutcome
from doclife.errors import ConfigurationError, TryAgainLater
from doclife.lifecycle.batch import Work, fail, open_batch
from doclife.lifecycle.describing import describer
from doclife.lifecycle.leftover_bags import clear_leftover
from doclife.lifecycle.rewriting import take_out_unreferenced
from doclife.storage import bags as bag_files
from doclife.storage.bag_text import BagInfo
from doclife.storage.stores import Store
from doclife.store import bags, batches
from doclife.store.bags import Source
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

UNRULED_CLASS = "selection"
"""The folder for what was archived without a rule."""


def archive_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Archive the next bag's worth of a shard; None when there is no more to do."""
    _remove_leftovers(conn, work)
    try:
        store = work.stores.named(_settings(work).store)
    except ConfigurationError as error:
        return _fail_without_store(conn, work, str(error), now)
    store.require_ours()
    with conn.transaction():
        batch = open_batch(conn, work, now=now, size=bag_files.MAX_DOCUMENTS)
        if batch is None:
            return None
        sources = bags.list_sources(conn, work.shard, document_ids=batch.document_ids)
        failed = _fail_without_bytes(conn, work, sources, now)
        chosen = _one_bag_of([source for source in sources if source.uri is not None])
        if not chosen:
            return ShardOutcome(skipped=batch.skipped, failed=failed)
        info = _bag_info(work, chosen[0])
        bag_id, uri = _free_place(conn, work, store, info=info, due=_due(chosen[0]), now=now)
        bags.place(
            conn,
            work.shard,
            bag_id=bag_id,
            uri=uri,
            document_ids=[source.document_id for source in chosen],
        )
    written = bag_files.write_bag(
        work.stores,
        uri=uri,
        info=BagInfo(
            organization=work.organization.slug,
            external_identifier=f"bag-{bag_id}",
            bagging_date=work.organization.date_of(now),
            extra=info,
        ),
        payloads=[_payload(source) for source in chosen],
        describe=describer(
            conn,
            bag_id=bag_id,
            plan_id=work.shard.plan_id,
            packed_at=now,
            rule=work.rule_name,
            document_ids=[source.document_id for source in chosen],
        ),
    )
    outcome = _commit(conn, work, written, bag_id=bag_id, store_id=store.record.store_id, now=now)
    return outcome + ShardOutcome(skipped=batch.skipped, failed=failed)


def _free_place(
    conn: Connection, work: Work, store: Store, *, info: Mapping[str, str], due: str, now: datetime
) -> tuple[int, str]:
    """Register a bag at a place where nothing lies, and return its number and the place.

    After a restore numbers are given again. What lies at the place of a new one was archived since
    the backup, and may be the only copy: the next number is taken.
    """
    while True:
        bag_id = bags.insert(
            conn,
            organization_id=work.organization.id,
            store_id=store.record.store_id,
            plan_id=work.shard.plan_id,
            info=info,
            now=now,
        )
        uri = bag_files.bag_uri(
            store.record.root_uri,
            organization=work.organization.slug,
            retention_class=work.rule.name if work.rule else UNRULED_CLASS,
            due=due,
            bag_id=bag_id,
        )
        if not bag_files.is_taken(store, uri):
            return bag_id, uri
        logger.info("At %s lies what this catalogue does not know: it stays", uri)
        bags.forget(conn, bag_id)


def _fail_without_store(
    conn: Connection, work: Work, reason: str, now: datetime
) -> ShardOutcome | None:
    """Close what waits for a store that is not registered, so that it does not wait reserved."""
    with conn.transaction():
        batch = open_batch(conn, work, now=now, size=bag_files.MAX_DOCUMENTS)
        if batch is None:
            return None
        failures: list[dict[str, object]] = [
            {"document_id": document_id, "code": "no_store", "reason": reason}
            for document_id in batch.document_ids
        ]
        return ShardOutcome(skipped=batch.skipped, failed=fail(conn, work, failures, now=now))


def _commit(
    conn: Connection,
    work: Work,
    written: bag_files.WrittenBag,
    *,
    bag_id: int,
    store_id: int,
    now: datetime,
) -> ShardOutcome:
    """Judge once more under the locks and let the copies count."""
    copies = {copy.document_id: copy for copy in written.copies}
    with conn.transaction():
        if bags.find_locked(conn, bag_id).state != "writing":
            raise TryAgainLater(f"bag {bag_id} was swept away while it was being written.")
        failed = fail(
            conn,
            work,
            [
                {"document_id": one.document_id, "code": one.reason_code, "reason": one.reason}
                for one in written.failures
            ],
            now=now,
        )
        batch = open_batch(conn, work, now=now, size=len(copies), document_ids=list(copies))
        done = skipped = 0
        if not copies:
            bags.forget(conn, bag_id)
            return ShardOutcome(failed=failed)
        bags.insert_copies(
            conn,
            store_id=store_id,
            bag_id=bag_id,
            copies=[
                {
                    "uri": copy.uri,
                    "size_bytes": copy.size_bytes,
                    "sha256": copy.sha256.hex(),
                    "etag": copy.etag,
                    "version_id": copy.version_id,
                }
                for copy in written.copies
            ],
            now=now,
        )
        if batch is not None:
            skipped = batch.skipped
            archived = batches.record_archived(
                conn,
                now=now,
                today=batch.today,
                original_grace=None
                if _settings(work).original == "keep"
                else work.grace.to_interval(),
                uris={copy.document_id: copy.uri for copy in written.copies},
            )
            done = batches.record_done(
                conn,
                work.shard,
                archived,
                organization_id=work.organization.id,
                what="document.archived",
                now=now,
                today=batch.today,
                actor=work.actor,
                rule=work.rule_name,
                details={"bag_id": bag_id},
            )
        bags.set_state(
            conn,
            bag_id=bag_id,
            # What was cleared when copying began and is not any more must leave the bag again.
            state="sealed" if done == len(copies) else "rewriting",
            now=now,
            payload_count=written.payload_count,
            payload_bytes=written.payload_bytes,
        )
    if done < len(copies):
        take_out_unreferenced(conn, bag_id=bag_id, stores=work.stores, now=now)
    return ShardOutcome(done=done, skipped=skipped, failed=failed)


def _remove_leftovers(conn: Connection, work: Work) -> None:
    for leftover in bags.list_leftovers(conn, work.shard):
        clear_leftover(
            conn,
            bag_id=leftover.bag_id,
            uri=leftover.uri,
            is_inherited=leftover.is_inherited,
            stores=work.stores,
        )


def _one_bag_of(sources: Sequence[Source]) -> list[Source]:
    """Return the first documents that fit into one bag: one due year, within its size."""
    chosen: list[Source] = []
    size = 0
    for source in sources:
        size += source.size_bytes or 0
        if chosen and (size > bag_files.MAX_BYTES or _due(source) != _due(chosen[0])):
            break
        chosen.append(source)
    return chosen


def _fail_without_bytes(
    conn: Connection, work: Work, sources: Sequence[Source], now: datetime
) -> int:
    failures = [
        {
            "document_id": source.document_id,
            "code": "no_bytes",
            "reason": "the catalogue knows no bytes of this document",
        }
        for source in sources
        if source.uri is None
    ]
    return fail(conn, work, failures, now=now)


def _settings(work: Work) -> ArchiveSettings:
    """Return the rule's settings for this action, or the selection's own."""
    if work.rule is None:
        return ArchiveSettings.model_validate(work.options)
    action = work.rule.actions[work.shard.action_index]
    if not isinstance(action, ArchiveAction):
        raise ConfigurationError(
            f"plan {work.shard.plan_id} archives by action {work.shard.action_index} of rule "
            f"{work.rule_name}, which is {action.do}"
        )
    return action.with_


def _due(source: Source) -> str:
    """Return the folder of the year until which a document is retained."""
    if source.retain_until is None:
        return "undated"
    if source.retain_until == date.max:
        return "permanent"
    return str(source.retain_until.year)


def _bag_info(work: Work, first: Source) -> dict[str, str]:
    """Return what the bag says of why it was made and how long it is kept."""
    info = {"Plan": str(work.shard.plan_id), "Rule": work.rule_name or UNRULED_CLASS}
    if work.rule and work.rule.authority:
        info["Authority"] = work.rule.authority
    if first.retain_until is not None:
        permanent = first.retain_until == date.max
        info["Retain-Until"] = "permanent" if permanent else str(first.retain_until.year)
    return info


def _payload(source: Source) -> bag_files.Payload:
    # Without bytes it failed before.
    assert source.uri is not None
    assert source.sha256 is not None
    return bag_files.Payload(
        document_id=source.document_id,
        source_uri=source.uri,
        size_bytes=source.size_bytes or 0,
        sha256=source.sha256,
        etag=source.etag,
        version_id=source.version_id,
    )
