"""The sockets of kept connections: watched while they rest, and never mistaken for another."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing

import pycurl
import pytest

from doclife.delivery.watched_sockets import EpollSockets, SelectorSockets, WatchedSockets


@pytest.fixture(params=[EpollSockets, SelectorSockets])
def sockets(request: pytest.FixtureRequest) -> Iterator[WatchedSockets]:
    with closing(request.param()) as found:
        yield found


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def test_says_who_is_ready_and_for_what(sockets: WatchedSockets, pair: Pair) -> None:
    ours, theirs = pair

    sockets.watch(ours.fileno(), pycurl.POLL_IN)
    assert sockets.ready() == []
    theirs.send(b"x")
    assert sockets.ready() == [(ours.fileno(), pycurl.CSELECT_IN)]
    sockets.watch(ours.fileno(), pycurl.POLL_OUT)
    assert sockets.ready() == [(ours.fileno(), pycurl.CSELECT_OUT)]
    sockets.watch(ours.fileno(), pycurl.POLL_INOUT)
    assert sockets.ready() == [(ours.fileno(), pycurl.CSELECT_IN | pycurl.CSELECT_OUT)]


def test_says_nothing_of_a_socket_that_rests(sockets: WatchedSockets, pair: Pair) -> None:
    ours, theirs = pair
    sockets.watch(ours.fileno(), pycurl.POLL_IN)
    sockets.let_rest(ours.fileno())

    theirs.send(b"x")
    assert [sockets.ready(), sockets.ready()] == [[], []]
    sockets.watch(ours.fileno(), pycurl.POLL_IN)
    assert sockets.ready() == [(ours.fileno(), pycurl.CSELECT_IN)]


def test_what_was_never_watched_may_rest(sockets: WatchedSockets, pair: Pair) -> None:
    sockets.let_rest(pair[0].fileno())
    sockets.watch(pair[0].fileno(), pycurl.POLL_OUT)

    assert sockets.ready() == [(pair[0].fileno(), pycurl.CSELECT_OUT)]


def test_the_number_of_a_closed_socket_may_be_anothers(sockets: WatchedSockets, pair: Pair) -> None:
    """libcurl closes kept connections without a word, and the next one gets the lowest number."""
    first, far_end = socket.socketpair()
    number = first.fileno()
    with far_end, first:
        sockets.watch(number, pycurl.POLL_IN)
        sockets.let_rest(number)
    ours, theirs = pair
    os.dup2(ours.fileno(), number)

    sockets.watch(number, pycurl.POLL_IN)
    theirs.send(b"x")

    assert sockets.ready() == [(number, pycurl.CSELECT_IN)]
    os.close(number)


def test_a_closed_socket_that_is_open_elsewhere_breaks_nothing(
    sockets: WatchedSockets, pair: Pair
) -> None:
    """The system goes on telling of it until its last copy is closed."""
    ours, theirs = pair
    number = os.dup(ours.fileno())
    sockets.watch(number, pycurl.POLL_IN)
    sockets.let_rest(number)
    os.close(number)

    theirs.send(b"x")

    assert sockets.ready() == []


def test_the_end_of_a_connection_is_told(sockets: WatchedSockets, pair: Pair) -> None:
    sockets.watch(pair[0].fileno(), pycurl.POLL_IN)
    pair[1].close()

    [(found, events)] = sockets.ready()

    assert found == pair[0].fileno()
    assert events & pycurl.CSELECT_IN
