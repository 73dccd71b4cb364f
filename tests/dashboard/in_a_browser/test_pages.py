"""The dashboard as people meet it: inside Airflow's own pages, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from doclife.dashboard.gate import PUBLIC_PREFIX
from doclife.dashboard.navigation import TABS
from tests.dashboard.api_server import ApiServer
from tests.dashboard.chromium import accessibility_faults, framed, logged_in
from tests.dashboard.test_every_route import WITH_LOGIN

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

BACKGROUND = "root => getComputedStyle(root).backgroundColor"
THEME = "['light', 'dark'].filter(name => document.documentElement.classList.contains(name))"
LIGHT = re.compile(r"\blight\b")
DARK = re.compile(r"\bdark\b")


def test_the_navigation_opens_it_and_the_address_of_a_tab_can_be_shared(
    olga: Page, server: ApiServer
) -> None:
    olga.goto(server.url)
    olga.get_by_role("link", name="Documents", exact=True).click()
    frame = framed(olga)
    frame.get_by_role("navigation", name="Documents").get_by_role("link", name="Rules").click()
    olga.wait_for_url(server.framed("/rules"))

    olga.goto(server.framed("/rules"))
    tab = framed(olga).get_by_role("link", name="Rules", exact=True)
    expect(tab).to_have_attribute("aria-current", "page")


def test_it_takes_the_theme_of_airflow_and_follows_its_switch(
    olga: Page, server: ApiServer
) -> None:
    olga.goto(server.framed("/"))
    page = framed(olga).locator("html")
    expect(page).to_have_class(LIGHT)
    light = page.evaluate(BACKGROUND)

    # What Airflow's switch does to its own page.
    olga.evaluate("document.documentElement.classList.replace('light', 'dark')")
    expect(page).to_have_class(DARK)
    expect(page).not_to_have_class(LIGHT)
    expect(page).not_to_have_css("background-color", light)


def test_the_first_paint_is_already_dark_for_whoever_chose_dark(
    browser: Browser, server: ApiServer
) -> None:
    context = logged_in(browser, server, "olga", theme="dark")
    page = context.new_page()
    page.goto(server.path("/"))
    assert page.evaluate(THEME) == ["dark"]
    context.close()


def test_a_halt_asks_for_its_reason_in_a_dialog_and_everybody_sees_it(
    olga: Page, browser: Browser, server: ApiServer
) -> None:
    olga.goto(server.framed("/"))
    frame = framed(olga)
    frame.get_by_role("link", name="Halt…").click()
    frame.get_by_label("Reason, shown to everybody").fill("Wrong dates <b>came</b> in")
    frame.get_by_role("button", name="Halt now").click()
    expect(frame.get_by_role("alert")).to_contain_text("Wrong dates <b>came</b> in")

    context = logged_in(browser, server, "vic")
    viewer = context.new_page()
    viewer.goto(server.framed("/"))
    seen = framed(viewer)
    expect(seen.get_by_role("alert")).to_contain_text("Wrong dates")
    expect(seen.get_by_text("Resume…")).to_have_count(0)
    context.close()

    frame.get_by_role("link", name="Resume…").click()
    frame.get_by_role("button", name="Resume", exact=True).click()
    expect(frame.locator("main")).to_contain_text("Running plans and deliveries go on.")


def test_the_page_of_a_dag_has_a_tab_with_its_plans(olga: Page, server: ApiServer) -> None:
    olga.goto(f"{server.url}/dags/run_rule")
    # The navigation has a link of the same name, which is there before the tabs are.
    olga.locator('a[href$="/dags/run_rule/plugin/doclife-plans"]').click()
    expect(framed(olga).locator("h1")).to_contain_text("Plans of run_rule")


@pytest.mark.parametrize(
    ("width", "theme"), [(1440, "light"), (1440, "dark"), (326, "dark")], ids=str
)
def test_every_tab_is_accessible_and_fits(
    browser: Browser, server: ApiServer, width: int, theme: str
) -> None:
    context = logged_in(browser, server, "olga", width=width, theme=theme)
    page = context.new_page()
    faults, errors = [], []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(server.path("/"))
    tabs = page.get_by_role("navigation", name="Documents").get_by_role("link").all()
    for address in [str(tab.get_attribute("href")) for tab in tabs]:
        page.goto(server.origin + address)
        faults += [f"{address}: {fault}" for fault in accessibility_faults(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{address}: is wider than the screen")
    context.close()
    assert not faults, "\n".join(faults)
    assert not errors, errors


PAGES = {
    "/batches/new": ["batches/new?q=lease", "batches/new?q=nothing-like-it"],
    "/dags/{dag_id}": ["dags/run_rule"],
    "/documents/{document_id}": ["documents/1", "documents/2"],
    "/erasure": ["erasure", "erasure?state=closed"],
    "/erasure/-/new": ["erasure/-/new"],
    "/erasure/{request_id}": ["erasure/1"],
    "/erasure/{request_id}/close": ["erasure/1/close"],
    "/halt": ["halt"],
    "/integrations/endpoints/new": ["integrations/endpoints/new"],
    "/integrations/endpoints/{endpoint_id}": ["integrations/endpoints/1"],
    "/integrations/endpoints/{endpoint_id}/edit": ["integrations/endpoints/1/edit"],
    "/integrations/mail": ["integrations/mail"],
    "/integrations/mail/connection": ["integrations/mail/connection"],
    "/integrations/slack": ["integrations/slack"],
    "/integrations/slack/channels/new": ["integrations/slack/channels/new"],
    "/integrations/slack/channels/{name}/delete": ["integrations/slack/channels/legal/delete"],
    "/integrations/slack/channels/{name}/edit": ["integrations/slack/channels/legal/edit"],
    "/integrations/slack/connection": ["integrations/slack/connection"],
    "/integrations/suppressions": ["integrations/suppressions"],
    "/jobs/all": ["jobs/all?deed=cancel"],
    "/jobs/{job_id}": ["jobs/1"],
    "/matters": ["matters?name=Smith"],
    "/plans/{plan_id}": ["plans/1", "plans/2"],
    "/plans/{plan_id}/undo": ["plans/1/undo"],
    "/reports": ["reports"],
    "/reports/{report_id}": ["reports/1"],
    "/rules/-/import": ["rules/-/import"],
    "/rules/-/new": ["rules/-/new"],
    "/rules/{name}": ["rules/archive-contracts"],
    "/rules/{name}/copy": ["rules/archive-contracts/copy"],
    "/rules/{name}/delete": ["rules/archive-contracts/delete"],
    "/rules/{name}/difference": ["rules/archive-contracts/difference?from=1&to=1"],
    "/rules/{name}/edit": ["rules/archive-contracts/edit"],
    "/rules/{name}/mode": ["rules/archive-contracts/mode?to=off"],
    "/rules/{name}/preview": ["rules/archive-contracts/preview"],
    "/rules/{name}/run": ["rules/archive-contracts/run"],
    "/runs/run_rule": ["runs/run_rule?run_id=none-such"],
}
"""Each page that is no tab, by its route, and where it is in the catalogue of the scene."""
NO_PAGES = {
    "/certificates/{plan_id}/{kind}", "/documents/{document_id}/proof",
    "/history/export", "/jobs/running", "/plans/{plan_id}/export", "/plans/{plan_id}/progress",
    "/reports/{report_id}/{kind}", "/rules/-/export", "/runs/run_rule/state",
    "/static/{digest}/{name}", "/static/{name}",
}  # fmt: skip
"""Files, and parts of pages that their scripts ask for."""
THINGS = (
    ("/endpoints", {"name": "erp", "url": "https://93.184.216.34/in"}),
    ("/erasure-requests", {"person": "lena.ott@example.org"}),
    ("/documents/1/hold", {"matter": "Smith", "reason": "asked by legal"}),
    ("/jobs", {
        "kind": "notification", "run_at": "2099-01-01T00:00:00Z",
        "payload": {"recipient": "olga", "title": "Look", "body": "Something waits."},
    }),
)  # fmt: skip
"""What else the scene needs, as programs store it."""


def test_no_page_is_forgotten() -> None:
    others = ("/api/", PUBLIC_PREFIX)
    routes = {
        route.path for route in WITH_LOGIN
        if "GET" in route.methods and not route.path.startswith(others)
    }  # fmt: skip

    assert routes == set(PAGES) | NO_PAGES | {tab.path for tab in TABS}


@pytest.fixture(scope="module")
def things(browser: Browser, server: ApiServer) -> None:
    context = logged_in(browser, server, "olga")
    page = context.new_page()
    page.goto(server.path("/jobs"))
    token = page.locator("input[name=form_token]").first.get_attribute("value") or ""
    headers = {"Origin": server.origin, "X-Doclife-Token": token}
    for path, body in THINGS:
        made = page.request.post(server.path(f"/api/v1{path}"), data=body, headers=headers)
        assert made.ok, made.text()
    channel = page.request.put(
        server.path("/api/v1/slack/channels/legal"), data={"channel": "#legal"}, headers=headers
    )
    assert channel.ok, channel.text()
    context.close()


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (326, "light")], ids=str)
def test_every_page_is_accessible_and_fits(
    browser: Browser, server: ApiServer, width: int, theme: str
) -> None:
    context = logged_in(browser, server, "olga", width=width, theme=theme)
    page = context.new_page()
    faults = []
    for address in [each for addresses in PAGES.values() for each in addresses]:
        answer = page.goto(server.path(f"/{address}"))
        assert answer is not None
        assert answer.status == 200, address
        # A preview that is asked for at once.
        expect(page.locator("[aria-busy]")).to_have_count(0)
        faults += [f"{address}: {fault}" for fault in accessibility_faults(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{address}: is wider than the screen")
    context.close()
    assert not faults, "\n".join(faults)


def test_without_script_a_halt_is_asked_for_on_a_page_of_its_own(
    browser: Browser, server: ApiServer
) -> None:
    context = logged_in(browser, server, "olga", has_script=False)
    page = context.new_page()
    page.goto(server.path("/"))
    page.get_by_role("link", name="Halt…").click()
    expect(page.get_by_label("Reason, shown to everybody")).to_be_visible()
    expect(page).to_have_url(server.path("/halt"))
    context.close()


def test_whoever_logs_in_by_airflows_own_form_is_known(browser: Browser, server: ApiServer) -> None:
    context = browser.new_context()
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(server.url)
    page.get_by_label("Username").fill("bob")
    page.get_by_label("Password").fill("bob")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Documents", exact=True).click()
    expect(framed(page).get_by_role("heading", name="What matters today")).to_be_visible()
    context.close()
