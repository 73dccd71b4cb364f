"""The catalogue's pages: a document is found, says why it is here, and is held and brought back."""

from __future__ import annotations

import hashlib
import html
import re
from datetime import timedelta

import pytest

from doclife.dashboard.app import PREFIX
from doclife.dashboard.documents import listing
from doclife.lifecycle import documents
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
AGED = {"for": "30d", "after": "created_on"}
HOSTILE = '<script>alert(1)</script>"{{ 7 * 7 }}'


@pytest.fixture
def drafts(world, here_and_now):
    world.now = here_and_now
    ids = {
        name: world.add_document(
            name, document_type="draft", title=title, owner="ada@example.org",
            created_on=days_ago(3000),
        )
        for name, title in (("d-1", HOSTILE), ("d-2", "Second draft"))
    }  # fmt: skip
    world.enforce("drafts", when=DRAFTS, retain=AGED, actions=[{"do": "DELETE"}])
    return ids


def test_an_empty_catalogue_says_how_documents_come_in(olga):
    assert "No documents yet" in olga.text("/documents")


@pytest.mark.usefixtures("drafts")
@pytest.mark.parametrize(
    ("query", "is_found"),
    [("q=second", True), ("q=d-2", True), ("type=draft&owner=ada@example.org", True),
     ("status=purged", False), ("held=yes", False), ("tag=none-such", False)],
)  # fmt: skip
def test_documents_are_found_by_words_and_by_what_they_are(olga, query, is_found):
    words = olga.text(f"/documents?{query}")

    assert ("Second draft" in words) is is_found
    assert ("No document matches" in words) is not is_found


@pytest.mark.usefixtures("drafts")
def test_a_search_that_finds_nothing_in_a_part_of_the_catalogue_looks_further(olga, monkeypatch):
    monkeypatch.setattr(documents, "LOOKED_AT_ONCE", 1)
    monkeypatch.setattr(listing, "PATIENCE", timedelta(0))

    first = olga.get("/documents?q=second").text
    assert "None in this part" in first
    further = html.unescape(re.search(r'href="([^"]*cursor=[^"]*)">Look further', first)[1])
    assert "Second draft" in olga.text(further.removeprefix(PREFIX))

    asked = {"q": "second", "step": "search"}
    assert "Look further" in olga.post("/batches/choose", **asked).text
    api = olga.api("GET", "/documents?search=second").json()
    assert api["items"] == []
    assert api["next_cursor"]


@pytest.mark.usefixtures("drafts")
def test_words_that_are_a_documents_id_find_it_in_a_catalogue_of_any_size(olga, monkeypatch):
    monkeypatch.setattr(documents, "LOOKED_AT_ONCE", 1)
    monkeypatch.setattr(listing, "PATIENCE", timedelta(0))

    assert "Second draft" in olga.text("/documents?q=d-2")


def test_a_page_says_what_decides_and_what_comes_next(drafts, vic):
    words = vic.text(f"/documents/{drafts['d-2']}")

    assert "document_type eq draft" in words
    assert "Unknown never deletes" in words
    assert "counts from created_on" in words
    assert "wins" in words


def test_a_day_ahead_is_judged_and_called_so(drafts, olga):
    assert "Judged as if 2099-01-01 had come" in olga.text(
        f"/documents/{drafts['d-2']}?as_of=2099-01-01"
    )
    assert olga.get(f"/documents/{drafts['d-2']}?as_of=soon").status_code == 422


def test_hostile_titles_are_text(drafts, olga):
    for address in ("/documents", f"/documents/{drafts['d-1']}"):
        page = olga.get(address).text
        assert "<script>alert" not in page
        assert "{{ 7 * 7 }}" in page


def test_a_hold_keeps_it_and_a_release_with_a_reason_lets_it_go(drafts, olga, conn):
    address = f"/documents/{drafts['d-2']}"

    words = olga.follow(olga.post(f"{address}/hold", matter="Kestrel", reason="a claim"))
    assert "Held under Kestrel" in words
    assert value(conn, "SELECT hold_count FROM documents WHERE external_id = 'd-2'") == 1

    assert olga.post(f"{address}/release", matter="Kestrel", reason=" ").status_code == 409
    words = olga.follow(olga.post(f"{address}/release", matter="Kestrel", reason="settled"))
    assert "Released from Kestrel" in words
    assert value(conn, "SELECT hold_count FROM documents WHERE external_id = 'd-2'") == 0
    assert value(
        conn, "SELECT actor FROM audit_entries WHERE action = 'document.released'"
    ) == "user:olga"  # fmt: skip


