"""The page of what is past due says why each document is still here."""

from __future__ import annotations

import pytest

from doclife.lifecycle.forecasting import rebuild_dispositions
from tests.lifecycle.conftest import days_ago
from tests.lifecycle.test_explaining import hold

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}


def overdue_drafts(world, here_and_now) -> None:
    world.now = here_and_now
    world.enforce(
        "drafts", when=DRAFTS, retain={"for": "30d", "after": "created_on"},
        actions=[{"do": "DELETE"}], review={"stages": ["owner"]},
    )  # fmt: skip
    for name, title in (("held", "Held <script>alert(1)</script>"), ("asked", "Asked about")):
        world.add_document(name, document_type="draft", title=title, created_on=days_ago(3000))
    hold(world, world.conn.execute("SELECT id FROM documents WHERE external_id = 'held'")
         .fetchone()[0], "Kestrel")  # fmt: skip
    world.night()
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)


def test_an_empty_list_says_when_something_appears(olga):
    assert "Nothing is overdue" in olga.text("/overdue")


def test_reasons_are_counted_and_each_document_says_its_own(world, here_and_now, olga):
    overdue_drafts(world, here_and_now)

    words = olga.text("/overdue")

    assert "2 actions are past due" in words
    assert "Under legal hold" in words
    assert "Waits for approval" in words
    assert "It stays until its last hold is released." in words


def test_a_reason_narrows_the_list_and_hostile_titles_are_text(world, here_and_now, olga):
    overdue_drafts(world, here_and_now)

    page = olga.get("/overdue?reason=held").text

    assert "Held &lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "Asked about" not in page


@pytest.mark.parametrize("place", ["nowhere", "2026-01-01.1.2", f"2026-01-01.{2**70}.1.0"])
def test_a_place_that_is_none_is_refused_in_words(olga, place):
    answer = olga.get(f"/overdue?cursor={place}")

    assert answer.status_code == 422
    assert "is no place in the list" in answer.text
