"""Plans that wait for a person, in the real system: asked in Airflow, answered by users who log in.

One start of the stack. Three rules trash documents of their own after a review: one plan is
approved, one rejected, one left without an answer until its time-out.
"""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local import databases
from local.errors import LocalError
from local.ports import free_port
from local.state import ROOT
from tests.e2e.airflow_user import AirflowUser
from tests.e2e.test_whole_job import Stack
from tests.local.checkout import Checkout, Start

pytestmark = pytest.mark.timeout(900)

RULES = "execute_automation_rules"
REVIEW = "review_plan"
KINDS = ("memo", "draft", "copy")
WITHIN_SECONDS = 180.0
SECRET = "Confidential memo about Mr. Z"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a copy of the project without samples; leave nothing of it behind."""
    port = free_port()
    home = Checkout(tmp_path_factory.mktemp("reviews") / "my project")
    try:
        shutil.copytree(
            ROOT / "dags",
            home.folder / "dags",
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        started = Start(home, "--no-samples", PORT=str(port))
        started.wait_until_ready()
        yield Stack(home, port=port)
        assert started.end(signal.SIGTERM) == 0, started.output()
        assert home.processes() == []
    finally:
        home.remove()


@pytest.fixture(scope="module")
def plans(stack: Stack) -> dict[str, int]:
    """Let a night make one plan per kind of document; return their numbers."""
    stack.doclife("limits", "set", "--max-fraction-per-day", "1")
    stack.doclife(
        *("organizations", "set", "default", "--max-fraction-per-day", "1"),
        *("--cooling-off-days", "0"),
    )
    for kind in KINDS:
        folder = stack.home.folder / kind
        folder.mkdir()
        (folder / f"{SECRET} {kind}.txt").write_text(kind)
        stack.doclife("documents", "import", folder, "--type", kind)
    # The command line knows people by the name that their machine gives them.
    typed(stack, "rules", "apply", _rules(stack), LOGNAME="officer")
    stack.user("admin").run(RULES)
    return dict(
        stack.rows(
            "SELECT rule.name, plan.id FROM plans AS plan"
            " JOIN rule_versions AS version ON version.id = plan.rule_version_id"
            " JOIN rules AS rule ON rule.id = version.rule_id"
            " WHERE plan.state = 'needs_approval'"
        )
    )


def _rules(stack: Stack) -> Path:
    path = stack.home.folder / "reviewed.yaml"
    path.write_text(
        "rules:\n"
        + "".join(
            f"""  - name: {kind}
    mode: enforce
    trigger: {{type: ON_SCHEDULE}}
    when: {{field: document_type, op: eq, value: {kind}}}
    review: {{stages: [records]}}
    limits: {{max_documents: 100, max_fraction: 1.0}}
    actions: [{{do: DELETE}}]
