"""The first start with samples: every action, every channel, and where to look at what was sent."""

from __future__ import annotations

import re
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import free_port
from local.state import ROOT
from tests.local.checkout import Checkout, Start


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Checkout]:
    """A copy of the project with its real DAGs, in a path with a space."""
    copy = Checkout(tmp_path / "my project")
    shutil.copytree(
        ROOT / "dags",
        copy.folder / "dags",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    yield copy
    copy.remove()


@pytest.mark.timeout(1800)
def test_the_first_start_shows_every_action_and_every_delivery_without_accounts(home):
    started = Start(home, PORT=str(free_port()))

    said = started.wait_until_ready(seconds=800)

    # At least: a day that begins meanwhile brings more, and so do the summaries that go at eight.
    done = re.search(r"75 registered, .* (\d+) archived, (\d+) in the trash, (\d+) purged", said)
    sent = re.search(r"(\d+) mails, (\d+) Slack messages, (\d+) webhook calls; look", said)
    address = re.search(r"look at (http\S+)", said)
    assert done, said
    assert sent, said
    assert address, said
    assert all(int(number) >= 4 for number in done.groups()), said
    assert int(sent[1]) >= 2
    assert int(sent[2]) >= 2
    assert int(sent[3]) >= 6
    with urllib.request.urlopen(address[1], timeout=60) as answer:
        page = answer.read().decode()
    assert page.count('class="signature verified"') >= int(sent[3])
    # What a destroyed document was called is said to nobody any more.
    assert page.count("document.purged purged:") == int(done[3])
    assert "document.purged drafts/" not in page
    assert page.count("#records") >= int(sent[2])
    assert page.count("anna@example.org") >= 2
    assert started.end(signal.SIGTERM) == 0
    assert home.processes() == []
