"""Airflow reads its settings when it is first imported, so they are set before."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.deploy.compose import Deployment

import_module("tests.airflow_environment")


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """What somebody has after ``./run env``."""
    return Deployment.make(tmp_path)
