"""Erasure requests on their pages: who asks, what it hits, who approves, what is answered."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest

from doclife.lifecycle.settling import settle
from doclife.store.connection import Connection
from tests.dashboard.browsers import Browser, words
from tests.dashboard.conftest import People, value
from tests.lifecycle.conftest import ACTOR, World

PERSON = "Quokka.Lindqvist@example.org"
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}'
Asked = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What Airflow is asked to run; the calls themselves are tested in test_airflow_on_behalf."""
    found: Asked = []
    monkeypatch.setattr(
        "doclife.dashboard.airflow_api.call",
        lambda _here, _method, path, content=None: found.append((path, content)) or {},
    )
    return found


@pytest.fixture
def papers(world: World) -> dict[str, int]:
    """Three of a person, one of them held, and one of somebody else."""
    world.now = value(world.conn, "SELECT now()")
    world.conn.execute(
        "INSERT INTO metadata_fields (organization_id, name, type) VALUES (1, 'employee', 'text')"
    )
    return {
        "one": world.add_document("one", title="Contract of one", owner=PERSON.lower()),
        "held": world.add_document("held", title="Letter held", owner=PERSON.lower()),
        "named": world.add_document(
            "named", title="Payslip", owner="hr", metadata={"employee": PERSON}
        ),
        "other": world.add_document("other", title="Somebody's", owner="somebody@example.org"),
    }


def hold(olga: Browser, document: int) -> None:
    assert olga.post(f"/documents/{document}/hold", matter="Kestrel", reason="a claim").is_redirect


def make(olga: Browser, **fields: Any) -> int:
    answer = olga.post("/erasure", person=PERSON, **fields)
    assert answer.status_code == 303, words(answer.text)
    found = re.search(r"/erasure/(\d+)$", answer.headers["location"])
    assert found is not None
    return int(found[1])


def approve(conn: Connection, plan_id: int) -> None:
    conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by) VALUES (%s, 'approve', %s)",
        (plan_id, "user:boss"),
    )
    conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan_id,))


def carry_out(world: World, plan_id: int) -> None:
    """Do what the runs do that Airflow starts after the approval."""
    approve(world.conn, plan_id)
    world.apply(plan_id)
    settle(
        world.conn,
        stores=world.stores,
        now=lambda: world.now,
        dag_id="run_rule",
        run_id="settle",
        actor=ACTOR,
    )


def test_a_request_is_previewed_made_approved_carried_out_and_closed(
    world: World, olga: Browser, papers: dict[str, int], asked: Asked
) -> None:
    assert "Nobody waits for an answer" in olga.text("/erasure")
    hold(olga, papers["held"])
    looked = olga.post("/erasure/-/preview", person=PERSON.upper(), field="employee")

    shown = words(looked.text)
    assert "2 of 3 would be destroyed" in shown
    assert "Under legal hold" in shown
    assert "Payslip" in shown
    assert "Somebody's" not in shown
    assert value(world.conn, "SELECT count(*) FROM plans") == 0
    assert value(world.conn, "SELECT count(*) FROM erasure_requests") == 0

    number = make(olga, field="employee")
    plan_id = value(world.conn, "SELECT plan_id FROM erasure_requests")
    assert asked == [
        (
            "/api/v2/dags/review_plan/dagRuns",
            {
                "dag_run_id": f"plan-{plan_id}-stage-1",
                "logical_date": None,
                "conf": {"plan_id": plan_id, "stage": 1, "attempt": 0},
            },
        )
    ]
    page = olga.text(f"/erasure/{number}")
    assert "2 wait for somebody else's approval" in page
    assert "You cannot approve it" in page
    assert "Approve 2" not in page
    assert value(world.conn, "SELECT requested_by FROM erasure_requests") == "user:olga"
    assert "is open" in words(olga.post(f"/erasure/{number}/close").text)

    carry_out(world, plan_id)

    page = olga.text(f"/erasure/{number}")
    assert "It is carried out; 1 document is left." in page
    assert "Under legal hold" in page
    assert world.status(papers["one"]) == world.status(papers["named"]) == "purged"
    assert world.status(papers["held"]) == "active"
    assert "1 of their documents is left, and stays." in olga.text(f"/erasure/{number}/close")

    shown = olga.follow(olga.post(f"/erasure/{number}/close"))

    assert "2 destroyed, 1 kept." in shown
    assert "names nobody any more" in shown
    assert PERSON.lower() not in shown.lower()
    assert f"Request {number}" in olga.text("/erasure?state=closed")
    assert value(world.conn, "SELECT actor FROM audit_entries WHERE action = 'erasure.closed'") == (
        "user:olga"
    )


def test_somebody_else_who_may_approve_is_shown_the_button(
    olga: Browser, people: People, papers: dict[str, int], asked: Asked
) -> None:
    number = make(olga)

    assert "Approve 2" in people("bob").text(f"/erasure/{number}")


