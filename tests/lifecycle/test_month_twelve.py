"""A short year: what is forgotten in its time, what is kept, and that nothing is lost meanwhile."""

from __future__ import annotations

from pathlib import Path

from benchmarks.year.far_side import far_side
from benchmarks.year.mishaps import Course
from benchmarks.year.releases import THIS_ONE
from benchmarks.year.sizes import PRUNED
from benchmarks.year.year import Year
from local.postgres import Postgres

MONTHS = Course(nights=6, documents=100, kills=1, days_between=35)
"""Seven months, of which every fifth Sunday happens: history of 90 days goes."""


def test_a_year_forgets_what_it_should_and_loses_nothing(
    own_server: Postgres, tmp_path: Path
) -> None:
    """With a process that is killed, and two deployments in the middle of plans.

    Each deploys the files that are here: those of older releases are in git alone, which not every
    checkout has with its history, so that ``benchmarks.month_twelve`` begins with them and
    tests/store/test_upgrading.py migrates what they left.
    """
    releases = [THIS_ONE] * 3
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
