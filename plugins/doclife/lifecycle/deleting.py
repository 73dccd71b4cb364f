"""DELETE: into the trash. The bytes stay until the purge; until then it can be undone."""

from datetime import datetime

from doclife.domain.plan import ShardOutcome
from doclife.lifecycle.batch import Work, open_batch
from doclife.store import batches
from doclife.store.connection import Connection

BATCH_SIZE = 5000
"""Documents per transaction: large enough that committing costs nothing, small enough that row
locks last well under a second."""


def delete_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Put the next batch of a shard into the trash; None when there is no more to do."""
    with conn.transaction():
        batch = open_batch(conn, work, now=now, size=BATCH_SIZE)
        if batch is None:
            return None
        trashed, purge_after = batches.trash(
            conn, now=now, today=batch.today, grace=work.grace.to_interval()
        )
        done = batches.record_done(
            conn,
            work.shard,
            trashed,
            organization_id=work.organization.id,
            what="document.trashed",
            now=now,
            today=batch.today,
            actor=work.actor,
            rule=work.rule_name,
            details={"purge_after": str(purge_after)},
        )
        return ShardOutcome(done=done, skipped=batch.skipped)
