"""Whoever is killed, his children end: the guard sees to it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local.processes import Identity, end_family, family, find, identify
from local.state import ROOT

# Starts a child whose own child is orphaned at once, and a server; then waits to be killed.
OWNER = """
import subprocess, sys, time
from pathlib import Path
from local.guard import Guard
from local.postgres import Postgres

guard = Guard()
server = Postgres(Path(sys.argv[1]), watch=guard.watch_database)
server.start()
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen(
    [sys.executable, "-c",
     f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {stubborn!r}]); "
     "print(p.pid, flush=True)"],
    stdout=subprocess.PIPE, text=True, start_new_session=True)
guard.watch_component(child.pid)
orphan = int(child.stdout.readline())
child.wait()
print(server.process.pid, orphan, guard._process.pid, server.data, sep="\\n", flush=True)
time.sleep(600)
"""

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def wait_until_gone(identities: list[Identity], *, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while any(find(identity) for identity in identities):
        assert time.monotonic() < ends_at, [find(identity) for identity in identities]
        time.sleep(0.1)


def test_after_kill_9_of_the_owner_soon_nothing_runs(tmp_path):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "postgres")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    server, orphan, guard = (identify(int(owner.stdout.readline())) for _ in range(3))
    data = Path(owner.stdout.readline().strip())
    time.sleep(0.5)

    owner.kill()
    owner.wait()
    owner.stdout.close()

    # Within 30 s on a machine that does nothing else.
    wait_until_gone([server, orphan, guard], seconds=120)
    # An orderly shutdown, not a crash: the server took its pid file with it.
    assert not (data / "postmaster.pid").exists()
    from local.postgres import Postgres

    Postgres(tmp_path / "postgres").remove()


def test_a_pid_that_was_given_to_a_stranger_is_not_ours(sleeper):
    ours = identify(sleeper.pid)
    before_ours = Identity(pid=ours.pid, born=ours.born - 3600)

    end_family([before_ours], grace_seconds=1)

    assert find(before_ours) is None
    assert family([before_ours]) == []
    assert sleeper.poll() is None


def test_a_zombie_does_not_run(sleeper):
    ours = identify(sleeper.pid)

    sleeper.kill()

    ends_at = time.monotonic() + 120
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    assert find(ours) is None


def test_who_does_not_listen_is_killed_after_the_grace():
    deaf = subprocess.Popen(
        [sys.executable, "-c", DEAF],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert deaf.stdout is not None
    deaf.stdout.readline()

    end_family([identify(deaf.pid)], grace_seconds=0.5)

    assert deaf.wait(timeout=120) == -9
    deaf.stdout.close()
