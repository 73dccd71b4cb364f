"""Runs libcurl's transfers beside everything else on the event loop."""

import asyncio
from typing import Any

import pycurl

from doclife.delivery.watched_sockets import watched_sockets


class Transfers:
    """Many transfers of libcurl at once. Belongs to the event loop that runs when it is made.

    The sockets that libcurl waits for are watched by themselves, and the event loop watches that
    they are. pycurl's ``AsyncCurlMulti`` gives each socket to the event loop and takes it away
    again, for each transfer, which costs about as much as the transfer.

    :param kept_connections: how many stay open for the next transfer.
    """

    def __init__(self, *, kept_connections: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets = watched_sockets()
        self._running: dict[Any, asyncio.Future[None]] = {}
        self._soon: asyncio.Handle | None = None
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, kept_connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._loop.add_reader(self._sockets.fileno(), self._go_on)

    async def perform(self, curl: Any) -> None:
        """Run one transfer to its end; a call that is cancelled ends it.

        :raises pycurl.error: it broke off.
        """
        ended = self._loop.create_future()
        self._multi.add_handle(curl)
        self._running[curl] = ended
        try:
            await ended
        finally:
            if self._running.pop(curl, None) is not None:
                self._multi.remove_handle(curl)

    def close(self) -> None:
        """End what still runs, and close every connection."""
        self._loop.remove_reader(self._sockets.fileno())
        for ended in self._running.values():
            ended.cancel()
        for curl in list(self._running):
            del self._running[curl]
            self._multi.remove_handle(curl)
        self._multi.close()
        for handle in (self._soon, self._timer):
            if handle is not None:
                handle.cancel()
        self._sockets.close()

    def _watch(self, what: int, descriptor: int, _multi: Any, _data: Any) -> None:
        """Watch a socket for what libcurl waits for now."""
        if what in (pycurl.POLL_REMOVE, pycurl.POLL_NONE):
            self._sockets.let_rest(descriptor)
        else:
            self._sockets.watch(descriptor, what)

    def _set_timer(self, timeout_ms: int) -> None:
        """Have libcurl called when it wants to be, though no socket has anything to say."""
        if timeout_ms == 0:
            if self._soon is None:  # and not here: it is libcurl that calls
                self._soon = self._loop.call_soon(self._time_out)
            return
        if timeout_ms < 0:
            self._due = None
            return
        self._due = self._loop.time() + timeout_ms / 1000
        if self._timer is None or self._timer.when() > self._due:
            self._arm(self._due)

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look_at_the_time)

    def _look_at_the_time(self) -> None:
        """Time out, or wait for a later moment: each call puts it off, and few ever come to it."""
        self._timer = None
        if self._due is None:
            return
        if self._due > self._loop.time():
            self._arm(self._due)
        else:
            self._due = None
            self._time_out()

    def _time_out(self) -> None:
        self._soon = None
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._tell()

    def _go_on(self) -> None:
        """Let libcurl go on with every socket that is ready."""
        for descriptor, events in self._sockets.ready():
            self._multi.socket_action(descriptor, events)
        self._tell()

    def _tell(self) -> None:
        """Wake those whose transfers have ended."""
        _, well, badly = self._multi.info_read()
        for curl in well:
            self._end(curl, None)
        for curl, code, message in badly:
            self._end(curl, pycurl.error(code, message))

    def _end(self, curl: Any, error: Exception | None) -> None:
        self._multi.remove_handle(curl)
        ended = self._running.pop(curl)
        if ended.done():
            return  # cancelled at this very moment
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)
