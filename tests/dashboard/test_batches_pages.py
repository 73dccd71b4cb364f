"""A new batch: documents are searched and ticked, the deed is previewed, then done as a plan."""

from __future__ import annotations

import re

import pytest

from doclife.lifecycle import choosing
from tests.dashboard.browsers import SAME_ORIGIN, words
from tests.dashboard.conftest import value

HOSTILE = '<script>alert(1)</script>"{{ 7 * 7 }}'


@pytest.fixture
def papers(world, here_and_now):
    world.now = here_and_now
    return {
        name: world.add_document(name, title=title, document_type="paper")
        for name, title in (
            ("p-1", HOSTILE), ("p-2", "Second"), ("p-3", "Third"), ("p-4", "Fourth"),
        )
    }  # fmt: skip


@pytest.fixture
def applied(monkeypatch):
    """What Airflow is asked to run; the calls themselves are tested in test_airflow_on_behalf."""
    asked = []
    monkeypatch.setattr(
        "doclife.dashboard.airflow_api.call",
        lambda _request, _method, path, content=None: asked.append((path, content)) or {},
    )
    return asked


def hidden(page: str, name: str) -> str:
    """Return what a form carries along in a field."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)
    assert found, f"the page carries no {name}"
    return found[1]


@pytest.mark.parametrize("path", ["/batches/choose", "/batches/preview", "/batches"])
def test_a_form_that_names_endless_documents_is_refused_and_not_carried_on(olga, world, path):
    numbers = ",".join(map(str, range(1, 10_002)))

    answer = olga.post(path, chosen=numbers)

    assert answer.status_code == 422
    assert "more than 10,000 documents are ticked" in answer.text
    assert "10001" not in answer.text


def confirm(browser, page: str, **fields):
    """Press the button below a preview."""
    return browser.post("/batches", seen=hidden(page, "seen"), run=hidden(page, "run"), **fields)


def test_ticks_are_carried_from_page_to_page_and_taken_back(papers, olga):
    page = olga.post("/batches/choose", document=[papers["p-1"], papers["p-2"]], q="third").text

    assert hidden(page, "chosen") == f"{papers['p-1']},{papers['p-2']}"
    assert "2 more are ticked on other pages" in words(page)

    page = olga.post(
        "/batches/choose", chosen=hidden(page, "chosen"), document=papers["p-3"], q=""
    ).text
    assert page.count(" checked>") == 3
    assert hidden(page, "chosen") == ""


@pytest.mark.usefixtures("papers")
def test_a_second_page_keeps_what_was_ticked_on_the_first(world, olga):
    ids = [world.add_document(f"z-{number:03}") for number in range(60)]
    first = olga.get("/batches/new").text
    page = olga.post(
        "/batches/choose", step="next", next=hidden(first, "next"), document=ids[0]
    ).text

    assert "z-059" in page
    assert hidden(page, "chosen") == str(ids[0])


def test_a_deletion_is_previewed_planned_and_started_in_airflow(papers, olga, conn, applied):
    ticked = {"document": [papers["p-2"], papers["p-3"]], "deed": "delete"}
    page = olga.post("/batches/preview", **ticked).text

    assert "Would go into the trash 2" in words(page)
    assert value(conn, "SELECT count(*) FROM plans") == 0

    answer = confirm(olga, page, **ticked, reason="cleared out")
    shown = olga.follow(answer)

    plan_id = value(conn, "SELECT id FROM plans")
    assert answer.headers["location"].endswith(f"/plans/{plan_id}")
    assert "Airflow applies it now" in shown
    assert "Second" in shown
    assert "Third" in shown
    assert applied == [
        (
            "/api/v2/dags/run_rule/dagRuns",
            {
                "dag_run_id": f"plan-{plan_id}-apply",
                "logical_date": None,
                "conf": {"plan_id": plan_id},
            },
        )
    ]
    assert value(conn, "SELECT requested_by FROM plans") == "user:olga"
    assert value(conn, "SELECT reason FROM plan_items LIMIT 1") == "cleared out"


def test_a_form_that_is_sent_twice_makes_one_plan(papers, olga, conn, applied):
    ticked = {"document": papers["p-2"], "deed": "delete"}
    page = olga.post("/batches/preview", **ticked).text

    for _ in range(2):
        assert confirm(olga, page, **ticked, reason="cleared out").status_code == 303

    assert value(conn, "SELECT count(*) FROM plans") == 1
    assert len(applied) == 2  # under one name, which Airflow starts once


def test_a_preview_says_what_holds_and_retention_keep(papers, world, olga):
    world.enforce(
        "keep", when={"field": "title", "op": "eq", "value": "Second"},
        retain={"for": "permanent", "after": "created_on"},
    )  # fmt: skip
    world.add_document("m-1", document_type="memo")
    olga.post(f"/documents/{papers['p-3']}/hold", matter="Kestrel", reason="a claim")

    page = olga.post("/batches/preview", all="1", deed="delete").text
    said = words(page)

    assert "5 documents match" in said
    assert "Would go into the trash 3" in said
    assert "Under legal hold 1" in said
    assert "Retained by another rule 1" in said
    assert "keep@1" in said


def test_what_was_destroyed_or_trashed_meanwhile_is_listed_and_stops_nobody(
    papers, world, olga, conn, applied
):
    ticked = {"document": list(papers.values()), "deed": "delete"}
    page = olga.post("/batches/preview", **ticked).text
    world.enforce(
        "fourth", when={"field": "title", "op": "eq", "value": "Fourth"},
        actions=[{"do": "DELETE"}],
    )  # fmt: skip
    world.night()

    shown = olga.follow(confirm(olga, page, **ticked, reason="cleared out"))

    assert "Not in the plan: 1 in the trash already (first: p-4)" in shown
    assert value(conn, "SELECT max(plan_id) FROM plan_items") == value(
        conn, "SELECT plan_id FROM plan_items GROUP BY plan_id HAVING count(*) = 3"
    )
    assert "In the trash already 1" in olga.post("/batches/preview", **ticked).text.replace(
        '</dt><dd class="num">', " "
    )
    assert applied


def test_a_document_of_another_organization_is_refused_whole(papers, olga, conn):
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    foreign = value(
        conn,
        "INSERT INTO documents (organization_id, external_id)"
        " SELECT id, 'theirs' FROM organizations WHERE slug = 'other' RETURNING id",
    )
    answer = olga.post("/batches/preview", document=[papers["p-2"], foreign], deed="delete")

    assert answer.status_code == 422
    assert f"has no document {foreign}" in words(answer.text)
    answer = olga.post(
        "/batches", document=[papers["p-2"], foreign], deed="delete", reason="x", seen="1-x",
        run="0" * 16,
    )  # fmt: skip
    assert answer.status_code == 422
    assert value(conn, "SELECT count(*) FROM plans") == 0


def test_what_was_not_looked_at_is_not_done(papers, olga, conn, world):
    matching = {"all": "1", "type": "paper", "deed": "delete", "reason": "old"}
    page = olga.post("/batches/preview", **matching).text
    # Registered after the look: not meant. Changed into what matches: look again.
    world.add_document("p-5", document_type="paper")
    assert "4 documents match" in words(
        olga.post("/batches/preview", seen=hidden(page, "seen"), **matching).text
    )
    conn.execute("UPDATE documents SET document_type = 'memo' WHERE external_id = 'p-1'")

    answer = confirm(olga, page, **matching)
    assert answer.status_code == 409
    assert "look again" in words(answer.text)
    other = confirm(olga, page, **{**matching, "deed": "archive"})
    assert other.status_code == 409
    assert value(conn, "SELECT count(*) FROM plans") == 0


def test_what_was_left_alone_when_somebody_looked_is_not_done_after_all(papers, olga, conn):
    ticked = {"document": [papers["p-2"], papers["p-3"]]}
    held = {"document": [papers["p-3"]], "matter": "Kestrel", "reason": "a claim"}
    page = olga.post("/batches/preview", **held, deed="hold").text
    confirm(olga, page, **held, deed="hold")
    looked = olga.post("/batches/preview", **ticked, deed="delete").text
    assert "Would go into the trash 1" in words(looked)
    page = olga.post("/batches/preview", **held, deed="release").text
    confirm(olga, page, **held, deed="release")

    answer = confirm(olga, looked, **ticked, deed="delete", reason="old")

    assert answer.status_code == 409
    assert "look again" in words(answer.text)
    assert "Would go into the trash 2" in words(answer.text)
    assert value(conn, "SELECT count(*) FROM plans") == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"deed": "delete"}, "say why"),
        ({"deed": "shred", "reason": "x"}, "is nothing that can be done here"),
        ({"deed": "hold", "reason": "x", "matter": ""}, "the matter has a name"),
        ({"deed": "archive", "reason": "x", "store": "no-such"}, "no-such"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_lost(papers, olga, conn, fields, said):
    answer = olga.post("/batches", document=papers["p-2"], **fields)

    assert answer.status_code in (409, 422)
    assert said in words(answer.text)
    assert hidden(answer.text, "chosen") == str(papers["p-2"])
    assert value(conn, "SELECT count(*) FROM plans") == 0


def test_documents_are_held_under_a_matter_and_released_from_it(papers, olga, conn):
    ticked = {"document": [papers["p-2"], papers["p-3"]], "matter": "Kestrel / 7?"}
    page = olga.post("/batches/preview", **ticked, deed="hold").text
    assert "Would be held 2" in words(page)
    assert value(conn, "SELECT count(*) FROM matters") == 0

    shown = olga.follow(confirm(olga, page, **ticked, deed="hold", reason="a claim"))
    assert "2 held." in shown
    assert "2 documents are held" in shown
    assert "Third" in shown
    document = olga.get(f"/documents/{papers['p-2']}").text
    assert "/doclife/matters?name=Kestrel+%2F+7%3F" in document

    page = olga.post("/batches/preview", all="1", matter="Kestrel / 7?", deed="release").text
    assert "Would be released 2" in words(page)
    assert "Not under this matter 2" in words(page)
    shown = olga.follow(
        confirm(olga, page, all="1", matter="Kestrel / 7?", deed="release", reason="settled")
    )
    assert "2 released, 2 were not under it." in shown
    assert value(conn, "SELECT sum(hold_count) FROM documents") == 0


def test_documents_come_back_from_the_trash(papers, world, olga, conn):
    world.enforce(
        "all", when={"field": "document_type", "op": "eq", "value": "paper"},
        actions=[{"do": "DELETE"}],
    )  # fmt: skip
    world.night()
    ticked = {"document": [papers["p-2"], papers["p-3"]], "deed": "restore"}

    page = olga.post("/batches/preview", **ticked).text
    assert "Would be restored 2" in words(page)
    shown = olga.follow(confirm(olga, page, **ticked, reason="needed"))

    assert "2 restored." in shown
    assert value(conn, "SELECT count(*) FROM documents WHERE status = 'active'") == 2


def test_a_notice_to_each_owner_is_planned(papers, olga, conn, applied):
    ticked = {"document": papers["p-2"], "deed": "notify", "to": "{{ document.owner }}"}
    page = olga.post("/batches/preview", **ticked).text
    assert "Would be told about 1" in words(page)

    confirm(olga, page, **ticked, reason="look at it")

    assert value(conn, "SELECT options ->> 'to' FROM plans") == "{{ document.owner }}"
    assert applied


def test_a_limit_makes_the_plan_wait_and_somebody_is_asked(papers, olga, conn, applied):
    conn.execute("UPDATE organizations SET max_documents_per_day = 1")
    ticked = {"document": [papers["p-2"], papers["p-3"]], "deed": "delete"}
    page = olga.post("/batches/preview", **ticked).text
    assert "It will wait for approval" in words(page)

    shown = olga.follow(confirm(olga, page, **ticked, reason="cleared out"))

    assert "It waits for approval; somebody is asked." in shown
    assert [path for path, _ in applied] == ["/api/v2/dags/review_plan/dagRuns"]
    assert value(conn, "SELECT state FROM plans") == "needs_approval"


def test_nothing_is_planned_while_everything_is_halted(papers, olga, conn, applied):
    ticked = {"document": papers["p-2"], "deed": "delete"}
    page = olga.post("/batches/preview", **ticked).text
    olga.post("/halt", reason="stop")

    answer = confirm(olga, page, **ticked, reason="cleared out")

    assert answer.status_code == 409
    assert "everything is halted" in words(answer.text)
    assert value(conn, "SELECT count(*) FROM plans") == 0
    assert not applied


@pytest.mark.usefixtures("world")
def test_all_that_match_are_one_batch_however_many_they_are(olga, conn):
    # 100,000 take as many statements; here it is a tenth of them, for the time of the tests.
    conn.execute(
        "INSERT INTO documents (organization_id, external_id, document_type, registered_at)"
        " SELECT 1, 'm-' || number, 'mass', '2020-01-01' FROM generate_series(1, 10000) AS number"
    )
    page = olga.post("/batches/preview", all="1", type="mass", deed="delete")

    assert page.status_code == 200
    assert "10,000 documents match" in words(page.text)
    assert "Would go into the trash 10,000" in words(page.text)


def test_more_than_a_batch_takes_is_refused_with_what_to_do(papers, olga, monkeypatch):
    monkeypatch.setattr(choosing, "MOST_DOCUMENTS", 3)
    answer = olga.post("/batches/preview", all="1", deed="delete")
    assert answer.status_code == 422
    assert "more than 3 documents match" in words(answer.text)

    many = ",".join(str(number) for number in range(1, 1002))
    answer = olga.post("/batches/preview", chosen=many, deed="delete")
    assert answer.status_code == 422
    assert "at most 1,000 can be at a time" in words(answer.text)
    assert papers


def test_what_failed_of_a_batch_is_planned_again_through_a_preview(
    papers, olga, vic, conn, applied
):
    page = olga.post("/batches/preview", document=list(papers.values()), deed="delete").text
    confirm(olga, page, deed="delete", document=list(papers.values()), reason="cleared out")
    plan_id = value(conn, "SELECT max(id) FROM plans")
    assert "Plan the failed again" not in olga.text(f"/plans/{plan_id}")
    failed = sorted([papers["p-2"], papers["p-4"]])
    conn.execute(
        "UPDATE plan_items SET state = 'failed', reason_code = 'bytes_unreachable',"
        " reason = 'the store was away', finished_at = now() WHERE document_id = ANY(%s)",
        (failed,),
    )

    page = olga.get(f"/plans/{plan_id}").text

    assert "Plan the failed again" in page
    again = {"deed": hidden(page, "deed"), "chosen": hidden(page, "chosen")}
    assert again == {"deed": "delete", "chosen": ",".join(map(str, failed))}
    preview = olga.post("/batches/preview", **again).text
    assert "Second" in preview
    assert "Third" not in preview
    assert "Plan the failed again" not in vic.text(f"/plans/{plan_id}")


def test_hostile_titles_are_text(papers, olga):
    for page in (
        olga.get("/batches/new"),
        olga.post("/batches/preview", document=papers["p-1"], deed="delete"),
    ):
        assert "<script>alert" not in page.text
        assert "{{ 7 * 7 }}" in page.text


def test_only_those_who_may_run_plans_see_boxes_and_make_batches(papers, vic, olga):
    assert 'name="document"' not in vic.get("/documents").text
    assert 'name="document"' in olga.get("/documents").text
    assert "New batch" not in vic.text("/jobs")
    assert vic.post("/batches", document=papers["p-2"], deed="delete").status_code == 403


def test_what_no_page_of_ours_sends_is_refused(olga):
    answer = olga.request(
        "POST", "/batches/preview", data={"form_token": olga.form_token, "document": "1;2"},
        headers=SAME_ORIGIN,
    )  # fmt: skip
    assert answer.status_code == 422
