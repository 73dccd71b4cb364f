"""Debian's chromium, driven by playwright."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Page,
    expect,
    sync_playwright,
)

from local.system_programs import CHROMIUM
from tests.dashboard.api_server import PREFIX, ApiServer

LIMIT_MILLISECONDS = 60_000
"""On an idle machine everything is there within a second; tests may share theirs."""
ARGUMENTS = (
    # As root, as in a container, chromium has no sandbox of its own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    # Nothing but loopback is asked.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SERIOUS = ("serious", "critical")
FRAME = 'iframe[title="Documents"]'
UNTIL_LOADED = """() => document.readyState === "complete" || new Promise(
    resolve => addEventListener("load", () => resolve(true), {once: true})
)"""
"""Airflow's page is loaded before the frame in it is."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one browser; contexts in it share nothing.

    Ask a page by ``expect`` and by actions of its locators, which wait for what is still to come:
    what is read off a page at once (``inner_text``, ``count``, ``is_visible``) may be of the page
    before.
    """
    expect.set_options(timeout=LIMIT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=list(ARGUMENTS), headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


def logged_in(
    browser: Browser,
    server: ApiServer,
    name: str,
    *,
    width: int = 1440,
    theme: str = "light",
    has_script: bool = True,
) -> BrowserContext:
    """Return a fresh profile of somebody who is logged in to Airflow."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        reduced_motion="reduce",
        java_script_enabled=has_script,
    )
    context.set_default_timeout(LIMIT_MILLISECONDS)
    context.add_cookies(
        [{"name": "_token", "value": _token(server, name), "url": server.origin + PREFIX}]
    )
    # What Airflow's own switch remembers.
    context.add_init_script(f"localStorage.theme ??= {json.dumps(theme)}")
    return context


def _token(server: ApiServer, name: str) -> str:
    request = urllib.request.Request(
        f"{server.url}/auth/token",
        data=json.dumps({"username": name, "password": name}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        token: str = json.load(answer)["access_token"]
    return token


def framed(page: Page) -> FrameLocator:
    """Return the dashboard inside Airflow's page, once its scripts have run.

    It stays good when the frame goes to another page: its locators look into whatever page is
    there by then.
    """
    frame = page.frame_locator(FRAME)
    expect(frame.locator("main")).to_be_visible()
    frame.locator("html").evaluate(UNTIL_LOADED)
    return frame


def accessibility_faults(page: Page) -> list[str]:
    """Return what axe-core calls serious or worse on a page (without a frame around it)."""
    results = Axe().run(page)
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in results.response["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
