"""A request that comes twice is done once: the second one is given the first one's answer.

Whoever does not know whether a request was done sends it again under the same key. What is one
transaction is kept together with its answer, so that there is never one without the other. What
takes several (bytes are moved, Airflow is called) notes its key first and its answer last: when it
died between, the next request under the key does it again, from where it stopped.

The turn of a key is a lock of its session, which a death gives back. While somebody else is waited
for, the connection serves others; then the key itself says until when it is taken.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from doclife.errors import ConfigurationError, RefusedError
from doclife.store import clock, idempotency_keys
from doclife.store.connection import Connection
from doclife.store.idempotency_keys import Kept, Key

KEPT_FOR = timedelta(hours=24)
AWAY_FOR = timedelta(minutes=1)
"""How long a key stays taken without a connection: more than anybody waits for Airflow, or for the
answer to a test. It is also how long it stays taken when the server dies meanwhile."""
PRUNED_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a request was answered with.

    :param status: of HTTP, 200 to 299: what was refused has done nothing, and is not kept.
    :param body: without secrets.
    """

    status: int
    media_type: str | None
    body: bytes | None


class Once:
    """One request under a key. Begin it, do it, and end it or give it up, all on one connection.

    What takes several transactions may change its connection: ``pause`` it, and ``go_on``.

    :param requested_by: the actor, whose keys are their own.
    :param request_digest: SHA-256 of all that is asked for.
    :param is_in_steps: whether doing it takes several transactions; else everything from the
        beginning to the end is one.
    """

    def __init__(
        self,
        conn: Connection,
        *,
        requested_by: str,
        key: str,
        organization_id: int,
        request_digest: bytes,
        is_in_steps: bool,
        now: datetime,
    ) -> None:
        self._conn = conn
        self._key = Key(requested_by=requested_by, key=key)
        self._organization_id = organization_id
        self._digest = request_digest
        self._now = now
        self.begun_at = now
        """When the key was first used within the day; known once begun. The same each time that a
        request is sent again, also after a crash or a refusal, and another one a day later."""
        self._transaction = None if is_in_steps else conn.transaction()
        self._is_locked = False

    def begin(self) -> Answer | None:
        """Take the key's turn; return the answer when it was done before, and nothing is to do.

        :raises RefusedError: the first one is still being done.
        :raises ConfigurationError: the key was used for another request.
        """
        if self._transaction is None:
            self._is_locked = idempotency_keys.try_lock_longer(self._conn, self._key)
            if not self._is_locked:
                raise _at_work()
        else:
            self._transaction.__enter__()
        try:
            found = self._find()
            if found is None and self._transaction is None:
                self._keep(status=None, media_type=None, body=None)
        except BaseException:
            self._leave()
            raise
        if found is not None:
            self._leave()
        return found

    def end(self, answer: Answer) -> None:
        """Keep the answer, and let the key be asked for again."""
        try:
            self._keep(status=answer.status, media_type=answer.media_type, body=answer.body)
        except BaseException:
            self._leave()
            raise
        if self._transaction is None:
            self._unlock()
        else:
            self._transaction.__exit__(None, None, None)

    def pause(self) -> None:
        """Let go of the connection's lock: the key says itself that it is taken, for a minute."""
        until = clock.present(self._conn) + AWAY_FOR
        idempotency_keys.take_until(self._conn, self._key, until=until)
        self._unlock()

    def go_on(self, conn: Connection) -> None:
        """Take the lock again on another connection.

        Whoever looks at the key at this moment may have the lock: the key stays taken by its time.
        """
        self._conn = conn
        self._is_locked = idempotency_keys.try_lock_longer(conn, self._key)

    def give_up(self) -> None:
        """Let go of the key: it was refused. What is one transaction is taken back with it."""
        if self._transaction is None:
            # A connection that broke has given its lock back, and the key is tried again.
            with suppress(psycopg.OperationalError):
                idempotency_keys.free(self._conn, self._key)
        self._leave()

    def _find(self) -> Answer | None:
        if self._transaction is not None and not idempotency_keys.try_lock(self._conn, self._key):
            raise _at_work()
        kept = idempotency_keys.find(self._conn, self._key, since=self._now - KEPT_FOR)
        if kept is None:
            return None
        self.begun_at = kept.begun_at
        if kept.request_digest is None:
            return None
        if kept.request_digest != self._digest:
            raise ConfigurationError(
                "this Idempotency-Key was used for another request: take a new one"
            )
        if kept.status is None:
            if kept.taken_until is not None and kept.taken_until > self._now:
                raise _at_work()
            return None
        return Answer(status=kept.status, media_type=kept.media_type, body=kept.body)

    def _keep(self, *, status: int | None, media_type: str | None, body: bytes | None) -> None:
        idempotency_keys.keep(
            self._conn,
            self._key,
            organization_id=self._organization_id,
            kept=Kept(
                begun_at=self.begun_at,
                request_digest=self._digest,
                status=status,
                media_type=media_type,
                body=body,
                taken_until=None,
            ),
            since=self._now - KEPT_FOR,
        )

    def _leave(self) -> None:
        if self._transaction is None:
            with suppress(psycopg.OperationalError):
                self._unlock()
        else:
            self._transaction.__exit__(psycopg.Rollback, psycopg.Rollback(), None)

    def _unlock(self) -> None:
        if self._is_locked:
            idempotency_keys.unlock(self._conn, self._key)
            self._is_locked = False


def forget_old_keys(conn: Connection, *, now: datetime) -> int:
    """Forget the keys that count no more, some at a time; return how many."""
    gone = 0
    while some := idempotency_keys.prune(conn, before=now - KEPT_FOR, size=PRUNED_AT_ONCE):
        gone += some
    return gone


def _at_work() -> RefusedError:
    return RefusedError("the first request with this Idempotency-Key is still being done")