def test_only_those_who_make_or_approve_requests_see_the_person(
    olga: Browser, vic: Browser, papers: dict[str, int], asked: Asked
) -> None:
    number = make(olga, field="employee")

    for path in ("/erasure", f"/erasure/{number}", "/"):
        assert PERSON.lower() not in vic.get(path).text.lower(), path
    assert PERSON in olga.get("/erasure").text
    assert PERSON in olga.get(f"/erasure/{number}").text
    page = vic.get(f"/erasure/{number}").text
    assert "shown to those who make or approve requests" in page
    assert "Look again" not in page
    assert "employee" not in page
    assert "New request" not in vic.text("/erasure")
    for method, path in (
        ("GET", "/erasure/-/new"),
        ("POST", "/erasure"),
        ("POST", "/erasure/-/preview"),
        ("POST", f"/erasure/{number}/plan"),
        ("POST", f"/erasure/{number}/close"),
    ):
        answer = vic.get(path) if method == "GET" else vic.post(path, person="x")
        assert answer.status_code == 403, path


def test_open_requests_come_by_deadline_and_late_ones_are_said_on_the_overview(
    world: World, olga: Browser, papers: dict[str, int], asked: Asked
) -> None:
    today: date = value(world.conn, "SELECT current_date")
    for person, due in (("later", 20), ("soon", 5), ("latest", 30)):
        due_on = (today + timedelta(days=due)).isoformat()
        assert olga.post("/erasure", person=person, due_on=due_on).status_code == 303
    world.conn.execute("UPDATE erasure_requests SET due_on = current_date - 1 WHERE id = 3")

    shown = olga.text("/erasure")
    assert shown.index("latest") < shown.index("soon") < shown.index("later")
    assert "yesterday late" in shown
    overview = olga.text("/")
    assert "Erasure request 3 is late" in overview
    assert "Erasure request 2 must be answered soon" in overview
    assert "Erasure request 1" not in overview
    assert "latest" not in overview


def test_pages_of_requests_go_on_where_the_one_before_ended(
    world: World, olga: Browser, papers: dict[str, int]
) -> None:
    world.conn.execute(
        "INSERT INTO erasure_requests (organization_id, person, person_key, due_on, requested_by,"
        " requested_at) SELECT 1, 'p' || n, n::text, current_date + n % 3, 'user:olga', now()"
        " FROM generate_series(1, 60) AS n"
    )
    seen: list[int] = []
    path = "/erasure"
    for _ in range(2):
        text = olga.get(path).text
        seen += [int(number) for number in re.findall(r">Request (\d+)<", text)]
        following = re.search(r'rel="next" href="/doclife([^"]+)"', text)
        if following:
            path = following[1].replace("&amp;", "&")

    assert following is None
    expected = "SELECT array_agg(id ORDER BY due_on, id) FROM erasure_requests"
    assert seen == value(world.conn, expected)


def test_a_request_for_whom_nothing_names_says_so_and_can_be_kept_on_record(
    olga: Browser, papers: dict[str, int], asked: Asked
) -> None:
    assert "No document names this person." in words(
        olga.post("/erasure/-/preview", person="nobody@example.org").text
    )
    answer = olga.post("/erasure", person="nobody@example.org")

    page = olga.follow(answer)

    assert "Tell them so, then close the request." in page
    assert asked == []


def test_what_cannot_be_a_request_is_said_beside_what_was_typed(
    olga: Browser, papers: dict[str, int], asked: Asked
) -> None:
    make(olga)
    twice = olga.post("/erasure", person=PERSON)
    assert (twice.status_code, "has request 1, which is open" in words(twice.text)) == (409, True)
    assert PERSON in twice.text
    for path in ("/erasure", "/erasure/-/preview"):
        for fields, said in (
            ({"person": "  "}, "names a person"),
            ({"person": "a", "due_on": "2020-01-01"}, "cannot be due"),
            ({"person": "a", "due_on": "soon"}, "is no date"),
            ({"person": "a", "field": "shoe size"}, "is not declared"),
            ({"person": "a\x00"}, "NUL"),
        ):
            answer = olga.post(path, **fields)
            assert answer.status_code == 422, (path, fields)
            assert said in words(answer.text), (path, fields)
    assert olga.get("/erasure/99").status_code == 404
    assert olga.post("/erasure/99/plan").status_code == 404
    assert olga.get("/erasure?cursor=WzEsMl0").status_code == 422


def test_documents_that_came_since_are_found_by_looking_again(
    world: World, olga: Browser, papers: dict[str, int], asked: Asked
) -> None:
    number = make(olga)
    world.conn.execute("UPDATE plans SET state = 'superseded'")
    world.conn.execute(
        "UPDATE plan_items SET state = 'skipped', reason_code = 'superseded', finished_at = now()"
    )
    assert "was not carried out: it is superseded" in olga.text(f"/erasure/{number}")
    world.add_document("new", owner=PERSON)

    shown = olga.follow(olga.post(f"/erasure/{number}/plan"))

    assert "3 wait for somebody else's approval" in shown
    assert len(asked) == 2


def test_hostile_names_are_text(world: World, olga: Browser, asked: Asked) -> None:
    world.now = value(world.conn, "SELECT now()")
    world.add_document("x", title=HOSTILE, owner=HOSTILE)
    looked = olga.post("/erasure/-/preview", person=HOSTILE)
    made = olga.post("/erasure", person=HOSTILE)

    assert made.status_code == 303
    for page in (looked, olga.get("/erasure"), olga.get("/erasure/1")):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "49" not in words(page.text)
