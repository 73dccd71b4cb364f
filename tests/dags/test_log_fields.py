"""Lines of a task's log carry plan, rule and document as keys of their own, and never a title."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_environment import ROOT
from tests.dags.airflow_runs import Run
from tests.dags.catalogue import (
    add_store,
    allow_everything,
    apply_rules,
    column,
    import_files,
    rule,
)

pytestmark = pytest.mark.usefixtures("documents_connection")


def log_of(run: Run, task_id: str, *, map_index: int, path: Path) -> list[dict[str, Any]]:
    """Run a task that is ready as a worker does, and return the lines of its log."""
    arguments = [run.dag.dag_id, run.run_id, task_id, str(map_index), str(path)]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.dags.run_supervised", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_about_a_plan_has_its_number_rule_and_documents(dags, conn, tmp_path):
    allow_everything(conn)
    files = tmp_path / "files"
    files.mkdir()
    for name in ("good", "changed"):
        (files / f"{name}.txt").write_text(name)
    add_store(conn, "archive", tmp_path / "archive")
    import_files(conn, files)
    apply_rules(conn, rule("{do: ARCHIVE}"))
    (files / "changed.txt").write_text("tampered with")
    good, changed = (
        column(conn, "SELECT id FROM documents WHERE external_id LIKE %s", f"%{name}.txt")[0]
        for name in ("good", "changed")
    )
    run = Run(dags["execute_automation_rules"]).create()
    run.go_on(until="archives")
    assert ("archive", 0) in run.make_ready()

    lines = log_of(run, "archive", map_index=0, path=tmp_path / "archive.log")

    ours = [line for line in lines if line.get("logger", "").startswith("doclife.lifecycle")]
    assert ours
    for line in ours:
        assert line["plan_id"] == 1
        assert line["rule"] == "old-temp@1"
        assert (line["action"], line["shard"]) == ("ARCHIVE", 0)
    (failure,) = [line for line in ours if "document_id" in line]
    assert failure["document_id"] == changed
    assert failure["level"] == "warning"
    assert failure["code"]
    assert any(sorted(line.get("document_ids", [])) == sorted((changed, good)) for line in ours)
