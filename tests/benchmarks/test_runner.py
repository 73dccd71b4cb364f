"""./run bench: what it lists, what it refuses, and that a run ends in a result that can be read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from benchmarks import __main__ as runner
from benchmarks.benchmark import REFUSED, Benchmark, Need, run
from benchmarks.results import Quantity, Row, read
from local.state import ROOT


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 3


def measure(sizes: Sizes) -> Iterator[Row]:
    """Yield one row that needs nothing of the machine."""
    yield Row.of_rounds(
        what="something",
        peer="its peer",
        of=Quantity.RATE,
        ours=[3.0] * sizes.rounds,
        theirs=[2.0] * sizes.rounds,
        unit="things/s",
        wanted=1.2,
    )


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Type ``./run bench``, as it goes on after .venv is there."""
    command = "import sys; from local.commands import run; sys.exit(run(['bench', *sys.argv[1:]]))"
    return subprocess.run(
        [sys.executable, "-c", command, *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )


def test_the_list_says_what_each_measures_and_what_it_needs():
    listed = bench("--list")

    assert listed.returncode == 0, listed.stderr
    for name in runner.names():
        assert f"\n{name} " in f"\n{listed.stdout}"
    assert "sha256sum" in listed.stdout
    assert "smtp-source, which takes the mails and sets the limit (apt-get install postfix)" in (
        listed.stdout
    )


def test_a_name_that_there_is_not_is_refused_with_the_nearest(capsys):
    assert runner.main(["import_file"]) == 1
    assert "There is no benchmark 'import_file'. Did you mean import_files?" in (
        capsys.readouterr().out
    )


def test_what_is_missing_is_said_in_a_sentence_and_nothing_is_measured(capsys):
    def never(_sizes: Sizes) -> Iterator[Row]:
        pytest.fail("it was measured")

    need = Need(what="a hare, which runs", how="apt-get install hare", is_there=lambda: False)
    refused = Benchmark(measure=never, sizes=Sizes(), quick=Sizes(), needs=(need,))

    with pytest.raises(SystemExit) as ended:
        run(refused, "race", [])

    assert ended.value.code == REFUSED
    assert capsys.readouterr().err == "race needs a hare, which runs: apt-get install hare\n"


def test_every_size_is_an_option_and_quick_ones_are_overridden_too(tmp_path):
    benchmark = Benchmark(measure=measure, sizes=Sizes(), quick=Sizes(rounds=1))

    for arguments, rounds in (([], 3), (["--quick"], 1), (["--quick", "--rounds", "2"], 2)):
        run(benchmark, "race", [*arguments, "--into", str(tmp_path), "--note", "In the rain."])

        result = read(tmp_path / "race.json")
        assert result.sizes == {"rounds": rounds}
        assert result.rows[0].rounds == rounds
        assert result.note == "In the rain."
        assert result.load_before is not None


def test_a_quick_run_of_a_real_one_ends_in_a_result_and_a_table(tmp_path):
    done = bench("archive_files", "--quick", "--into", str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    result = read(tmp_path / "archive_files.json")
    assert result.sizes == {"rounds": 1, "files": 300}
    assert [row.wanted for row in result.rows] == [1]
    assert result.rows[0].ours
    assert result.rows[0].theirs
    assert re.search(r"archive_files │ archive of 300 .* of its time │ at most 1 │", done.stdout)


def test_quick_figures_do_not_go_where_the_published_ones_are():
    assert runner.destination(is_quick=False) == ROOT / "benchmarks" / "results"
    assert runner.destination(is_quick=True) == ROOT / ".local" / "benchmarks"


def test_one_that_fails_is_named_at_the_end_and_the_others_go_on(tmp_path, monkeypatch, capfd):
    # As ./run bench sets it.
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'plugins'}{os.pathsep}{ROOT}")
    names = ["no_such_module", "archive_files"]

    assert runner.measure(names, is_quick=True, into=tmp_path) == 1
    assert (tmp_path / "archive_files.json").exists()
    assert capfd.readouterr().out.endswith("Failed, see above: no_such_module\n")
