"""A records officer works with rules in a real browser, inside Airflow, script and all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.api_server import ApiServer
from tests.dashboard.chromium import accessibility_faults, framed, logged_in

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

PAGES = (
    "/rules",
    "/rules/-/new",
    "/rules/archive-contracts",
    "/rules/archive-contracts/edit",
    "/rules/look-at-contracts/preview",
    "/rules/delete-drafts/run",
    "/plans/1",
    "/plans/1/undo",
)


def test_a_rule_is_made_with_a_preview_while_typing_changed_and_run(
    olga: Page,
    server: ApiServer,
) -> None:
    olga.goto(server.framed("/rules/-/new"))
    page = framed(olga)
    preview = page.locator("#preview")
    page.get_by_label("Name", exact=True).fill("old-drafts")
    page.get_by_label("Value of condition 1").fill("draft")
    expect(preview).to_contain_text("DELETE: would be done")
    expect(preview).to_contain_text("Draft 0 <script>alert(1)</script>")

    page.get_by_role("button", name="Add condition to group of all").click()
    page.get_by_label("Field of condition 2").select_option("created_on")
    expect(page.get_by_label("Operator of condition 2")).to_have_value("before")
    page.get_by_label("Operator of condition 2").select_option("older_than")
    page.get_by_label("Value of condition 2").fill("20y")
    expect(preview).to_contain_text("Due that day")
    expect(page.get_by_label("Value of condition 1")).to_have_value("draft")

    page.get_by_role("button", name="YAML").click()
    text = page.get_by_label("One rule, as in a rule file")
    expect(text).to_have_value(re.compile("op: older_than"))
    text.fill(text.input_value().replace("20y", "1y"))
    expect(preview).to_contain_text("DELETE: would be done")
    page.get_by_role("button", name="Form", exact=True).click()
    expect(page.get_by_label("Value of condition 2")).to_have_value("1y")

    page.get_by_role("button", name="Review and save").click()
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator("main")).to_contain_text("Rule old-drafts is in force as version 1.")

    page.get_by_role("link", name="Run now…").click()
    page.get_by_role("button", name="Simulate").click()
    expect(page.locator("main")).to_contain_text("The plan is being made")


def test_a_fault_is_tied_to_its_field(
    olga: Page,
    server: ApiServer,
) -> None:
    olga.goto(server.path("/rules/archive-contracts/edit"))
    olga.get_by_label("Grace period").fill("soon")
    olga.get_by_role("button", name="See the difference and save").click()

    grace = olga.get_by_label("Grace period")
    expect(grace).to_have_attribute("aria-invalid", "true")
    expect(grace).to_have_accessible_description(re.compile("'soon' is not a period"))


def test_the_pages_are_accessible_and_fit_a_phone(
    browser: Browser,
    server: ApiServer,
) -> None:
    for width, theme in ((1440, "light"), (390, "dark")):
        context = logged_in(browser, server, "olga", width=width, theme=theme)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
        for path in PAGES:
            page.goto(server.path(path))
            expect(page.locator("[aria-busy]")).to_have_count(0)
            assert accessibility_faults(page) == [], (path, width)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), path
        assert errors == []
        context.close()
