"""The forecast is drawn and written out, from what the last night computed."""

from __future__ import annotations

from doclife.dashboard.plots import CUT_ABOVE, Bar, Series, stacked_bars
from doclife.lifecycle.forecasting import rebuild_dispositions
from tests.lifecycle.conftest import days_ago

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}
SERIES = (Series(key="a", title="Archive", css_class="ar-bar"),)


def test_before_the_first_night_the_page_says_what_to_do(olga):
    assert "Nothing is forecast yet" in olga.text("/forecast")


def test_months_and_rules_are_shown_as_a_plot_and_as_numbers(world, here_and_now, olga):
    world.now = here_and_now
    world.add_document("a", document_type="draft", created_on=days_ago(1), title="A draft")
    world.enforce(
        "drafts", when=DRAFTS, retain={"for": "20y", "after": "created_on"},
        actions=[{"do": "DELETE"}], grace="1mo",
    )  # fmt: skip
    world.enforce(
        "early", when=DRAFTS, retain={"for": "10mo", "after": "created_on"},
        actions=[{"do": "ARCHIVE"}],
    )  # fmt: skip
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)

    page = olga.get("/forecast").text
    words = olga.text("/forecast")

    assert "<svg" in page
    assert "Documents a month for 24 months" in page
    assert "later than shown" in words
    assert "early@1" in words
    assert "drafts@1" not in olga.text("/forecast?rule=early")


def test_notices_change_no_document_and_so_are_not_in_the_plot(world, here_and_now, olga):
    world.now = here_and_now
    world.add_document("a", document_type="draft", created_on=days_ago(1), title="A draft")
    world.enforce(
        "tell", when=DRAFTS, retain={"for": "10mo", "after": "created_on"},
        actions=[{"do": "NOTIFY", "with": {"to": "owner"}}],
    )  # fmt: skip
    rebuild_dispositions(world.conn, now=world.now, as_of=world.now)

    page = olga.get("/forecast").text

    assert "Documents a month for 24 months" not in page
    assert "tell@1" in page


def test_a_rule_that_is_none_is_refused_in_words(olga):
    assert olga.get("/forecast?rule=none-such").status_code == 422


def test_a_bar_far_above_the_others_is_cut_and_says_its_number():
    usual = [Bar(label="b", tick=None, values={"a": 10}) for _ in range(5)]
    high = Bar(label="high", tick=None, values={"a": 10 * CUT_ABOVE + 1})

    drawn = str(stacked_bars([*usual, high], SERIES, label="x").svg)

    assert '<text class="over"' in drawn
    assert ">41<" in drawn


def test_among_few_a_bar_that_is_somewhat_higher_is_whole():
    drawn = stacked_bars(
        [Bar(label="b", tick=None, values={"a": n}) for n in (1, 1, 6)], SERIES, label="x"
    )

    assert '<text class="over"' not in str(drawn.svg)


def test_words_in_a_plot_are_text():
    bar = Bar(label="<script>", tick="<b>", values={"a": 1}, href='"><script>')

    drawn = str(stacked_bars([bar], SERIES, label="<i>").svg)

    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "<i>" not in drawn
