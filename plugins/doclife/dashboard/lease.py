"""A connection of the pool for as long as a request needs one: not while it waits for others."""

from typing import Protocol

from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from doclife.store.connection import Connection


class Holder(Protocol):
    """What holds a lock of the connection's session, and must know when that one goes."""

    def pause(self) -> None:
        """Let go of what is the session's; the connection is given back after it."""

    def go_on(self, conn: Connection) -> None:
        """Take it up again on the connection that was taken."""


class Lease:
    """A connection, taken when it is asked for and given back early by whoever has to wait.

    Airflow may take many seconds to answer, and pages need the connections meanwhile.
    """

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool
        self._held: Connection | None = None
        self._is_over = False
        self.holder: Holder | None = None

    @property
    def conn(self) -> Connection:
        """The connection, which is taken when none is held."""
        return self.take()

    def take(self) -> Connection:
        """Return the connection, from the pool when none is held.

        :raises psycopg_pool.PoolTimeout: there is none.
        """
        if self._is_over:
            raise RuntimeError("the request is over: its connection is somebody else's by now")
        if self._held is None:
            self._held = self._pool.getconn()
            if self.holder is not None:
                self.holder.go_on(self._held)
        return self._held

    def give_back(self) -> None:
        """Give the connection back until one is asked for again; without one, do nothing."""
        if self._held is None:
            return
        if self._held.info.transaction_status is not TransactionStatus.IDLE:
            raise RuntimeError("a connection is not given back within a transaction")
        if self.holder is not None:
            self.holder.pause()
        self._put()

    def end(self) -> None:
        """Give the connection back for good, in whatever state the request has left it."""
        self._is_over = True
        if self._held is not None:
            self._put()

    def _put(self) -> None:
        held, self._held = self._held, None
        assert held is not None
        self._pool.putconn(held)
