"""Random histories against the oracle: nothing is destroyed that must be kept, and the reverse.

How it works, and what it has found: docs/testing.md. A few hundred histories by default, ten
thousand in full. ``DOCLIFE_HISTORIES`` sets another number; ``DOCLIFE_SEED`` plays that one.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from local.postgres import Postgres
from tests.conftest import _copy
from tests.model.running import Tally, play_seeds

FEW, MANY = 300, 10_000
PROCESSES = os.cpu_count() or 2
# What must have happened, or the test has looked at nothing.
EXPECTED_OF_FEW = {
    "ARCHIVE done: as planned",
    "DELETE done: as planned",
    "PURGE done: as planned",
    "REMOVE_ORIGINAL done: as planned",
    "DELETE not planned: held",
    "DELETE not planned: retained",
    "DELETE not planned: cooling_off",
    "caught by a condition when active",
    "plan refused",
    "plan rejected",
    "plan undone",
    "process killed while applying",
}
EXPECTED_OF_MANY = EXPECTED_OF_FEW | {
    "ARCHIVE failed: bytes",
    "ARCHIVE skipped: changed",
    "ARCHIVE skipped: held",
    "ARCHIVE taken out of its plan: reject",
    "DELETE taken out of its plan: extend",
    "DELETE taken out of its plan: hold",
    "DELETE taken out of its plan: reject",
    "PURGE taken out of its plan: reject",
    "DELETE not planned: archive_first",
    "DELETE not planned: outranked",
    "DELETE not planned: paced",
    "DELETE not planned: reprieved",
    "DELETE not planned: reserved",
    "DELETE skipped: changed",
    "DELETE skipped: held",
    "DELETE skipped: retained",
    "PURGE failed: bytes",
    "PURGE not planned: held",
    "PURGE not planned: retained",
    "PURGE skipped: held",
    "PURGE skipped: retained",
    "REMOVE_ORIGINAL failed: bytes",
    "REMOVE_ORIGINAL not planned: held",
    "REMOVE_ORIGINAL skipped: held",
    "caught by a condition when archived",
    "caught by a condition when deleted",
    "plan approved",
    "run by hand refused",
    "run by hand simulated",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Real files, in memory where there is such a place: archiving waits for the disk."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="doclife-model-", dir=memory if memory.is_dir() else None))
    yield path
    shutil.rmtree(path)


def play(postgres: Postgres, template: str, folder: Path, *, seeds: list[int]) -> Tally:
    """Play histories in as many processes as there are processors, each with its own database."""
    total = Tally()
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = []
        for number in range(min(PROCESSES, len(seeds))):
            database = f"model_{number}_{len(seeds)}"
            url = _copy(postgres, template, database)
            own = folder / database
            own.mkdir()
            futures.append(
                pool.submit(play_seeds, url, postgres.url(database), own, seeds[number::PROCESSES])
            )
        for future in futures:
            total.add(future.result())
    return total


def seeds(default: int) -> list[int]:
    if "DOCLIFE_SEED" in os.environ:
        return [int(os.environ["DOCLIFE_SEED"])]
    return list(range(int(os.environ.get("DOCLIFE_HISTORIES", default))))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "histories",
    [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.full)],
)
def test_the_system_and_the_oracle_agree_on_every_history(
    postgres: Postgres, migrated_template: str, folder: Path, histories: int
) -> None:
    chosen = seeds(histories)

    tally = play(postgres, migrated_template, folder, seeds=chosen)

    assert not tally.failures, (
        f"{len(tally.failures)} of {tally.histories} histories. Repeat one with "
        f"DOCLIFE_SEED=<seed> ./run test tests/model\n\n" + "\n\n".join(tally.failures)
    )
    assert tally.histories == len(chosen)
    if len(chosen) >= FEW:
        expected = EXPECTED_OF_MANY if len(chosen) >= MANY else EXPECTED_OF_FEW
        never = expected - set(tally.outcomes)
        assert not never, f"never happened: {never}; happened: {tally.outcomes}"


def test_the_oracle_is_short_enough_to_be_checked_by_eye() -> None:
    lines = Path(__file__).with_name("oracle.py").read_text().splitlines()

    assert len(lines) <= 200
