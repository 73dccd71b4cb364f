"""``/api/v1``: documents, jobs and what else the pages can do, for programs."""

from __future__ import annotations

import pytest

from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import World, days_ago

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
