"""./run as a normal user: also when the tests themselves run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import free_port
from tests.local.checkout import Checkout, Start

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]


@pytest.fixture
def user() -> int:
    """The number of a user who is not root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()


@pytest.fixture
def home(user: int) -> Iterator[Checkout]:
    """A copy of the project that belongs to that user, in a path with a space."""
    place = Path(tempfile.mkdtemp(prefix="doclife-user-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        # Only so that the Python of the tests is found below /root; it writes nothing.
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    copy = Checkout(place / "my project", prefix=prefix)
    copy.add_tiny_dags()
    if os.geteuid() == 0:
        for path in (place, *place.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    yield copy
    copy.remove()
    shutil.rmtree(place, ignore_errors=True)


def test_everything_runs_as_the_user_who_started_it(home, user):
    port = free_port()
    started = Start(home, PORT=str(port))

    started.wait_until_ready()

    assert {process.uids().effective for process in home.processes()} == {user}
    data = home.folder / ".local" / "postgres" / "data"
    assert data.stat().st_uid == user, "the server needs no other place or user"
    assert home.call("doclife", "status").returncode == 0
    assert home.call("status").returncode == 0
    assert started.end(signal.SIGTERM) == 0
    assert home.processes() == []
