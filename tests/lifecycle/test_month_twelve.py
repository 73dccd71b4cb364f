"""A short year: what is forgotten in its time, what is kept, and that nothing is lost meanwhile."""

from __future__ import annotations

from pathlib import Path

from benchmarks.month_twelve import OLD_RELEASES
from benchmarks.year.far_side import far_side
from benchmarks.year.mishaps import Course
from benchmarks.year.releases import THIS_ONE, take
from benchmarks.year.sizes import PRUNED
from benchmarks.year.year import Year
from local.postgres import Postgres

MONTHS = Course(nights=6, documents=100, kills=1, days_between=35)
"""Seven months, of which every fifth Sunday happens: history of 90 days goes."""


def test_a_year_forgets_what_it_should_and_loses_nothing(
    own_server: Postgres, tmp_path: Path
) -> None:
    """With two upgrades in the middle of plans, and a process that is killed."""
    releases = [*(take(commit, tmp_path / "releases") for commit in OLD_RELEASES), THIS_ONE]
    with far_side() as side:
        year = Year(
            own_server, tmp_path, side, course=MONTHS, releases=releases, tell=lambda _: None
        )
        year.live()

    assert year.faults == []
    assert year.told["upgrades with plans under way"] == 2
    assert year.system.kills >= 2
    assert {"archived", "deleted", "purged"} <= {paper.status for paper in year.office.papers.all}
    last = year.censuses[-1].tables
    assert all(last[name].rows < 2_000 for name in PRUNED)
