"""A real browser, and a records officer who sits at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.api_server import ApiServer
from tests.dashboard.chromium import chromium, logged_in


@pytest.fixture(scope="module")
def server(airflow_server: ApiServer) -> ApiServer:
    """An api-server over a catalogue in which something has happened."""
    return airflow_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def olga(browser: Browser, server: ApiServer) -> Iterator[Page]:
    """A records officer, at a laptop."""
    context = logged_in(browser, server, "olga")
    yield context.new_page()
    context.close()
