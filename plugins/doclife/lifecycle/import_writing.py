"""Writes the batches of an import while the next files are being read."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from types import TracebackType

import psycopg

from doclife.domain.organization import Organization
from doclife.errors import TryAgainLater
from doclife.lifecycle.catching import catch_imported
from doclife.store import import_runs, importing
from doclife.store.connection import Connection
from doclife.store.importing import BatchOutcome, ImportContext, ImportRow

_ATTEMPTS = 3
"""A batch is compared again when a purge got between the comparison and the writing."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A batch that is in the catalogue."""

    row_count: int
    outcome: BatchOutcome


class BatchWriter:
    """Takes batches over in a thread of its own, one after the other.

    :param run_id: of the import; how far it has come is noted with each batch.
    :param database: held while a batch is written; whoever else uses the connection takes it too.
    """

    def __init__(
        self,
        conn: Connection,
        tenant: Organization,
        context: ImportContext,
        *,
        run_id: int,
        database: Lock,
    ) -> None:
        self._run_id = run_id
        self._conn = conn
        self._tenant = tenant
        self._context = context
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="import-writer")
        self._running: Future[Written] | None = None

    def __enter__(self) -> "BatchWriter":
        """Begin; the thread starts with the first batch."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the batch that is being written come to its end."""
        self._thread.shutdown()

    @property
    def is_idle(self) -> bool:
        """Tell whether a batch that is handed over now is begun at once."""
        return self._running is None or self._running.done()

    def hand_over(self, batch: Sequence[ImportRow], *, is_last: bool) -> Written | None:
        """Wait for the batch before, begin to write this one, and return what the other became.

        :raises TryAgainLater: a purge is destroying bytes of the batch before.
        """
        before = self.wait()
        self._running = self._thread.submit(self._write, batch, is_last=is_last)
        return before

    def wait(self) -> Written | None:
        """Return what became of the batch that is being written, if there is one."""
        running, self._running = self._running, None
        return None if running is None else running.result()

    def _write(self, batch: Sequence[ImportRow], *, is_last: bool) -> Written:
        with self._database:
            for _ in range(_ATTEMPTS):
                try:
                    with self._conn.transaction():
                        outcome = importing.take_over(
                            self._conn, batch, self._context, is_durable=is_last
                        )
                        catch_imported(
                            self._conn,
                            self._tenant,
                            now=self._context.began_at,
                            actor=self._context.actor,
                        )
                        import_runs.advance(
                            self._conn,
                            self._run_id,
                            done_count=len(batch),
                            done_bytes=sum(row.size_bytes for row in batch),
                            new_count=outcome.new,
                            changed_count=outcome.changed,
                        )
                    return Written(row_count=len(batch), outcome=outcome)
                except psycopg.errors.CheckViolation as error:
                    if error.diag.constraint_name != "bytes_being_destroyed_take_no_reference":
                        raise
        raise TryAgainLater(
            "a purge is destroying files that are being imported. Nothing of this batch was "
            "registered; import again when it is done."
        )
