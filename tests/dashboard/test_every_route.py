"""What holds for each and every route of the dashboard, whoever adds it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from doclife.dashboard.access import Deed
from doclife.dashboard.app import make_app
from doclife.dashboard.gate import PUBLIC_PREFIX, SAFE_METHODS, Need
from doclife.dashboard.paging import write_cursor
from tests.dashboard.browsers import SAME_ORIGIN, Browser

FOR_READERS = frozenset(
    {
        "/organization",  # which organization one looks at, kept in one's own browser
        "/rules/preview",  # counts and shows; stores nothing
        "/rules/review",
        "/rules/look",
        "/api/v1/rules/-/preview",
        "/api/v1/rules/-/difference",
        "/notifications/{number}/read",  # what is addressed to oneself, and how much of it
        "/notifications/read",
        "/notifications/quiet",
        "/api/v1/notifications/read",
        "/api/v1/preferences",
    }
)
"""Writes to everybody who may read: they change nothing, or only what is one's own."""
WITHOUT_LOGIN = frozenset(
    {
        "/public/keep/{token}",
        "/public/unsubscribe/{token}",
        "/public/events/{provider}",
    }
)
"""The closed list of what needs no login: each is signed, and off until a public address is set."""


def routes(app: FastAPI) -> Iterator[APIRoute]:
    for route in app.routes:
        assert not isinstance(route, Mount), f"make {route.path} a route"
        assert isinstance(route, APIRoute), f"{route} is no route of FastAPI"
        yield route


APP = make_app()
ROUTES = list(routes(APP))
WITH_LOGIN = [route for route in ROUTES if not route.path.startswith(PUBLIC_PREFIX)]
REQUESTS = [(method, route.path) for route in WITH_LOGIN for method in sorted(route.methods)]
WRITES = [(method, path) for method, path in REQUESTS if method not in SAFE_METHODS]


def address(path: str) -> str:
    """Fill in the holes of a route's path."""
    return re.sub(r"\{[^}]+\}", "1", path)


def deeds_of(route: APIRoute) -> list[Deed]:
    """Return which rights a route asks for."""
    return [
        needed.dependency.deed
        for needed in route.dependencies
        if isinstance(needed.dependency, Need)
    ]


def test_strangers_are_refused_on_every_route(stranger: Browser) -> None:
    for method, path in REQUESTS:
        answer = stranger.request(method, address(path), headers=SAME_ORIGIN)
        assert answer.status_code == 401, (method, path)


def test_only_the_closed_list_needs_no_login() -> None:
    public = {route.path for route in ROUTES if route.path.startswith(PUBLIC_PREFIX)}
    assert public <= WITHOUT_LOGIN


def test_without_a_public_address_nothing_answers_without_a_login(stranger: Browser) -> None:
    for path in [*WITHOUT_LOGIN, "/public/x"]:
        assert stranger.get(address(path)).status_code == 404, path


@pytest.mark.parametrize("route", WITH_LOGIN, ids=lambda route: f"{route.methods} {route.path}")
def test_every_write_asks_for_a_right(route: BaseRoute) -> None:
    assert isinstance(route, APIRoute)
    if route.methods <= set(SAFE_METHODS):
        return
    deeds = deeds_of(route)
    assert deeds, f"give {route.path} dependencies=[needs(Deed....)]"
    readable = route.path in FOR_READERS
    assert (deeds == [Deed.READ]) == readable, f"{route.path} asks for {deeds}"


def test_viewers_cannot_write(vic: Browser) -> None:
    for route in WITH_LOGIN:
        if set(deeds_of(route)) <= {Deed.READ}:
            continue
        for method in route.methods:
            answer = vic.request(
                method,
                address(route.path),
                headers={**SAME_ORIGIN, "X-Doclife-Token": vic.form_token},
            )
            assert answer.status_code == 403, (method, route.path, answer.text[:500])


def test_what_other_sites_make_a_browser_send_is_refused(admin: Browser) -> None:
    for method, path in WRITES:
        for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = admin.request(
                method, address(path), headers={**headers, "X-Doclife-Token": admin.form_token}
            )
            assert answer.status_code == 403, (method, path, headers)


def test_without_the_token_of_a_page_nothing_is_written(admin: Browser, vic: Browser) -> None:
    for method, path in WRITES:
        for token in ({}, {"X-Doclife-Token": "x"}, {"X-Doclife-Token": vic.form_token}):
            answer = admin.request(method, address(path), headers={**SAME_ORIGIN, **token})
            assert answer.status_code == 403, (method, path, token)


def test_a_program_that_sends_its_own_credential_needs_no_token(admin: Browser) -> None:
    token = admin.cookies.pop("_token")
    answer = admin.request(
        "POST",
        "/halt",
        data={"reason": "by a program"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 303
    wrong = admin.request("POST", "/resume", headers={"Authorization": f"Bearer {token}x"})
    assert wrong.status_code == 403
    # Airflow itself adds the header where everybody is an administrator.
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        made = admin.request(
            "POST", "/resume", headers={"Authorization": f"Bearer {token}", **foreign}
        )
        assert made.status_code == 403, foreign


def test_every_answer_forbids_what_a_page_does_not_need(admin: Browser, stranger: Browser) -> None:
    for browser in (admin, stranger):
        for method, path in REQUESTS:
            answer = browser.request(method, address(path))
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy, (method, path)
            assert "default-src 'none'" in policy or policy == "sandbox", (method, path)
            assert answer.headers["x-content-type-options"] == "nosniff", (method, path)
            if "/static/" not in path:
                assert answer.headers["cache-control"] == "no-store", (method, path)


def test_no_page_says_500_to_an_address_that_leads_nowhere(admin: Browser) -> None:
    for method, path in REQUESTS:
        if method == "GET":
            answer = admin.get(address(path))
            assert answer.status_code < 500, (path, answer.text[:2000])
            assert "style=" not in answer.text, path
            assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=", answer.text), path


def test_what_no_column_can_hold_is_refused_without_a_500(admin: Browser) -> None:
    cursor = write_cursor(True)
    for address in (
        "/dags/%00",
        "/rules?mode=%00",
        "/overdue?rule=%00",
        "/history?mode=%00",
        "/notifications?type=%00",
        "/reports/99999999999999999999999",
        *(f"/{page}?cursor={cursor}" for page in ("history", "jobs", "notifications", "reports")),
    ):
        assert admin.get(address).status_code == 422, address
    assert admin.post("/halt", reason="\x00").status_code == 422


def test_nothing_is_changed_by_reading(admin: Browser) -> None:
    """GET is safe: HEAD and prefetching browsers may send it at any time."""
    for route in WITH_LOGIN:
        if "GET" in route.methods:
            assert route.methods <= set(SAFE_METHODS), route.path
