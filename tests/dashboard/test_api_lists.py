"""Lists of the JSON API: page by page, by what is looked for, and what only pages showed before."""

from __future__ import annotations

from threading import Lock
from urllib.parse import quote

import pytest

from doclife.lifecycle import import_running
from doclife.store import organizations
from tests.dashboard.conftest import value

pytestmark = pytest.mark.usefixtures("world")
WHY = {"reason": "asked by legal"}


def walk(somebody, path):
    """Return what each page of a list shows, one row at a time."""
    items, cursor = [], ""
    while True:
        answer = somebody.api("GET", f"{path}{'&' if '?' in path else '?'}limit=1&cursor={cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) == 1
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = page["next_cursor"]


def test_endpoints_are_listed_page_by_page(conn, vic):
    conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " SELECT min(id), unnest(ARRAY['crm', 'erp', 'archive']), 'https://93.184.216.34/in',"
        " 'user:olga' FROM organizations"
    )

    found = walk(vic, "/endpoints")

    assert [one["name"] for one in found] == ["archive", "crm", "erp"]
    assert found == vic.api("GET", "/endpoints").json()["items"]


def test_schedules_are_listed_page_by_page(olga, vic):
    for name in ("b", "c", "a"):
        body = {
            "name": name, "cron": "0 8 * * mon", "kind": "email",
            "payload": {"to": "a@example.org", "subject": "Monday", "text": "It is."},
        }  # fmt: skip
        assert olga.api("POST", "/schedules", json=body).status_code == 201

    found = walk(vic, "/schedules")

    assert [one["name"] for one in found] == ["a", "b", "c"]
    assert found == vic.api("GET", "/schedules").json()["items"]


def test_a_matter_is_listed_with_its_documents_page_by_page(world, olga, vic):
    name = 'Case 4/7: "Smith"'
    for external_id in ("d-1", "d-2"):
        body = {"matter": name, **WHY}
        number = world.add_document(external_id)
        assert olga.api("POST", f"/documents/{number}/hold", json=body).status_code == 200

    (listed,) = vic.api("GET", "/matters").json()["items"]
    at = f"/matters/-/documents?name={quote(name)}"

    assert (listed["name"], listed["held"]) == (name, 2)
    assert [one["external_id"] for one in walk(vic, at)] == ["d-1", "d-2"]
    assert vic.api("GET", at).json()["matter"] == listed
    assert vic.api("GET", "/matters/-/documents?name=other").status_code == 404


def test_imports_are_listed_while_they_run_and_after(world, conn, vic):
    tenant = organizations.find(conn, "default")
    with import_running.running(
        conn, tenant=tenant, source="/srv/papers", actor="user:olga", database=Lock()
    ):
        (running,) = vic.api("GET", "/imports").json()["items"]
    (ended,) = vic.api("GET", "/imports").json()["items"]

    assert (running["source"], running["is_alive"], running["finished_at"]) == (
        "/srv/papers", True, None,
    )  # fmt: skip
    assert ended["finished_at"] is not None


def test_attempts_of_mail_are_listed_and_searched(olga, vic, conn):
    assert olga.api("POST", "/slack/test", json={}).status_code == 200

    assert value(conn, "SELECT count(*) FROM delivery_attempts") == 1
    (attempt,) = vic.api("GET", "/deliveries?channel=slack").json()["items"]
    assert vic.api("GET", "/deliveries?channel=slack&search=NO SLACK").json()["items"] == [attempt]
    for other in ("channel=slack&search=timeout", "channel=email", ""):
        assert vic.api("GET", f"/deliveries?{other}").json()["items"] == []
    assert vic.api("GET", "/deliveries?channel=slack&endpoint=erp").status_code == 422
    health = vic.api("GET", "/channels").json()["items"]
    assert {one["kind"] for one in health} <= {"email", "slack"}
