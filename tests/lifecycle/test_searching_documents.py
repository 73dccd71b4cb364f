"""Searching a catalogue part by part where no index helps: nothing is missed or shown twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from doclife.lifecycle import documents
from doclife.lifecycle.documents import DocumentFilter, list_documents

AT_ONCE = timedelta(0)
"""Patience for one part of the catalogue."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(documents, "LOOKED_AT_ONCE", 3)


@pytest.fixture
def catalogue(world):
    """Twenty documents, of which every sixth is a will, and one is called `will`."""
    for number in range(20):
        world.add_document(
            f"d-{number:02}", title="A will" if number % 6 == 0 else "A letter", owner="ada"
        )
    world.add_document("will", title="Called by its id")
    return world


def search(world, *, size, after=None, patience=AT_ONCE, **where):
    page = list_documents(
        world.conn, organization="default", where=DocumentFilter(**where), after=after, size=size,
        patience=patience,
    )  # fmt: skip
    return [one.external_id for one in page.documents], page.next_after


def walk(world, **asked):
    """Return what each page shows, to the last one."""
    pages, after = [], None
    while True:
        found, after = search(world, after=after, **asked)
        pages.append(found)
        if after is None:
            return pages


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize("where", [{"search": "WILL"}, {"search": "will", "owner": "ada"}])
def test_a_search_part_by_part_finds_each_once_in_order(catalogue, size, where):
    found = [one for page in walk(catalogue, size=size, **where) for one in page]

    assert [one for one in found if one != "will"] == ["d-00", "d-06", "d-12", "d-18"]
    assert found.count("will") == ("owner" not in where)


@pytest.mark.parametrize("size", [1, 2, 50])
def test_the_document_of_that_very_id_is_the_first_of_the_first_page_and_of_no_other(
    catalogue, size
):
    pages = walk(catalogue, size=size, search="will")

    assert pages[0][0] == "will"
    assert sum(page.count("will") for page in pages) == 1


def test_a_page_ends_when_patience_does_and_says_where_to_go_on(catalogue):
    assert search(catalogue, size=50, status="purging") == ([], "d-02")
    assert search(catalogue, size=50, search="letter") == (["d-01", "d-02"], "d-02")


def test_whoever_is_patient_finds_all_on_one_page(catalogue):
    everything = (["d-00", "d-06", "d-12", "d-18", "will"], None)

    assert search(catalogue, size=50, search="will", patience=None) == everything
    found, after = search(catalogue, size=50, search="will", patience=timedelta(hours=1))
    assert (sorted(found), after) == everything


def test_what_an_index_finds_needs_no_patience(catalogue):
    found, after = search(catalogue, size=50, owner="ada")

    assert (len(found), after) == (20, None)
