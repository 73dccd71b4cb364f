"""``/erasure-requests`` of the JSON API: what the pages do, for programs."""

from __future__ import annotations

from typing import Any

import pytest

from doclife.lifecycle.repeating import Once
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


def test_a_request_that_is_sent_again_after_a_crash_goes_on(
    world: World, olga: Browser, papers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: object) -> None:
        raise RuntimeError("the process ends here")

    asked: Asked = []
    with monkeypatch.context() as crash:
        crash.setattr(Once, "give_up", lambda once: once._leave())  # a dead process frees no key
        crash.setattr("doclife.dashboard.airflow_api.call", die)
        assert olga.api("POST", "/erasure-requests", json=BODY, **KEY).status_code == 500
    monkeypatch.setattr(
        "doclife.dashboard.airflow_api.call",
        lambda _here, _method, path, content=None: asked.append((path, content)) or {},
    )
    begun = (
        "SELECT count(*) FROM idempotency_keys WHERE request_digest IS NOT NULL AND status IS NULL"
    )
    assert value(world.conn, begun) == 1
    other = olga.api("POST", "/erasure-requests", json={"person": "somebody"}, **KEY)

    again = olga.api("POST", "/erasure-requests", json=BODY, **KEY)

    assert other.status_code == 422
    assert again.status_code == 201, again.text
    assert again.json()["plan_id"] == value(world.conn, "SELECT plan_id FROM erasure_requests")
    assert [path for path, _ in asked] == ["/api/v2/dags/review_plan/dagRuns"]
    assert value(world.conn, "SELECT count(*) FROM erasure_requests") == 1
    assert value(world.conn, "SELECT count(*) FROM plans") == 1
    unkeyed = olga.api("POST", "/erasure-requests", json=BODY)
    assert unkeyed.status_code == 409


def test_a_crash_while_it_is_planned_leaves_no_request(
    world: World, olga: Browser, papers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(
            "doclife.lifecycle.erasure_requests.plan_erasure",
            lambda *_arguments, **_named: 1 // 0,
        )
        assert olga.api("POST", "/erasure-requests", json=BODY, **KEY).status_code == 500

    assert value(world.conn, "SELECT count(*) FROM erasure_requests") == 0


def test_nothing_that_a_preview_names_is_kept_with_its_key(
    world: World, olga: Browser, papers: dict[str, int]
) -> None:
    batch = {"deed": "delete", "documents": [papers["one"]]}
    for path, body in (("/erasure-requests/-/preview", BODY), ("/batches/preview", batch)):
        seen = olga.api("POST", path, json=body, **KEY)
        assert seen.status_code == 200, seen.text
        assert "Contract of one" in seen.text

    assert value(world.conn, "SELECT count(*) FROM idempotency_keys") == 0


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
