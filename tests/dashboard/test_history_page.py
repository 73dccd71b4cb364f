"""The history: every plan with what came of it, found again, and taken away as a table."""

from __future__ import annotations

import csv
import io

import pytest

from tests.lifecycle.conftest import days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}


@pytest.fixture
def nights(world, here_and_now):
    world.now = here_and_now
    for name in ("one", "two"):
        world.add_document(name, document_type="draft", created_on=days_ago(3000))
    aged = {"for": "30d", "after": "created_on"}
    world.enforce("drafts", when=DRAFTS, retain=aged, actions=[{"do": "DELETE"}])
    world.night()
    return world


def test_before_anything_was_planned_the_page_says_when_it_is(olga):
    assert "Nothing was planned yet" in olga.text("/history")


@pytest.mark.usefixtures("nights")
def test_a_plan_says_its_rule_and_who_asked_and_leads_to_its_page(olga):
    page = olga.get("/history").text

    assert "drafts@1" in page
    assert "/plans/" in page
    assert "Documents a day for 30 days: 2 done, 0 failed" in page


@pytest.mark.usefixtures("nights")
def test_a_plan_says_how_long_it_took(olga, conn):
    conn.execute("UPDATE plans SET applied_at = applying_at + interval '72 seconds'")

    assert "1 min 12 s" in olga.text("/history")
    assert "Took 1 min 12 s" in olga.text("/plans/1")


@pytest.mark.usefixtures("nights")
@pytest.mark.parametrize(
    ("query", "is_found"),
    [("q=draft", True), ("q=nobody", False), ("state=applied", True), ("state=failed", False),
     ("mode=simulate", False)],
)  # fmt: skip
def test_plans_are_found_by_rule_state_and_mode(olga, query, is_found):
    words = olga.text(f"/history?{query}")

    assert ("drafts@1" in words) is is_found
    assert ("No plan matches" in words) is not is_found


@pytest.mark.usefixtures("nights")
def test_the_table_is_the_same_list_and_no_spreadsheet_takes_a_cell_for_a_formula(olga, conn):
    conn.execute("UPDATE plans SET approval_reason = '=1+1'")

    answer = olga.get("/history/export")

    [row] = csv.DictReader(io.StringIO(answer.text))
    assert answer.headers["content-type"].startswith("text/csv")
    assert (row["rule"], row["done_count"], row["approval_reason"]) == ("drafts@1", "2", "'=1+1")


def test_a_place_that_is_none_is_refused_in_words(olga):
    assert olga.get("/history?cursor=nowhere").status_code == 422
