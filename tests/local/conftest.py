"""Copies of the project to start, stop and kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A copy of the project, with everything installed, in a path with a space."""
    copy = Checkout(tmp_path / "my project")
    yield copy
    copy.remove()


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A copy of the project in which nothing was ever started or installed."""
    copy = Checkout(tmp_path / "my project", installed=False)
    yield copy
    copy.remove()
