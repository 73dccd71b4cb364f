"""``/erasure-requests`` of the JSON API: what the pages do, for programs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import value
from tests.dashboard.test_erasure_pages import PERSON, Asked, asked, carry_out, hold, papers
from tests.lifecycle.conftest import World

__all__ = ["asked", "papers"]

KEY = {"Idempotency-Key": "8e03978e"}
BODY = {"person": PERSON, "fields": ["employee"]}


def test_a_request_is_previewed_made_shown_and_closed(
    world: World, olga: Browser, papers: dict[str, int], asked: Asked
) -> None:
    hold(olga, papers["held"])
    seen = olga.api("POST", "/erasure-requests/-/preview?limit=2", json=BODY).json()
    assert (seen["documents"], seen["to_do"], seen["earlier"]) == (3, 2, None)
    rest = olga.api(
        "POST", f"/erasure-requests/-/preview?limit=2&cursor={seen['next_cursor']}", json=BODY
    ).json()
    ids = [one["document_id"] for one in seen["items"] + rest["items"]]
    assert ids == sorted([papers["one"], papers["held"], papers["named"]])
    assert value(world.conn, "SELECT count(*) FROM erasure_requests") == 0

    made = olga.api("POST", "/erasure-requests", json=BODY)
    assert made.status_code == 201, made.text
    number, plan_id = made.json()["request"]["request_id"], made.json()["plan_id"]
    assert made.json()["plan_state"] == "needs_approval"
    assert made.json()["message"] == f"Plan {plan_id} waits for somebody else's approval."
    assert [path for path, _ in asked] == ["/api/v2/dags/review_plan/dagRuns"]
    [listed] = olga.api("GET", "/erasure-requests").json()["items"]
    assert (listed["request_id"], listed["person"]) == (number, PERSON)
    assert olga.api("POST", "/erasure-requests", json=BODY).status_code == 409
    assert olga.api("POST", f"/erasure-requests/{number}/close").status_code == 409

    carry_out(world, plan_id)
    shown = olga.api("GET", f"/erasure-requests/{number}").json()
    assert (shown["plan_state"], shown["remaining"]) == ("applied", 1)
    assert {one["reason_code"] for one in shown["outcomes"]} == {None, "held"}

    closed = olga.api("POST", f"/erasure-requests/{number}/close").json()
    assert closed["request"]["person"] is None
    assert (closed["request"]["erased_count"], closed["request"]["kept_count"]) == (2, 1)
    assert olga.api("GET", "/erasure-requests").json()["items"] == []
    [gone] = olga.api("GET", "/erasure-requests?state=closed").json()["items"]
    assert gone["request_id"] == number
    assert olga.api("POST", f"/erasure-requests/{number}/plan").status_code == 409


def test_readers_are_not_told_whom_a_request_is_about_and_make_none(
    olga: Browser, vic: Browser, papers: dict[str, int], asked: Asked
) -> None:
    olga.api("POST", "/erasure-requests", json=BODY)

    for path in ("/erasure-requests", "/erasure-requests/1"):
        answer = vic.api("GET", path)
        assert answer.status_code == 200
        assert PERSON.lower() not in answer.text.lower()
        assert "employee" not in answer.text
    for path, body in (
        ("/erasure-requests", BODY),
        ("/erasure-requests/-/preview", BODY),
        ("/erasure-requests/1/plan", None),
        ("/erasure-requests/1/close", None),
    ):
        assert vic.api("POST", path, json=body).status_code == 403, path


def test_a_request_that_is_sent_again_is_made_once_and_no_kept_answer_names_the_person(
    world: World, olga: Browser, papers: dict[str, int], asked: Asked
) -> None:
    first = olga.api("POST", "/erasure-requests", json=BODY, **KEY)
    again = olga.api("POST", "/erasure-requests", json=BODY, **KEY)

    assert again.headers["idempotent-replayed"] == "true"
    assert first.json() == again.json()
    assert value(world.conn, "SELECT count(*) FROM erasure_requests") == 1
    kept: bytes = value(world.conn, "SELECT body FROM idempotency_keys")
    assert PERSON.lower().encode() not in kept.lower()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"person": " "},
        {"person": "a", "due_on": "2020-01-01"},
        {"person": "a", "fields": ["shoe size"]},
        {"person": "a\x00"},
        {"person": "a", "unknown": 1},
    ],
)
def test_what_cannot_be_a_request_is_refused(
    world: World, olga: Browser, body: dict[str, Any]
) -> None:
    for path in ("/erasure-requests", "/erasure-requests/-/preview"):
        answer = olga.api("POST", path, json=body)
        assert (answer.status_code, answer.json()["status"]) == (422, 422), answer.text
    assert value(world.conn, "SELECT count(*) FROM erasure_requests") == 0
    assert olga.api("GET", "/erasure-requests/1").status_code == 404
