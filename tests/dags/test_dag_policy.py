"""Rules that every DAG file keeps, so that a reader can trust what is not written in it."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from jinja2 import Environment, StrictUndefined

from tests.airflow_environment import DAGS_FOLDER, SETTINGS

DAG_FILES = sorted(DAGS_FOLDER.glob("*.py"))
SCHEDULES = {
    "check_expired_documents": "0 2 * * *",
    "execute_automation_rules": "0 3 * * *",
    "send_daily_summaries": "0 * * * *",
    "weekly_cleanup": "0 1 * * 0",
    "run_rule": None,
    "review_plan": None,
    "process_queue": None,
}
SCHEDULED = [name for name, cron in SCHEDULES.items() if cron]
OPERATORS_FOLDER = DAGS_FOLDER.parent / "plugins" / "doclife" / "operators"
SCREEN_LINES = 100
PARSE_SECONDS = 0.5
"""For one file, once Airflow itself is imported, on a busy machine."""


@pytest.fixture(scope="session")
def ours(dags):
    return {dag_id: dags[dag_id] for dag_id in SCHEDULES}


@pytest.mark.parametrize(
    ("dag_id", "params", "mode"),
    [
        ("weekly_cleanup", {"mode": "simulate"}, "simulate"),
        ("weekly_cleanup", {"mode": "enforce"}, "enforce"),
        ("run_rule", {"mode": "simulate", "plan_id": None}, "simulate"),
        ("run_rule", {"mode": "enforce", "plan_id": None}, "enforce"),
        ("run_rule", {"mode": "simulate", "plan_id": 7}, "enforce"),
    ],
)
def test_what_follows_purges_acts_only_where_the_run_does(ours, dag_id, params, mode):
    settle = ours[dag_id].get_task("settle")

    assert "mode" in settle.template_fields
    rendered = Environment(undefined=StrictUndefined, autoescape=False).from_string(settle.mode)
    assert rendered.render(params=params) == mode


def test_there_is_one_file_for_each_dag_and_no_other():
    assert {path.stem for path in DAG_FILES} == set(SCHEDULES)


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
class TestFile:
    def test_begins_with_what_the_person_on_call_needs(self, path: Path):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""

        assert text.startswith("### "), f"{path.name}: the docstring begins with a heading"
        assert "**Rerun:**" in text, f"{path.name}: say whether a rerun is safe"
        assert "**When it is red:**" in text, f"{path.name}: say what to do when it is red"

    def test_fits_on_a_screen(self, path: Path):
        assert len(path.read_text().splitlines()) <= SCREEN_LINES, f"{path.name} is too long"

    def test_only_declares(self, path: Path):
        forbidden = (
            ast.FunctionDef,
            ast.AsyncFunctionDef,
            ast.ClassDef,
            ast.Lambda,
            ast.For,
            ast.While,
            ast.If,
            ast.Try,
            ast.ListComp,
            ast.DictComp,
            ast.SetComp,
            ast.GeneratorExp,
        )
        found = [node for node in ast.walk(ast.parse(path.read_text())) if type(node) in forbidden]

        assert not found, (
            f"{path.name}:{found[0].lineno}: a DAG file declares; logic belongs in doclife"
        )

    def test_reaches_us_only_through_operators(self, path: Path):
        modules = set(imported_modules(path))

        assert all(
            name.startswith(("airflow.sdk", "doclife.operators.")) or name == "datetime"
            for name in modules
        ), f"{path.name}: {modules}"

    def test_asks_nothing_of_the_outside_when_parsed(self, path: Path):
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "id")}

        assert not names & {"open", "Variable", "Connection", "BaseHook", "print", "os"}, path.name


def test_every_file_parses_without_error_and_quickly():
    program = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "import airflow.sdk, airflow.dag_processing.dagbag as dagbag\n"
        f"bag = dagbag.DagBag({str(DAGS_FOLDER)!r})\n"
        "assert not bag.import_errors, bag.import_errors\n"
        "for stat in bag.dagbag_stats: print(stat.file, stat.duration.total_seconds())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment_with_plugins(),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    lines = [line.split() for line in ran.stdout.splitlines() if ".py " in line]
    assert len(lines) == len(DAG_FILES), ran.stdout
    for name, seconds in lines:
        assert float(seconds) < PARSE_SECONDS, f"{name} takes {seconds} s to parse"


def test_parsing_imports_nothing_that_only_tasks_need():
    program = (
        "import sys; import airflow.sdk; known = set(sys.modules)\n"
        "import importlib, pathlib\n"
        f"for path in pathlib.Path({str(OPERATORS_FOLDER)!r}).glob('*.py'):\n"
        "    importlib.import_module('doclife.operators.' + path.stem)\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - known}\n"
        "heavy = new & {'psycopg', 's3fs', 'fsspec', 'botocore', 'ruamel', 'jinja2'}\n"
        "assert not heavy, heavy\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment_with_plugins(),
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-2000:]


@pytest.mark.parametrize("dag_id", SCHEDULES)
class TestDag:
    def test_shows_its_docstring_in_the_user_interface(self, ours, dag_id):
        source = (DAGS_FOLDER / f"{dag_id}.py").read_text()

        assert (
            ours[dag_id].doc_md.strip() == ast.get_docstring(ast.parse(source), clean=False).strip()
        )

    def test_has_an_owner_and_tags(self, ours, dag_id):
        assert ours[dag_id].owner == "records"
        assert "doclife" in ours[dag_id].tags

    def test_never_catches_up(self, ours, dag_id):
        assert ours[dag_id].catchup is False

    def test_tells_the_operators_when_it_fails(self, ours, dag_id):
        from doclife.operators.alerting import OperatorAlert

        assert isinstance(ours[dag_id].on_failure_callback, OperatorAlert)

    def test_retries_with_jitter_that_differs_between_mapped_tasks(self, ours, dag_id):
        from doclife.operators.retrying import FullJitter

        for task in ours[dag_id].tasks:
            assert task.retries >= 3, task.task_id
            assert isinstance(retry_policy(task), FullJitter), task.task_id

    def test_goes_on_soon_after_a_worker_has_died(self, ours, dag_id):
        for task in ours[dag_id].tasks:
            delay = task.partial_kwargs["retry_delay"] if task.is_mapped else task.retry_delay
            # Airflow asks no policy then; its own wait is five minutes.
            assert delay <= timedelta(seconds=30), task.task_id

    def test_publishes_its_counts_at_the_end(self, ours, dag_id):
        assets = [outlet.name for task in ours[dag_id].tasks for outlet in task.outlets]

        assert len(assets) == 1, f"{dag_id}: one task publishes the counts of the run"
        assert assets[0].startswith("doclife_")

    def test_survives_serialization(self, ours, dag_id):
        from airflow.serialization.serialized_objects import DagSerialization

        again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(ours[dag_id]))

        assert set(again.task_dict) == set(ours[dag_id].task_dict)


@pytest.mark.parametrize("dag_id", SCHEDULED)
class TestScheduledDag:
    def test_runs_at_its_time_in_the_time_zone_of_the_deployment(self, ours, dag_id):
        timetable = ours[dag_id].timetable

        assert timetable.expression == SCHEDULES[dag_id]
        assert timetable.timezone == "utc"  # the default of [core] default_timezone

    def test_never_overlaps_itself(self, ours, dag_id):
        assert ours[dag_id].max_active_runs == 1

    def test_says_when_it_is_late_counted_from_when_it_was_queued(self, ours, dag_id):
        (alert,) = ours[dag_id].deadline

        assert type(alert.reference).__name__ == "DagRunQueuedAtDeadline"
        limit = timedelta(seconds=alert.interval)
        assert timedelta(minutes=30) <= limit <= timedelta(hours=12)


def test_the_rule_form_allows_several_runs_at_once(ours):
    assert ours["run_rule"].max_active_runs > 1


def test_an_optional_field_of_a_form_may_stay_empty(ours):
    # Airflow's form refuses to start while a field of type string is empty.
    for dag in ours.values():
        for name, param in dag.params.items():
            value = param if isinstance(param, str | int | None) else param.value
            assert value != "", f"{dag.dag_id}: {name} needs a default or the type null"


def test_the_package_is_hidden_from_the_plugin_loader():
    assert "doclife/" in (DAGS_FOLDER.parent / "plugins" / ".airflowignore").read_text()


def test_the_time_zone_of_the_deployment_counts(monkeypatch):
    from doclife.operators.schedule import cron

    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TIMEZONE", "Europe/Madrid")

    assert cron("0 2 * * *").timezone == "Europe/Madrid"


def test_a_new_deployment_waits_for_the_next_time_instead_of_catching_up():
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    from doclife.operators.schedule import cron

    # Half a day from now in cron: the last time was half a day ago.
    hour = (time.gmtime().tm_hour + 12) % 24
    timetable = coerce_to_core_timetable(cron(f"0 {hour} * * *"))

    first = timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(earliest=None, latest=None, catchup=False),
    )

    assert first.run_after.timestamp() > time.time()


def imported_modules(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def retry_policy(task):
    return task.partial_kwargs["retry_policy"] if task.is_mapped else task.retry_policy


def environment_with_plugins():
    plugins = str(DAGS_FOLDER.parent / "plugins")
    return {"PATH": "/usr/bin:/bin", **SETTINGS, "PYTHONPATH": plugins}
