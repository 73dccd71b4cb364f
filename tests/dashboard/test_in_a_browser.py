"""The dashboard as people meet it: inside Airflow's own pages, in a real browser."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from doclife.store.connection import connect
from local import databases
from local.guard import Guard
from local.postgres import Postgres
from tests.conftest import _copy, _drop, role_url
from tests.dashboard.api_server import ApiServer, serving
from tests.dashboard.chromium import chromium, framed, logged_in
from tests.dashboard.scene import set_scene

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def server(
    guard: Guard, postgres: Postgres, migrated_template: str, airflow_with_dags: None
) -> Iterator[ApiServer]:
    """An api-server over a catalogue in which something has happened."""
    name = "seen_in_a_browser"
    owner = _copy(postgres, migrated_template, name)
    with tempfile.TemporaryDirectory(prefix="doclife-test-api-") as folder:
        home = Path(folder)
        (home / "files").mkdir()
        with connect(owner) as conn:
            set_scene(conn, home / "files")
        url = role_url(postgres, name, role=databases.TASKS)
        with serving(home, documents_url=url, guard=guard) as running:
            yield running
    _drop(postgres, name)


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


def test_the_navigation_opens_it_and_the_address_of_a_tab_can_be_shared(
    olga: Page, server: ApiServer
) -> None:
    olga.goto(server.url)
    olga.get_by_role("link", name="Documents", exact=True).click()
    frame = framed(olga)
    frame.get_by_role("navigation", name="Documents").get_by_role("link", name="Rules").click()
    olga.wait_for_url(server.framed("/rules"))

    olga.goto(server.framed("/rules"))
    assert (
        framed(olga).get_by_role("link", name="Rules", exact=True).get_attribute("aria-current")
        == "page"
    )