def test_what_is_in_the_trash_comes_back(world, drafts, olga, conn):
    world.night()
    assert value(conn, "SELECT status FROM documents WHERE external_id = 'd-2'") == "deleted"

    words = olga.follow(olga.post(f"/documents/{drafts['d-2']}/restore", reason="needed"))

    assert "Restored" in words
    assert value(conn, "SELECT status FROM documents WHERE external_id = 'd-2'") == "active"


def test_viewers_see_no_buttons_they_cannot_use_and_their_writes_are_refused(drafts, vic):
    address = f"/documents/{drafts['d-2']}"
    page = vic.get(address).text

    assert "Hold it" not in page
    assert "Release" not in page
    for deed in ("hold", "release", "restore", "download"):
        assert vic.post(f"{address}/{deed}", matter="m", reason="r").status_code == 403


def test_bytes_are_sent_as_a_file_and_who_took_them_is_recorded(world, here_and_now, olga, conn):
    world.now = here_and_now
    document_id = world.add_document("with-bytes", content=b"<h1>secret</h1>")

    answer = olga.post(f"/documents/{document_id}/download")

    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(b"<h1>secret</h1>").digest()
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert value(
        conn, "SELECT actor FROM audit_entries WHERE action = 'document.downloaded'"
    ) == "user:olga"  # fmt: skip


def test_bytes_that_are_not_there_are_refused_in_words(world, olga):
    document_id = world.add_document("without", content=None)

    answer = olga.post(f"/documents/{document_id}/download")

    assert answer.status_code == 409
    assert "There are no bytes to look at" in answer.text


def test_a_document_of_another_organization_is_not_there(world, olga, conn):
    olga.post("/organization", slug="default")
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    document_id = value(
        conn,
        "INSERT INTO documents (organization_id, external_id)"
        " SELECT id, 'theirs' FROM organizations WHERE slug = 'other' RETURNING id",
    )

    assert olga.get(f"/documents/{document_id}").status_code == 404
    assert olga.post(f"/documents/{document_id}/hold", matter="m", reason="r").status_code == 404
    assert olga.get(f"/documents/{document_id}?organization=other").status_code == 200
    assert olga.post(f"/documents/{document_id}/hold", matter="m", reason="r").status_code == 303, (
        "a form acts on the organization whose page it is on"
    )


def test_nobody_begins_with_an_empty_organization(olga, conn):
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    assert "default" in selected(olga)
    conn.execute(
        "INSERT INTO documents (organization_id, external_id)"
        " SELECT id, 'first-1' FROM organizations WHERE slug = 'other'"
    )
    assert "other" in selected(olga)
    assert olga.api("GET", "/documents").json()["items"] == []
    assert "first-1" in olga.text("/documents")
    olga.post("/organization", slug="default")
    assert "default" in selected(olga)


def selected(browser):
    return re.search(r'<option value="(\w+)" selected>', browser.get("/").text)[1]


def test_a_form_acts_on_its_pages_organization_also_when_a_second_window_went_on(
    drafts, olga, conn
):
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('other', 'Other')")
    page = olga.get(f"/documents/{drafts['d-2']}").text
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    olga.get("/?organization=other")

    answer = olga.post(
        f"/documents/{drafts['d-2']}/hold", matter="m", reason="r", form_token=token[1]
    )

    assert "Held under m" in olga.follow(answer)


def test_rules_that_do_not_select_it_are_folded_and_tags_read_like_words(world, drafts, olga):
    document = world.add_document("tagged", document_type="draft", tags=["red", "blue"])
    world.enforce(
        "secrets",
        when={"field": "tags", "op": "has_any", "value": ["secret"]},
        actions=[{"do": "DELETE"}],
    )

    page = olga.get(f"/documents/{document}").text

    assert "<summary>1 rule does not select it: show why not</summary>" in page
    assert page.index("drafts@1") < page.index("<summary>1 rule") < page.index("secrets@1")
    assert "{red,blue}" not in page
    assert "red, blue" in page


def test_what_could_stop_it_is_said_without_commands(drafts, olga):
    words = olga.text(f"/documents/{drafts['d-2']}")

    assert "What could still stop it a legal hold" in words
    assert "doclife halt" not in words
