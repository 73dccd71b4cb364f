"""A new batch in a real browser: by keyboard alone, without script, on a phone, and with axe."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.api_server import ApiServer
from tests.dashboard.chromium import accessibility_faults, framed, logged_in

pytestmark = pytest.mark.full

REASON = "Reason, kept in the audit trail"


def test_two_documents_are_found_ticked_and_deleted_by_keyboard_alone(
    olga: Page,
    server: ApiServer,
) -> None:
    olga.goto(server.framed("/jobs"))
    page = framed(olga)
    page.get_by_role("link", name="New batch").press("Enter")
    search = page.get_by_label("Search by title or id")
    search.press_sequentially("agreement")
    search.press("Enter")
    # Only the page of what was found leaves the leases out.
    expect(page.get_by_label("Select Lease, Hafenstraße 12 2011")).to_have_count(0)
    page.get_by_label("Select Framework agreement 2010").press("Space")
    page.get_by_label("Select Service agreement 2013").press("Space")
    page.locator("select[name=deed]").press("D")
    page.get_by_role("button", name="Go on with the ticked").press("Enter")

    button = page.get_by_role("button", name="Delete 2")
    expect(button).to_be_visible()
    expect(page.get_by_role("complementary")).to_contain_text("Would go into the trash")
    page.get_by_label(REASON).press_sequentially("cleared out")
    button.press("Enter")

    main = page.locator("main")
    expect(page.locator("h1")).to_have_text("Chosen documents")
    expect(main).to_contain_text("2 planned.")
    expect(main).to_contain_text("Framework agreement 2010")
    expect(main).to_contain_text("Service agreement 2013")


@pytest.mark.parametrize(
    ("width", "theme", "has_script"),
    [
        (1440, "light", True),
        (1440, "dark", True),
        (326, "light", True),
        (326, "dark", False),
    ],
)
def test_the_pages_are_accessible_and_need_neither_width_nor_script(
    browser: Browser,
    server: ApiServer,
    width: int,
    theme: str,
    has_script: bool,
) -> None:
    context = logged_in(browser, server, "olga", width=width, theme=theme, has_script=has_script)
    page = context.new_page()

    def check(name: str) -> None:
        expect(page.locator("[aria-busy]")).to_have_count(0)
        if has_script:  # axe is one
            assert accessibility_faults(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), name

    page.goto(server.path("/batches/new?q=supply"))
    page.get_by_label("Select Supply contract 2012").check()
    check("choose")
    page.get_by_role("button", name="Go on with the ticked").click()
    deed = page.get_by_label("Deed")
    expect(deed).to_be_visible()
    check("deed")

    deed.select_option("hold")
    if not has_script:
        page.get_by_role("button", name="Show its fields").click()
    page.get_by_label("Matter", exact=True).fill(f"Kestrel {width} {theme}")
    page.get_by_role("button", name="Preview").click()
    button = page.get_by_role("button", name="Hold 1")
    expect(button).to_be_visible()
    check("preview")
    page.get_by_label(REASON).fill("a claim")
    button.click()

    expect(page.locator("h1")).to_have_text(f"Kestrel {width} {theme}")
    expect(page.locator("main")).to_contain_text("1 document is held")
    check("matter")
    context.close()
