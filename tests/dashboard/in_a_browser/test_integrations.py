"""A records officer sets up mail and Slack and tries them in a real browser, inside Airflow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.api_server import ApiServer
from tests.dashboard.chromium import accessibility_faults, framed, logged_in
from tests.delivery.mail_servers import Mailbox, mail_server

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

PAGES = (
    "/integrations",
    "/integrations/mail",
    "/integrations/mail/connection?provider=smtp",
    "/integrations/slack",
    "/integrations/slack/connection",
    "/integrations/slack/channels/new",
    "/integrations/suppressions",
    "/integrations/endpoints/new",
    "/integrations/endpoints/1",
    "/integrations/endpoints/1/edit",
)


def test_mail_is_set_up_and_a_test_shows_what_the_server_answered(
    olga: Page,
    server: ApiServer,
) -> None:
    with mail_server(Mailbox(answers={"gone@example.org": "550 5.1.1 no such user"})) as port:
        olga.goto(server.framed("/integrations"))
        page = framed(olga)
        page.get_by_role("link", name="Email", exact=True).click()
        page.get_by_role("link", name="Set up…").click()
        page.get_by_label("Address of the sender").fill("records@example.org")
        page.get_by_label("Mail server").fill("127.0.0.1")
        page.get_by_label("Kept secret by").select_option("none")
        page.get_by_label("Port", exact=True).fill(str(port))
        page.get_by_role("button", name="Save").click()
        expect(page.locator("main")).to_contain_text(f"smtp, 127.0.0.1:{port}")

        page.get_by_label("To", exact=True).fill("olga@example.org")
        page.get_by_role("button", name="Send a test").click()
        answer = page.get_by_role("region", name="Answer to the test")
        expect(answer).to_contain_text("queued as 4711")
        expect(page.get_by_role("table")).to_contain_text("to olga@example.org: taken")

        page.get_by_label("To", exact=True).fill("gone@example.org")
        page.get_by_role("button", name="Send a test").click()
        expect(answer).to_contain_text("550 5.1.1 no such user")
        expect(page.locator("main")).to_contain_text("Failed last")


def test_a_slack_channel_is_made_and_its_test_says_what_is_missing(
    olga: Page,
    server: ApiServer,
) -> None:
    olga.goto(server.framed("/integrations/slack"))
    page = framed(olga)
    page.get_by_role("link", name="New channel").click()
    page.get_by_label("Name, as rules say it").fill("records")
    page.get_by_label("Channel", exact=True).fill("C0123456789")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Slack channel records is saved.")

    page.get_by_role("button", name="Send a test to records").click()
    answer = page.get_by_role("region", name="Answer to the test")
    expect(answer).to_contain_text("no Slack is configured")


def test_the_pages_are_accessible_and_fit_a_phone(
    browser: Browser,
    olga: Page,
    server: ApiServer,
) -> None:
    olga.goto(server.path("/integrations/endpoints/new"))
    olga.get_by_label("Name, as rules and jobs say it").fill("ledger")
    olga.get_by_label("Address", exact=True).fill("https://93.184.216.34/in")
    olga.get_by_label("More headers, or other values").fill("X-Tenant: 7")
    olga.get_by_role("button", name="Add, and show its secret").click()
    expect(olga.get_by_label("Secret", exact=True)).to_contain_text("whsec_")
    olga.goto(server.path("/integrations/suppressions"))
    olga.get_by_label("Address", exact=True).fill("old@example.org")
    olga.get_by_label("Reason, kept in the audit trail").fill("She left")
    olga.get_by_role("button", name="Add").click()
    expect(olga.get_by_role("table")).to_contain_text("old@example.org")

    for width, theme in ((1440, "light"), (1440, "dark"), (326, "dark")):
        context = logged_in(browser, server, "olga", width=width, theme=theme)
        page = context.new_page()
        for path in PAGES:
            answer = page.goto(server.path(path))
            assert answer is not None
            assert answer.status == 200, path
            assert accessibility_faults(page) == [], (path, width, theme)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), path
        context.close()
