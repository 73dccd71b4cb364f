"""Ports of 127.0.0.1."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"
_OWN_LOOPBACK = "127.0.0.80"


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port now."""
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def own_loopback() -> str:
    """Return an address of this machine on which no server listens that was told 127.0.0.1.

    Linux answers to all of 127.0.0.0/8. Where there is only 127.0.0.1 (macOS), that is returned.
    """
    with socket.socket() as probe:
        try:
            probe.bind((_OWN_LOOPBACK, 0))
        except OSError:
            return LOOPBACK
        return _OWN_LOOPBACK
