"""Watches the sockets that libcurl waits for, in libcurl's own words.

Each transfer over a kept connection waits for its socket once, and then rests until the next one.
"""

import select
import selectors
from contextlib import suppress
from typing import Protocol

import pycurl

_EVENTS = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
_SELECTED = {
    selectors.EVENT_READ: pycurl.CSELECT_IN,
    selectors.EVENT_WRITE: pycurl.CSELECT_OUT,
    selectors.EVENT_READ | selectors.EVENT_WRITE: pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
}


class WatchedSockets(Protocol):
    """Many sockets behind one descriptor, which an event loop watches in their place."""

    def fileno(self) -> int:
        """Return what can be read as soon as one of them is ready."""
        ...

    def watch(self, descriptor: int, what: int) -> None:
        """Watch a socket for ``POLL_IN``, ``POLL_OUT`` or ``POLL_INOUT``, and for nothing else."""
        ...

    def let_rest(self, descriptor: int) -> None:
        """Tell nothing more of a socket until it is watched again; it may be closed."""
        ...

    def ready(self) -> list[tuple[int, int]]:
        """Return the sockets that are ready and for what, ``CSELECT_IN`` and ``CSELECT_OUT``."""
        ...

    def close(self) -> None:
        """Watch nothing more."""
        ...


def watched_sockets() -> WatchedSockets:
    """Return what watches with the least effort here."""
    return EpollSockets() if hasattr(select, "epoll") else SelectorSockets()


class EpollSockets:
    """Linux's way: a socket that rests stays watched, and is watched anew in one system call.

    Taken away and given again it costs a fifth of the call that is made over it.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._given: dict[int, int] = {}
        """For what, by descriptor. The system forgets what is closed, this does not."""
        self._resting: set[int] = set()

    def fileno(self) -> int:
        """Return the descriptor of the epoll."""
        return self._epoll.fileno()

    def watch(self, descriptor: int, what: int) -> None:
        """Watch a socket, anew if its number was another's."""
        events = select.EPOLLIN if what == pycurl.POLL_IN else select.EPOLLOUT
        if what == pycurl.POLL_INOUT:
            events = select.EPOLLIN | select.EPOLLOUT
        self._resting.discard(descriptor)
        if descriptor in self._given:
            try:
                self._epoll.modify(descriptor, events)
            except FileNotFoundError:
                # The one before was closed while it rested; its number is another's now.
                self._epoll.register(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
        self._given[descriptor] = events

    def let_rest(self, descriptor: int) -> None:
        """Go on watching it, and tell nothing."""
        self._resting.add(descriptor)

    def ready(self) -> list[tuple[int, int]]:
        """Return what is ready; what tells anything while it rests is watched no more."""
        found = []
        for descriptor, events in self._epoll.poll(0):
            if descriptor in self._resting:
                # Most likely its end, which would be told again and again.
                self._resting.remove(descriptor)
                del self._given[descriptor]
                # Closed, and told all the same while another copy of it is open.
                with suppress(OSError):
                    self._epoll.unregister(descriptor)
            elif events == select.EPOLLIN:
                found.append((descriptor, pycurl.CSELECT_IN))
            elif events == select.EPOLLOUT:
                found.append((descriptor, pycurl.CSELECT_OUT))
            else:
                # Both, an error or an end: libcurl looks at what it waits for.
                found.append((descriptor, pycurl.CSELECT_IN | pycurl.CSELECT_OUT))
        return found

    def close(self) -> None:
        """Close the epoll."""
        self._epoll.close()


class SelectorSockets:
    """Every other system's way."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def fileno(self) -> int:
        """Return the descriptor of the selector."""
        return self._selector.fileno()

    def watch(self, descriptor: int, what: int) -> None:
        """Give a socket to the selector."""
        if descriptor in self._selector.get_map():
            self._selector.modify(descriptor, _EVENTS[what])
        else:
            self._selector.register(descriptor, _EVENTS[what])

    def let_rest(self, descriptor: int) -> None:
        """Take it away again."""
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def ready(self) -> list[tuple[int, int]]:
        """Return what is ready."""
        return [(key.fd, _SELECTED[events]) for key, events in self._selector.select(0)]

    def close(self) -> None:
        """Close the selector."""
        self._selector.close()
