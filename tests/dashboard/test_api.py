"""``/api/v1``: documents, jobs and what else the pages can do, for programs."""

from __future__ import annotations

import json

import pytest
from fastapi.routing import APIRoute

from doclife.dashboard.app import make_app
from doclife.lifecycle.forecasting import rebuild_dispositions
from tests.dashboard.browsers import SAME_ORIGIN, Browser
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import World, days_ago

APP = make_app()
DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
AGED = {"for": "30d", "after": "created_on"}
WHY = {"reason": "asked by legal"}


@pytest.fixture(autouse=True)
def _now(world: World) -> None:
    world.now = value(world.conn, "SELECT now()")


@pytest.fixture
def draft(world: World) -> int:
    world.enforce("drafts", when=DRAFTS, retain=AGED, actions=[{"do": "DELETE"}])
    return world.add_document("d-1", document_type="draft", created_on=days_ago(3000))


# ---------------------------------------------------------------------------------- documents


def test_documents_are_listed_by_filter_and_cursor(world: World, vic: Browser) -> None:
    for number in range(3):
        world.add_document(f"d-{number}", tags=["temp"])
    world.add_document("other")

    first = vic.api("GET", "/documents?tag=temp&limit=2").json()
    rest = vic.api("GET", f"/documents?tag=temp&limit=2&cursor={first['next_cursor']}").json()

    found = [one["external_id"] for one in first["items"] + rest["items"]]
    assert found == ["d-0", "d-1", "d-2"]
    assert rest["next_cursor"] is None
    assert vic.api("GET", "/documents?held=true").json()["items"] == []


def test_a_document_says_what_is_known_and_why_it_is_here(draft: int, vic: Browser) -> None:
    shown = vic.api("GET", f"/documents/{draft}").json()
    assert (shown["facts"]["external_id"], shown["facts"]["status"]) == ("d-1", "active")

    today = vic.api("GET", f"/documents/{draft}/explain").json()
    ahead = vic.api("GET", f"/documents/{draft}/explain?as_of=2099-01-01").json()

    assert today["rules"][0]["name"] == "drafts"
    assert today["rules"][0]["is_met"] is True
    assert (ahead["today"], ahead["is_ahead"]) == ("2099-01-01", True)


def test_a_document_is_held_and_released(world: World, draft: int, olga: Browser) -> None:
    matter = {"matter": "case-7", **WHY}

    assert olga.api("POST", f"/documents/{draft}/hold", json=matter).json()["held"] == 1
    assert olga.api("POST", f"/documents/{draft}/hold", json=matter).json()["already"] == 1
    assert olga.api("GET", "/documents?held=true").json()["items"][0]["document_id"] == draft
    gone = olga.api("POST", f"/documents/{draft}/release", json=matter)
    assert gone.json() == {"released": 1}
    unknown = olga.api("POST", f"/documents/{draft}/release", json={"matter": "none", **WHY})
    assert unknown.status_code == 422
    actors = world.conn.execute(
        "SELECT DISTINCT actor FROM audit_entries WHERE document_id = %s", (draft,)
    ).fetchall()
    assert actors == [("user:olga",)]


def test_a_document_comes_back_out_of_the_trash(world: World, draft: int, olga: Browser) -> None:
    world.night()
    assert olga.api("GET", f"/documents/{draft}").json()["facts"]["status"] == "deleted"

    assert olga.api("POST", f"/documents/{draft}/restore", json=WHY).json()["undone"] == 1
    assert olga.api("POST", f"/documents/{draft}/restore", json=WHY).json()["undone"] == 0
    assert olga.api("POST", f"/documents/{draft}/restore", json={"reason": " "}).status_code == 422
    assert value(world.conn, "SELECT status FROM documents") == "active"


# -------------------------------------------------------------------------------- description


def test_openapi_describes_every_route_and_its_problems(vic: Browser, stranger: Browser) -> None:
    described = vic.api("GET", "/openapi.json").json()

    assert (described["info"]["title"], described["info"]["version"]) == ("doclife", "1")
    assert described["servers"] == [{"url": "/doclife"}]
    routes = {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    }
    assert routes == {
        (method, route.path)
        for route in APP.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods
    }
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert "application/problem+json" in operation["responses"]["422"]["content"], path
            assert operation["description"], (method, path)
    assert stranger.get("/api/v1/openapi.json").status_code == 401


def test_the_routes_are_listed_for_people_too(vic: Browser) -> None:
    words = vic.text("/api/v1/docs")

    assert "POST /api/v1/documents/{document_id}/hold Put a document under a legal hold. run" in (
        words
    )


# ------------------------------------------------------------------------------ jobs and events

MAIL = {"kind": "email", "payload": {"to": "a@example.org", "subject": "Hello", "text": "You"}}


