"""Knowing and ending processes that we started, and no others.

A pid alone may have been given to a stranger since, so a process is always known by its pid and
the moment it was born.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

# Clocks are adjusted while processes live; two programs may read a birth differently by this much.
BIRTH_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True)
class Identity:
    """One process of ours: ``born`` is in seconds since the epoch."""

    pid: int
    born: float


def identify(pid: int) -> Identity:
    """Return the identity of the process that has this pid now."""
    return Identity(pid=pid, born=psutil.Process(pid).create_time())


def is_zombie(pid: int) -> bool:
    """Return whether this process has ended and only waits for its parent to notice."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def find(identity: Identity) -> psutil.Process | None:
    """Return the process if it is still the same one and still runs; a zombie does not run."""
    try:
        process = psutil.Process(identity.pid)
        same = abs(process.create_time() - identity.born) < BIRTH_TOLERANCE_SECONDS
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    except psutil.Error:
        pass
    return None


def family(leaders: Iterable[Identity]) -> list[psutil.Process]:
    """Return what runs of these processes, their descendants and their sessions.

    Every leader was started as leader of a session of its own. That is how its children are still
    found when the leader is gone and they have been handed to init.
    """
    found: dict[int, psutil.Process] = {}
    orphaned_sessions: dict[int, Identity] = {}
    for leader in leaders:
        process = find(leader)
        if process is not None:
            found[process.pid] = process
            with contextlib.suppress(psutil.Error):
                found.update({child.pid: child for child in process.children(recursive=True)})
        if process is not None or not psutil.pid_exists(leader.pid) or is_zombie(leader.pid):
            orphaned_sessions[leader.pid] = leader
    for process in psutil.process_iter():
        try:
            leader_of_session = orphaned_sessions.get(os.getsid(process.pid))
            if leader_of_session and process.create_time() >= leader_of_session.born - 1:
                found[process.pid] = process
        except (OSError, psutil.Error):
            continue
    return [
        process for process in found.values() if process.is_running() and not is_zombie(process.pid)
    ]


def end_family(leaders: Iterable[Identity], *, grace_seconds: float) -> None:
    """Ask these processes and all their descendants to stop; kill what has not after the grace."""
    leaders = list(leaders)
    asked: set[int] = set()
    ends_at = time.monotonic() + grace_seconds
    while running := family(leaders):
        if time.monotonic() > ends_at:
            for process in running:
                _send(process, signal.SIGKILL)
            # Whatever was born while we killed is found by the next round.
            if time.monotonic() > ends_at + 10:
                return
        for process in running:
            if process.pid not in asked:
                asked.add(process.pid)
                _send(process, signal.SIGTERM)
        time.sleep(0.1)


def end_database(server: Identity, *, grace_seconds: float) -> None:
    """Shut a PostgreSQL server down: fast, then immediately, then by force.

    Only the postmaster is told; it ends its own children in the right order.
    """
    # https://www.postgresql.org/docs/current/server-shutdown.html
    for stop, seconds in (
        (signal.SIGINT, grace_seconds),
        (signal.SIGQUIT, 3.0),
        (signal.SIGKILL, 3.0),
    ):
        process = find(server)
        if process is None:
            return
        _send(process, stop)
        ends_at = time.monotonic() + seconds
        while find(server) and time.monotonic() < ends_at:
            time.sleep(0.05)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process, unless it is gone or its pid is somebody else's by now (psutil checks)."""
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)
