"""An erasure request in a real browser: by keyboard alone, without script, on a phone, with axe."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.api_server import ApiServer
from tests.dashboard.chromium import accessibility_faults, framed, logged_in

pytestmark = pytest.mark.full

WHO = "Person, as documents name their owner"


def test_a_request_is_made_and_closed_by_keyboard_alone_inside_airflow(
    olga: Page,
    server: ApiServer,
) -> None:
    olga.goto(server.framed("/documents"))
    page = framed(olga)
    page.get_by_role("link", name="Erasure requests").press("Enter")
    page.get_by_role("link", name="New request").first.press("Enter")
    who = page.get_by_label(WHO)
    who.press_sequentially("nobody@example.org")
    who.press("Enter")
    preview = page.get_by_role("complementary")
    expect(preview).to_contain_text("No document names this person.")
    page.get_by_role("button", name="Make the request").press("Enter")

    main = page.locator("main")
    expect(main).to_contain_text("Tell them so, then close the request.")
    page.get_by_role("link", name="Close…").press("Enter")
    page.get_by_role("button", name="Close it").press("Enter")

    expect(main).to_contain_text("0 destroyed, 0 kept.")
    expect(main).to_contain_text("forgotten")
    expect(main).not_to_contain_text("nobody@example.org")


@pytest.mark.parametrize(
    ("width", "theme", "has_script"), [(1440, "dark", True), (326, "light", False)]
)
def test_the_preview_is_accessible_and_needs_neither_width_nor_script(
    browser: Browser,
    server: ApiServer,
    width: int,
    theme: str,
    has_script: bool,
) -> None:
    context = logged_in(browser, server, "olga", width=width, theme=theme, has_script=has_script)
    page = context.new_page()
    page.goto(server.path("/erasure/-/new"))
    page.get_by_label(WHO).fill("Lena.Ott@example.org")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("complementary")).to_contain_text("of 3 would be destroyed")
    if has_script:  # axe is one
        assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    context.close()
