"""Who gets in, and what their browser may be made to do."""

from __future__ import annotations

from tests.dashboard.browsers import SAME_ORIGIN, Browser, words


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