def test_a_job_is_stored_shown_cancelled_and_retried(world: World, olga: Browser) -> None:
    stored = olga.api("POST", "/jobs", json={**MAIL, "unique_key": "hello"})
    again = olga.api("POST", "/jobs", json={**MAIL, "unique_key": "hello"})
    job = stored.json()["job_id"]

    assert (stored.status_code, again.json()) == (201, {"job_id": job})
    shown = olga.api("GET", f"/jobs/{job}").json()
    assert (shown["job"]["requested_by"], shown["payload"]["subject"]) == ("user:olga", "Hello")
    assert [one["job_id"] for one in olga.api("GET", "/jobs?kind=email").json()["items"]] == [job]
    assert olga.api("GET", "/jobs/-/stats").json()["items"][0]["jobs"] == 1

    assert olga.api("POST", f"/jobs/{job}/cancel", json=WHY).status_code == 204
    assert olga.api("POST", f"/jobs/{job}/cancel", json=WHY).status_code == 409
    assert olga.api("POST", f"/jobs/{job}/retry", json=WHY).json() == {"retried": True}
    assert olga.api("POST", f"/jobs/{job}/retry", json=WHY).json() == {"retried": False}
    actions = world.conn.execute(
        "SELECT action FROM audit_entries WHERE actor = 'user:olga' AND starts_with(action, 'job.')"
        " ORDER BY id"
    ).fetchall()
    assert [action for (action,) in actions] == [
        "job.added", "job.added", "job.cancelled", "job.retried",
    ]  # fmt: skip


def test_a_job_that_makes_no_sense_is_refused(world: World, olga: Browser) -> None:
    for body in (
        {"kind": "pigeon", "payload": {}},
        {"kind": "email", "payload": {"to": "nobody"}},
        {**MAIL, "run_at": "2027-01-31T03:00:00"},
        {**MAIL, "priority": 10**6},
        {"kind": "notification", "payload": {"recipient": "a", "title": "\x00", "body": "b"}},
        {"kind": "notification", "payload": {"recipient": "a", "title": "\ud800", "body": "b"}},
    ):
        answer = olga.request(
            "POST",
            "/api/v1/jobs",
            content=json.dumps(body),
            headers={
                **SAME_ORIGIN,
                "X-Doclife-Token": olga.form_token,
                "Content-Type": "application/json",
            },
        )
        assert answer.status_code == 422, (body, answer.text)
    assert value(world.conn, "SELECT count(*) FROM jobs") == 0


def test_an_event_is_told_as_an_application_tells_it(
    world: World, draft: int, olga: Browser
) -> None:
    event = {"type": "case.closed", "external_id": "d-1", "occurred_on": "2026-01-31"}

    made = olga.api("POST", "/events", json=event)

    assert made.status_code == 201
    told = olga.api("GET", f"/documents/{draft}").json()["events"]
    assert [(one["id"], one["type"]) for one in told] == [(made.json()["event_id"], "case.closed")]
    assert value(world.conn, "SELECT actor FROM audit_entries WHERE action = 'event.emitted'") == (
        "user:olga"
    )
    for wrong in ({"type": "x"}, {"type": "document.archived"}, {"external_id": "none"}):
        assert olga.api("POST", "/events", json=event | wrong).status_code == 422, wrong


# -------------------------------------------------------- forecast, overdue and notifications


def test_the_forecast_and_what_is_overdue_are_told(world: World, draft: int, vic: Browser) -> None:
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)

    ahead = vic.api("GET", "/forecast?months=3").json()
    assert len(ahead["months"]) == 3
    assert {(one["action"], one["bucket"]) for one in ahead["counts"]} >= {("DELETE", "overdue")}
    assert vic.api("GET", "/overdue").json()["groups"][0]["documents"] == 1
    page = vic.api("GET", "/overdue/documents?limit=1").json()
    assert [one["document_id"] for one in page["items"]] == [draft]
    rest = vic.api("GET", f"/overdue/documents?limit=1&cursor={page['next_cursor']}").json()
    assert rest["items"] == []


def test_notifications_are_listed_and_marked_read(world: World, vic: Browser, bob: Browser) -> None:
    for name in ("vic", "vic", "bob"):
        world.conn.execute(
            "INSERT INTO notifications (organization_id, recipient, type, title, body) "
            "VALUES (%s, %s, 'expiry-warning', 'Soon', 'It goes.')",
            (value(world.conn, "SELECT id FROM organizations"), name),
        )
    found = vic.api("GET", "/notifications?unread=true").json()["items"]
    assert [one["recipient"] for one in found] == ["vic", "vic"]

    first = found[0]["id"]
    assert vic.api("POST", "/notifications/read", json={"ids": [first]}).json() == {"read": [first]}
    assert bob.api("POST", "/notifications/read", json={"ids": [first]}).json() == {"read": []}
    assert len(vic.api("POST", "/notifications/read", json={}).json()["read"]) == 1
    assert vic.api("GET", "/notifications?unread=true").json()["items"] == []
    assert len(bob.api("GET", "/notifications?unread=true").json()["items"]) == 1
