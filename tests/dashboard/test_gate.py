"""Who gets in, and what their browser may be made to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from doclife.dashboard import gate
from doclife.dashboard.paging import page_of, read_cursor
from doclife.errors import ConfigurationError
from doclife.store.connection import Connection
from tests.dashboard.browsers import SAME_ORIGIN, Browser, words
from tests.dashboard.conftest import People


def test_strangers_are_refused_even_where_there_is_nothing(stranger: Browser) -> None:
    for path in ("/", "/halt", "/no-such-page", "/static/x/dashboard.css", "/api/v1/openapi.json"):
        assert stranger.get(path).status_code == 401, path
    assert stranger.post("/halt", reason="x").status_code == 401


def test_every_tab_opens_for_whoever_may_read(vic: Browser) -> None:
    assert "Overview" in vic.text("/")


def test_viewers_see_no_halt_button_and_cannot_halt(vic: Browser, olga: Browser) -> None:
    assert "Halt" not in vic.text("/")
    assert vic.post("/halt", reason="x").status_code == 403
    assert "Halt…" in olga.text("/")


def test_everybody_reads_why_it_is_halted(olga: Browser, vic: Browser) -> None:
    answer = olga.post("/halt", reason="Wrong <b>dates</b> came in")
    assert "halted" in olga.follow(answer)
    page = vic.get("/").text
    assert "Wrong &lt;b&gt;dates&lt;/b&gt; came in" in page
    assert "user:olga" in page
    assert "go on" in olga.follow(olga.post("/resume"))
    assert "halted" not in vic.text("/")


def test_a_halt_without_a_reason_is_asked_for_one(olga: Browser) -> None:
    answer = olga.post("/halt", reason=" ")
    assert answer.status_code == 422
    assert "needs a reason" in words(answer.text)


def test_whoever_is_bound_halts_but_lets_nobody_elses_organization_go_on(
    conn: Connection, olga: Browser, bob: Browser
) -> None:
    conn.execute("INSERT INTO organization_members (organization_id, user_name) VALUES (1, 'Bob')")
    assert bob.post("/halt", reason="Stop at once").status_code == 303
    assert bob.post("/resume").status_code == 403
    assert "Resume" not in bob.text("/")
    assert "Resume" not in bob.text("/halt")
    assert "Everything that changes or sends is halted" in bob.text("/")
    assert bob.post("/halt", reason="Another word").status_code == 403
    assert "Stop at once" in olga.text("/")
    assert olga.post("/resume").status_code == 303
    assert "Stop at once" not in bob.text("/")


def test_whoever_is_bound_sees_no_other_organization(
    conn: Connection, olga: Browser, bob: Browser
) -> None:
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('second', 'The Second')")
    conn.execute("INSERT INTO organization_members (organization_id, user_name) VALUES (1, 'bob')")

    assert olga.get("/?organization=second").status_code == 200
    for address in ("/", "/jobs", "/api/v1/plans"):
        assert bob.get(f"{address}?organization=second").status_code == 404
    assert bob.post("/organization", slug="second").status_code == 404
    bob.cookies["doclife_organization"] = "second"
    assert "The Second" not in bob.text("/")


def test_nobody_reads_the_audit_trail_of_another_organization(
    conn: Connection, olga: Browser
) -> None:
    conn.execute("INSERT INTO organizations (slug, name) VALUES ('second', 'The Second')")
    conn.execute(
        "INSERT INTO audit_entries (organization_id, actor, action, reason)"
        " SELECT id, 'user:olga', 'document.held', 'said of ' || slug FROM organizations"
    )

    assert "said of default" in olga.get("/api/v1/audit").text
    assert "said of second" not in olga.get("/api/v1/audit").text


def test_a_page_that_stood_open_for_too_long_writes_nothing(
    olga: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "TOKEN_SECONDS", -1)

    answer = olga.post("/halt", reason="Stop at once")

    assert answer.status_code == 403
    assert "open for too long" in answer.text


def test_a_request_without_end_is_refused_before_a_right_is_asked_for(
    vic: Browser, stranger: Browser
) -> None:
    headers = {**SAME_ORIGIN, "Content-Type": "multipart/form-data; boundary=x"}

    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        for _ in range(20):
            yield bytes(1_000_000)

    for content in (b"".join(body()), body()):
        answer = vic.request("POST", "/rules/-/import/check", content=content, headers=headers)
        assert answer.status_code == 413
    content = {"content": body(), "headers": headers}
    assert stranger.request("POST", "/rules/-/import/check", **content).status_code == 401


def test_writes_of_other_sites_are_refused(olga: Browser) -> None:
    form = {"form_token": olga.form_token, "reason": "x"}
    for headers in (
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {**SAME_ORIGIN, "Sec-Fetch-Site": "same-site"},
    ):
        assert olga.request("POST", "/halt", data=form, headers=headers).status_code == 403, headers


def test_writes_without_the_token_of_the_person_are_refused(olga: Browser, bob: Browser) -> None:
    for token in ("", "x", bob.form_token):
        answer = olga.request(
            "POST", "/halt", data={"form_token": token, "reason": "x"}, headers=SAME_ORIGIN
        )
        assert answer.status_code == 403, token


def test_whatever_goes_wrong_is_said_in_the_same_look_and_with_the_same_headers(
    people: People, airflow: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object) -> None:
        raise RuntimeError("a secret of the database")

    olga = people("olga")
    monkeypatch.setattr("doclife.store.clock.present", fail)
    page = olga.get("/")
    assert page.status_code == 500
    assert "fault of doclife" in words(page.text)
    assert "secret" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    missing = olga.get("/api/v1/no-such-thing")
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["status"] == 404


def test_a_catalogue_that_is_away_is_named(people: People, dead_airflow: TestClient) -> None:
    page = Browser(dead_airflow, user=people("olga").user).get("/")
    assert page.status_code == 503
    assert "does not answer" in words(page.text)


def test_the_same_place_is_reached_by_key_from_page_to_page() -> None:
    page = page_of([1, 2, 3], limit=2, key=lambda row: [row], cursor=None)
    assert (page.rows, page.is_first) == ([1, 2], True)
    assert read_cursor(page.next_cursor) == [2]
    last = page_of([3], limit=2, key=lambda row: [row], cursor=page.next_cursor)
    assert (last.next_cursor, last.is_first) == (None, False)
    for nonsense in ("x", "%", "A" * 5, "é"):
        with pytest.raises(ConfigurationError, match="first page"):
            read_cursor(nonsense)