"""
            for kind in KINDS
        )
    )
    return path


class Person(AirflowUser):
    """Somebody who answers under Required Actions."""

    def answer(self, run_id: str, option: str, **form: Any) -> None:
        """Give an answer, once the question is there."""
        path = f"{self._run_path(REVIEW, run_id)}/taskInstances/ask/-1/hitlDetails"
        until(lambda: self.is_asked(run_id), f"{run_id} to ask")
        self._call("PATCH", path, {"chosen_options": [option], "params_input": form})

    def is_asked(self, run_id: str) -> bool:
        return run_id in {one["task_instance"]["dag_run_id"] for one in self.waiting()}

    def waiting(self) -> list[dict[str, Any]]:
        """Return the questions that nobody has answered, as the page lists them."""
        query = "response_received=false&state=awaiting_input"
        return list(
            self._call("GET", f"/api/v2/dags/~/dagRuns/~/hitlDetails?{query}")["hitl_details"]
        )


def person(stack: Stack, name: str) -> Person:
    return Person(stack.port, name=name, password=stack.home.read("logins.json")[name])


def until(is_so: Callable[[], bool], what: str) -> None:
    gives_up_at = time.monotonic() + WITHIN_SECONDS
    while not is_so():
        assert time.monotonic() < gives_up_at, f"waited in vain for {what}"
        time.sleep(0.5)


def state(stack: Stack, plan_id: int) -> str:
    return str(stack.column("SELECT state FROM plans WHERE id = %s", plan_id)[0])


def test_all_of_them_wait_at_once_and_show_no_title(stack, plans):
    officer = person(stack, "officer")
    wanted = {f"plan-{plan_id}-stage-1" for plan_id in plans.values()}

    until(lambda: all(officer.is_asked(run_id) for run_id in wanted), "three questions")

    for question in officer.waiting():
        assert SECRET not in question["subject"] + question["body"]
        assert "1 document" in question["subject"]


def test_a_viewer_answers_nothing(stack, plans):
    with pytest.raises(LocalError, match="403"):
        person(stack, "viewer").answer(f"plan-{plans['memo']}-stage-1", "Approve")


def test_the_authors_approval_is_recorded_as_invalid_and_a_second_person_approves(stack, plans):
    plan_id = plans["memo"]

    person(stack, "officer").answer(f"plan-{plan_id}-stage-1", "Approve", comment="mine")
    until(
        lambda: stack.column("SELECT 1 FROM plan_decisions WHERE plan_id = %s", plan_id) != [],
        "the record of the answer",
    )
    assert stack.rows(
        "SELECT decision, decided_by, is_valid, invalid_reason FROM plan_decisions"
        " WHERE plan_id = %s",
        plan_id,
    ) == [("approve", "user:officer", False, "user:officer wrote this version of the rule")]
    assert state(stack, plan_id) == "needs_approval"

    # The second person answers the new question at the command line, logged in to Airflow.
    said = typed(
        stack,
        *("plans", "approve", str(plan_id)),
        DOCLIFE_AIRFLOW_USER="clerk",
        DOCLIFE_AIRFLOW_PASSWORD=stack.home.read("logins.json")["clerk"],
    )
    assert said["review"]["outcome"] == "approved"
    assert said["review"]["answered_by"] == "user:clerk"
    until(lambda: state(stack, plan_id) == "applied", "the plan to be applied by itself")
    assert stack.column("SELECT status FROM documents WHERE document_type = 'memo'") == ["deleted"]


def test_a_rejected_plan_is_not_applied(stack, plans):
    plan_id = plans["draft"]

    person(stack, "clerk").answer(f"plan-{plan_id}-stage-1", "Reject", comment="still needed")

    until(lambda: state(stack, plan_id) == "rejected", "the rejection")
    assert stack.rows(
        "SELECT status, reprieve_until > CURRENT_DATE FROM documents WHERE document_type = 'draft'"
    ) == [("active", True)]


def test_without_an_answer_in_time_a_plan_is_rejected(stack, plans):
    plan_id = plans["copy"]
    # The time-out is Airflow's own; only its moment is brought forward.
    _bring_forward(stack, f"plan-{plan_id}-stage-1")

    until(lambda: state(stack, plan_id) == "rejected", "the time-out")

    assert stack.rows(
        "SELECT decision, decided_by, is_valid FROM plan_decisions WHERE plan_id = %s", plan_id
    ) == [("reject", "schedule", True)]
    assert stack.column("SELECT status FROM documents WHERE document_type = 'copy'") == ["active"]


def test_the_command_lines_own_login_approves_nothing(stack, plans):
    with (
        psycopg.connect(stack.documents_url, options="-c search_path=doclife") as conn,
        pytest.raises(psycopg.errors.CheckViolation, match="approved in Airflow"),
    ):
        conn.execute(
            "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
            " VALUES (%s, 'approve', 'user:clerk')",
            (plans["draft"],),
        )


def typed(stack: Stack, *arguments: str | Path, **environment: str) -> dict[str, Any]:
    """Type one command in an environment of its own, and return its JSON."""
    done = stack.home.call("doclife", *map(str, arguments), "--json", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def _bring_forward(stack: Stack, run_id: str) -> None:
    url = databases.as_role(
        stack.documents_url,
        role=databases.AIRFLOW,
        password=stack.home.read("secrets.json")[f"password_{databases.AIRFLOW}"],
        database=databases.METADATA,
    )
    with psycopg.connect(url) as conn:
        moved = conn.execute(
            "UPDATE task_instance SET trigger_timeout = now() - interval '1 second'"
            " WHERE run_id = %s AND state = 'awaiting_input'",
            (run_id,),
        )
        assert moved.rowcount == 1
