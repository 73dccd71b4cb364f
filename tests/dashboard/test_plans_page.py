"""A plan's page, and ``/api/v1/plans``: what it did, why, and how it is taken back."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import World

TEMP: dict[str, Any] = {
    "when": {"field": "tags", "op": "has_any", "value": ["temp"]},
    "actions": [{"do": "DELETE"}],
}
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture(autouse=True)
def _now(world: World) -> None:
    world.now = value(world.conn, "SELECT now()")


def applied(world: World, *, documents: int = 2, **columns: Any) -> tuple[int, list[int]]:
    """A plan that put documents into the trash, and left one alone that was too new."""
    ids = [world.add_document(f"d{at}", tags=["temp"], **columns) for at in range(documents)]
    world.add_document("new", tags=["temp"], registered_at=world.now)
    world.enforce("temp", **TEMP)
    (summary,) = world.plan()
    world.apply(summary.plan_id)
    return summary.plan_id, ids


def test_the_page_says_what_was_done_what_was_left_alone_and_why(
    world: World, vic: Browser
) -> None:
    plan_id, _ = applied(world, title=HOSTILE)

    page = vic.get(f"/plans/{plan_id}").text
    shown = vic.text(f"/plans/{plan_id}")

    assert "2 of 2 done" in shown
    assert "Cooling off: new, or changed days ago" in shown
    assert "Asked for by schedule" in shown
    assert "<script>alert" not in page
    assert HOSTILE in unescape(page)
    assert "Undo" not in shown
    assert vic.get(f"/plans/{plan_id}/undo").status_code == 403
    assert "d0" not in vic.text(f"/plans/{plan_id}?state=skipped")


def test_a_plan_in_grace_is_undone_with_a_question_first(world: World, olga: Browser) -> None:
    plan_id, ids = applied(world)
    asked = olga.text(f"/plans/{plan_id}/undo")
    assert "2 documents come back" in asked
    assert [world.status(each) for each in ids] == ["deleted", "deleted"]

    answer = olga.post(f"/plans/{plan_id}/undo")

    assert f"Plan {plan_id}: 2 brought back." in olga.follow(answer)
    assert [world.status(each) for each in ids] == ["active", "active"]
    assert value(world.conn, "SELECT undone_by FROM plans WHERE id = %s", plan_id) == "user:olga"


def test_a_simulation_has_nothing_to_undo(world: World, olga: Browser) -> None:
    world.add_document("a", tags=["temp"])
    world.enforce("temp", **TEMP, mode="simulate")
    (summary,) = world.plan()

    assert "A simulation: 1 would be done" in olga.text(f"/plans/{summary.plan_id}")
    assert olga.post(f"/plans/{summary.plan_id}/undo").status_code == 409


def test_a_plan_whose_list_was_pruned_says_so(world: World, olga: Browser) -> None:
    plan_id, _ = applied(world)
    assert "taken off the lists" not in olga.text(f"/plans/{plan_id}")

    world.conn.execute("UPDATE plans SET items_pruned_at = '2026-03-04' WHERE id = %s", [plan_id])

    assert "taken off the lists below 2026-03-04" in olga.text(f"/plans/{plan_id}")
    shown = olga.get(f"/api/v1/plans/{plan_id}").json()
    assert shown["items_pruned_at"].startswith("2026-03-0")


def test_a_plan_that_waits_asks_whoever_may_answer(
    world: World, olga: Browser, vic: Browser
) -> None:
    world.add_document("a", tags=["temp"])
    world.enforce("temp", **TEMP, review={"stages": ["records"]})
    (summary,) = world.plan()

    shown = olga.text(f"/plans/{summary.plan_id}")

    assert "1 wait for a person" in shown
    assert "Stage 1: does somebody agree?" in shown
    assert "Approve 1" in shown
    assert "Approve 1" not in vic.text(f"/plans/{summary.plan_id}")


def test_the_author_of_a_rule_is_told_why_they_cannot_approve(world: World, people: Any) -> None:
    world.add_document("a", tags=["temp"])
    world.enforce("temp", **TEMP, review={"stages": ["records"]})
    (summary,) = world.plan()
    author = people("author", "OP")

    shown = author.text(f"/plans/{summary.plan_id}")

    assert "You cannot approve it" in shown
    assert "Approve 1" not in shown
    assert "Reject the plan" in shown


def test_a_plan_of_another_organization_is_not_there(world: World, olga: Browser) -> None:
    plan_id, _ = applied(world)
    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")

    assert olga.get(f"/plans/{plan_id}?organization=other").status_code == 404
    assert olga.get("/plans/12345").status_code == 404


def test_progress_is_a_part_that_says_when_it_is_over(world: World, vic: Browser) -> None:
    plan_id, _ = applied(world)

    assert "data-done" in vic.get(f"/plans/{plan_id}/progress").text


def test_programs_list_show_and_undo_plans(world: World, olga: Browser) -> None:
    plan_id, ids = applied(world, documents=12)

    (listed,) = olga.api("GET", "/plans").json()["items"]
    assert (listed["plan_id"], listed["done_count"]) == (plan_id, 12)
    shown = olga.api("GET", f"/plans/{plan_id}").json()
    assert {(one["state"], one["documents"]) for one in shown["counts"]} == {
        ("done", 12), ("skipped", 1),
    }  # fmt: skip
    first = olga.api("GET", f"/plans/{plan_id}/items?limit=10").json()
    rest = olga.api("GET", f"/plans/{plan_id}/items?limit=10&cursor={first['next_cursor']}").json()
    assert len(first["items"]) + len(rest["items"]) == 13
    done = olga.api("POST", f"/plans/{plan_id}/undo").json()
    assert (done["outcome"]["undone"], done["is_whole"]) == (12, True)
    assert world.status(ids[0]) == "active"


def test_what_waits_for_nobody_cannot_be_answered(
    world: World, olga: Browser, vic: Browser
) -> None:
    plan_id, _ = applied(world)

    answer = olga.api("POST", f"/plans/{plan_id}/approve", json={})
    assert answer.status_code == 409
    assert "waits for nobody" in answer.json()["detail"]
    for deed in ("approve", "reject", "undo"):
        assert vic.api("POST", f"/plans/{plan_id}/{deed}", json={}).status_code == 403


def test_what_was_planned_stands_beside_what_was_done_and_is_sent_as_a_file(
    world: World, vic: Browser
) -> None:
    plan_id, _ = applied(world, title="=1+1")

    shown = vic.text(f"/plans/{plan_id}")
    sent = vic.get(f"/plans/{plan_id}/export")
    some = vic.get(f"/plans/{plan_id}/export?state=skipped")

    assert "Planned and done" in shown
    assert "Left alone Failed Taken back Still to do DELETE 3 2 1 0 0 0" in shown
    assert sent.headers["content-type"].startswith("text/csv")
    assert f"doclife-plan-{plan_id}.csv" in sent.headers["content-disposition"]
    assert sent.text.count("\r\n") == 4
    assert ",'=1+1,DELETE,done," in sent.text
    assert some.text.count("\r\n") == 2


def test_what_failed_says_when_it_is_tried_again(world: World, olga: Browser, vic: Browser) -> None:
    world.add_document("gone", tags=["temp"])
    world.enforce("temp", when=TEMP["when"], actions=[{"do": "ARCHIVE"}])
    world.file("gone").write_bytes(b"other bytes")
    (summary,) = world.plan()
    world.apply(summary.plan_id)

    page = olga.get(f"/plans/{summary.plan_id}").text

    assert "What failed is tried again when the rule runs next." in page
    assert "rules/temp/run" in page
    assert "rules/temp/run" not in vic.get(f"/plans/{summary.plan_id}").text
