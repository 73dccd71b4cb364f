"""Airflow reads its settings when it is first imported, so they are set before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import airflow_environment  # noqa: F401 - sets Airflow's environment
from tests.deploy.compose import Deployment


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """What somebody has after ``./run env``."""
    return Deployment.make(tmp_path)
