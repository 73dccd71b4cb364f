"""The first page: four numbers, and what needs a person today."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

from doclife.lifecycle import fixity
from doclife.store.connection import Connection
from tests.dashboard.browsers import Browser
from tests.lifecycle.conftest import World

LETTERS = {"field": "document_type", "op": "eq", "value": "letter"}
DELETED = [{"do": "DELETE"}]
NOTIFICATION = '{"recipient": "olga", "title": "t", "body": "b"}'


def test_an_empty_catalogue_says_that_nothing_needs_anybody(vic: Browser) -> None:
    page = vic.text("/")
    assert "Active rules 0" in page
    assert "Nothing needs you today" in page
    assert "Nothing was planned yet" in page


def test_the_cards_count_rules_slack_channels_jobs_and_what_is_unread(
    world: World, conn: Connection, olga: Browser, vic: Browser
) -> None:
    world.enforce("delete-letters", when=LETTERS, actions=DELETED)
    world.enforce("only-look", mode="simulate", when=LETTERS, actions=DELETED)
    conn.execute(
        "INSERT INTO slack_channels (organization_id, name, connection_id, is_active)"
        " VALUES (1, 'legal', 'slack', true), (1, 'old', 'slack', false)"
    )
    conn.execute(
        "INSERT INTO notifications (organization_id, recipient, type, title, body)"
        " VALUES (1, 'olga', 'message', 'a', 'b'), (1, 'role:operator', 'alert', 'a', 'b'),"
        " (1, 'vic', 'message', 'a', 'b')"
    )
    conn.execute("SELECT enqueue_job('notification', %s::jsonb)", (NOTIFICATION,))
    page = olga.text("/")
    assert "Active rules 2 1 enforce, 1 simulate; 0 off" in page
    assert "Unread notifications 2 1 of them alerts" in page
    assert "Slack integrations 1 1 channel, 1 paused" in page
    assert "Pending jobs 1 None failed within 7 days" in page
    assert "Unread notifications 1 " in vic.text("/"), "alerts are for those who may act"


def test_what_waits_for_approval_and_what_expires_is_named(
    world: World, here_and_now: datetime, olga: Browser
) -> None:
    world.now = here_and_now
    world.enforce(
        "delete-letters",
        when=LETTERS,
        actions=DELETED,
        limits={"max_documents": 1, "max_fraction": 1.0},
    )
    today = here_and_now.date()
    for number in range(3):
        world.add_document(
            f"letter-{number}", document_type="letter", expires_on=today - timedelta(days=40)
        )
    world.add_document("soon", document_type="note", expires_on=today + timedelta(days=30))
    world.add_document("later", document_type="note", expires_on=today + timedelta(days=32))
    [plan] = world.plan()
    page = olga.text("/")
    assert "A breaker stopped delete-letters" in page
    assert "3 documents in 24 hours exceed" in page
    assert f"Plan {plan.plan_id}" in page
    assert "1 document expires within 30 days" in page


def test_a_damaged_document_is_named_there_and_on_its_own_page(
    world: World, here_and_now: datetime, olga: Browser
) -> None:
    world.now = here_and_now
    document = world.add_document("letter", content=b"content")
    world.file("letter").write_bytes(b"CONTENT")
    fixity.check_fixity(
        world.conn,
        stores=world.stores,
        now=lambda: world.now,
        dag_id="weekly_cleanup",
        run_id="week",
        actor="schedule",
    )

    assert "letter stands on damaged bytes" in olga.text("/")
    page = olga.text(f"/documents/{document}")
    assert "its original is not what was recorded; there is no second copy" in page
    found = olga.api("GET", f"/documents/{document}").json()
    assert found["history"][0]["premis_event"] == "fixity check"


def test_hostile_words_are_only_text(olga: Browser) -> None:
    hostile = "</title><script>alert(1)</script>{{ 7*7 }}\u202e"
    assert olga.post("/halt", reason=hostile).status_code == 303
    page = olga.get("/").text
    assert "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}\u202e" in page
    assert "<script>alert" not in page


def test_somebody_bound_to_an_organization_sees_only_its_rows(
    world: World, conn: Connection, here_and_now: datetime, olga: Browser, bob: Browser
) -> None:
    world.now = here_and_now
    world.enforce("secret-rule", when=LETTERS, actions=DELETED)
    world.plan()
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('north', 'North')")
    conn.execute(
        "INSERT INTO organization_members (organization_id, user_name)"
        " SELECT id, 'bob' FROM organizations WHERE slug = 'north'"
    )
    assert "secret-rule" in olga.text("/")
    assert "secret-rule" not in bob.text("/")
    assert bob.get("/?organization=default").status_code == 404
    assert bob.post("/organization", slug="default").status_code == 404
    assert "secret-rule" not in olga.follow(olga.post("/organization", slug="north"))
    assert "secret-rule" not in olga.text("/"), "the choice is remembered"
    assert "secret-rule" in olga.text("/?organization=default")
    assert "secret-rule" in olga.text("/"), "its links lead into the organization it shows"


def test_the_tab_of_a_dag_shows_what_its_runs_have_planned(
    world: World, here_and_now: datetime, vic: Browser
) -> None:
    world.now = here_and_now
    world.add_document("letter", document_type="letter")
    world.enforce("delete-letters", when=LETTERS, actions=DELETED)
    [first] = world.plan()
    assert "delete-letters" in vic.text("/dags/test")
    assert "planned nothing yet" in vic.text("/dags/somebody_elses")
    assert "queue" in vic.text("/dags/process_queue")

    answer = vic.get("/dags/test", params={"run_id": "run-1"})
    assert answer.headers["location"] == f"/doclife/plans/{first.plan_id}"


def test_what_matters_leads_to_a_page_that_answers(
    world: World, here_and_now: datetime, olga: Browser
) -> None:
    world.add_document("soon", expires_on=here_and_now.date() + timedelta(days=3))
    page = olga.get("/").text
    [address] = re.findall(r'href="/doclife(/documents\?[^"]+)"', page)
    assert "Title of soon" in olga.text(unescape(address))
