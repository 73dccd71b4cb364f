"""What is published: result files that are true to their form, and pages made from them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from benchmarks import __main__ as runner
from benchmarks import plots, publish
from benchmarks.results import PUBLISHED, Curve, Quantity, Result, Row, published, read

FILES = sorted(PUBLISHED.glob("*.json"))
RESULTS = published()
PAGES = {path.name: path.read_text(encoding="utf-8") for path in publish.DOCS.glob("*.md")}
MARKED = {name: text for name, text in PAGES.items() if publish.MARKED.search(text)}


def row(of: Quantity = Quantity.RATE, *, ours=(3.0,), theirs=(2.0,), wanted=None) -> Row:
    return Row.of_rounds(
        what="ours", peer="theirs", of=of, ours=ours, theirs=theirs, unit="1/s", wanted=wanted
    )


def result(*rows: Row, **named) -> Result:
    given = {
        "name": "race",
        "measured_at": datetime(2026, 11, 23, 16, tzinfo=UTC),
        "commit": "abc1234",
        "machine": "a small one",
        "load_before": 0.5,
        "load_after": 2.0,
        "sizes": {"rounds": 1},
        "rows": rows,
    }
    return Result(**{**given, **named})


def test_a_ratio_is_of_medians_with_the_least_and_the_most_of_a_round():
    measured = row(ours=(10.0, 30.0, 20.0), theirs=(10.0, 10.0, 40.0))

    assert (measured.ratio, measured.low, measured.high) == (2.0, 0.5, 3.0)
    assert (measured.ours, measured.theirs, measured.rounds) == (20.0, 10.0, 3)


@pytest.mark.parametrize("of", Quantity)
def test_a_rate_must_reach_its_bound_and_all_else_stay_within_it(of):
    just, more, less = (
        row(of, ours=(ours,), theirs=(1.0,), wanted=1.5) for ours in (1.5, 1.51, 1.49)
    )

    assert just.is_met
    assert (more.is_met, less.is_met) == ((True, False) if of is Quantity.RATE else (False, True))
    assert row(of).is_met is None


def test_a_result_is_read_as_it_was_written(tmp_path):
    curve = Curve(title="Cost", name="plan", x="documents", y="us", points=((1.0, 2.0),))
    before = result(row(wanted=1.2), note="In the rain.", curves=(curve,))

    assert read(before.write(tmp_path)) == before


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"rate"', '"speed"'),
        ('"2026-11-23T16:00:00Z"', '"2026-11-23T16:00:00"'),
        ('"note"', '"nota"'),
        ('"ratio"', '"Ratio"'),
    ],
)
def test_a_result_that_is_not_true_to_its_form_is_not_read(tmp_path, right, wrong):
    path = result(row()).write(tmp_path)
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))

    with pytest.raises(ValidationError):
        read(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_published_is_of_a_benchmark_that_can_be_run_again(path: Path):
    assert RESULTS[path.stem].name == path.stem
    assert path.stem in runner.names()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_published_ratios_are_those_of_their_figures(path: Path):
    for each in RESULTS[path.stem].rows:
        assert each.low <= each.ratio <= each.high
        assert each.rounds >= 1
        if each.ours is not None and each.theirs is not None:
            assert each.ratio == pytest.approx(each.ours / each.theirs, rel=0.01)


def test_everything_that_is_published_stands_on_a_page():
    named = {
        name.strip()
        for text in MARKED.values()
        for found in publish.MARKED.finditer(text)
        for name in found["names"].split(",")
    }

    assert named == set(RESULTS)


@pytest.mark.parametrize("page", sorted(MARKED))
def test_the_tables_of_a_page_are_those_of_the_results(page: str):
    assert publish.filled(PAGES[page], RESULTS) == PAGES[page], "python -m benchmarks.publish"


def test_the_plots_are_those_of_the_results_and_stand_on_a_page():
    for name, svg in publish.images(RESULTS).items():
        assert (publish.IMAGES / name).read_text(encoding="utf-8") == svg
        assert f"images/{name})" in "".join(PAGES.values())


def test_a_missed_bound_is_told_from_a_kept_one_in_words_and_without_colours():
    kept, missed = row(wanted=1.2), row(wanted=2.0)

    table = publish.table([result(kept, missed)])
    assert table.count("| yes |") == table.count("| **missed** |") == 1
    assert "2026-11-23 16:00 UTC, load 0.5 before, 2 after, commit abc1234" in table
    drawn = plots.bounds([kept, missed], title="Bounds")
    assert 'class="met"' in drawn
    assert 'class="missed"' in drawn
    assert "prefers-color-scheme: dark" in drawn


def test_curves_of_one_title_share_a_plot():
    curves = [
        Curve(title="Cost of a document", name=name, x="documents", y="us", points=points)
        for name, points in (("plan", ((1e4, 80.0), (1e7, 90.0))), ("apply", ((1e4, 30.0),)))
    ]

    drawn = publish.images({"scale": result(row(wanted=1), name="scale", curves=curves)})

    assert set(drawn) == {"bounds.svg", "cost-of-a-document.svg"}
    assert drawn["cost-of-a-document.svg"].count("<polyline") == 2


def test_a_table_for_something_that_is_not_published_is_refused():
    page = "<!-- results of nothing -->\n<!-- end of results -->\n"

    with pytest.raises(KeyError, match="nothing"):
        publish.filled(page, RESULTS)
