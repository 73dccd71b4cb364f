"""Plans that wait for a person, in the real system: asked in Airflow, answered by users who log in.

One start of the stack. Three rules trash documents of their own after a review: one plan is
approved, one rejected, one left without an answer until its time-out.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import databases
from local.errors import LocalError
from tests.e2e.people import person, state, typed, until
from tests.e2e.stack import Stack, running

pytestmark = pytest.mark.timeout(1800)

RULES = "execute_automation_rules"
KINDS = ("memo", "draft", "copy")
SECRET = "Confidential memo about Mr. Z"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the system without samples; leave nothing of it behind."""
    with running(tmp_path_factory.mktemp("reviews") / "my project") as stack:
        yield stack


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
    officer = person(stack, "officer")
    until(lambda: officer.is_asked(f"plan-{plan_id}-stage-1"), "the question")
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


OFFICE = ("--organization", "office")
SEVEN_YEARS = """organization: office
metadata_fields: {ended_on: date}
rules:
  - name: contracts-over
    authority: Schedule FIN-03
    trigger: {type: ON_SCHEDULE}
    when:
      all:
        - {field: document_type, op: eq, value: contract}
        - {field: metadata.ended_on, op: not_null}
    retain: {for: 7y, after: metadata.ended_on}
    actions: [{do: DELETE}]
"""
TEN_YEARS = """organization: office
metadata_fields: {ended_on: date}
rules:
  - name: contracts-over
    authority: Schedule FIN-03
    mode: enforce
    review: {stages: [records]}
    trigger: {type: ON_SCHEDULE}
    when: {field: document_type, op: eq, value: contract}
    retain: {for: 10y, after: metadata.ended_on}
    actions: [{do: DELETE}]
"""
ENDED = {
    "lease": "2012-06-30",
    "supply": "2013-03-10",
    "cleaning": "2014-12-31",
    "catering": "2014-09-01",
}


@pytest.fixture(scope="module")
def office(stack: Stack) -> Path:
    """Set up an organization with four contracts that are long over, and one that may go in 2028.

    Its documents may go on the day they come, and again on the day they are brought back.
    """
    folder = stack.home.folder / "contracts"
    folder.mkdir()
    stack.doclife(
        *("organizations", "add", "office", "--max-fraction-per-day", "1"),
        *("--cooling-off-days", "0", "--reprieve-days", "0"),
    )
    stack.doclife("documents", "declare-field", "ended_on", "date", *OFFICE)
    manifest = folder.with_suffix(".csv")
    lines = ["path,external_id,document_type,metadata.ended_on"]
    for name, ended_on in {**ENDED, "printer": "2018-01-31"}.items():
        (folder / name).write_text(name)
        lines.append(f"contracts/{name},{name},contract,{ended_on}")
    manifest.write_text("\n".join(lines) + "\n")
    stack.doclife("documents", "import", manifest, *OFFICE)
    return folder.parent


def test_an_officer_walks_from_a_rule_to_its_second_application(stack, plans, office):
    """The walk of docs/judgement.md."""
    draft, rules = office / "seven.yaml", office / "ten.yaml"
    draft.write_text(SEVEN_YEARS)
    rules.write_text(TEN_YEARS)

    # Written and linted.
    linted = stack.home.call("doclife", "rules", "lint", str(draft), "--json")
    assert linted.returncode == 1
    assert "not-null-on-anchor" in linted.stdout

    # Simulated and compared.
    typed(stack, "rules", "apply", draft, LOGNAME="officer")
    previewed = typed(stack, "rules", "preview", "contracts-over", *OFFICE)
    assert {item["external_id"] for item in previewed["items"]} == {*ENDED, "printer"}
    compared = typed(stack, "rules", "impact", "contracts-over", "--file", rules, *OFFICE)
    assert [
        (change["kind"], change["documents"])
        for change in compared["changes"]
        if change["action"] == "DELETE"
    ] == [("no_longer_due", 1)]
    typed(stack, "rules", "apply", rules, LOGNAME="officer")

    # Sent to review, partly held, partly extended.
    plan_id = planned(stack)
    refused = stack.home.call("doclife", "plans", "apply", str(plan_id), "--yes")
    assert "waits for approval" in refused.stderr
    decide = ("plans", "decide", plan_id, "--document")
    typed(stack, *map(str, decide), "lease", "--hold", "Case 12", "--comment", "sued")
    typed(stack, *map(str, decide), "supply", "--extend-until", "2035-12-31", "-m", "warranty")

    # The author's approval does not count, and somebody is asked again.
    refused = approved(stack, plan_id, by="officer")
    assert "user:officer wrote this version of the rule" in refused.stderr
    assert state(stack, plan_id) == "needs_approval"

    # Approved by a second person, and applied: exactly the rest.
    person(stack, "clerk").answer(f"plan-{plan_id}-stage-1-again-1", "Approve", comment="seen")
    until(lambda: state(stack, plan_id) == "applied", "the plan to be applied by itself")
    in_the_trash = {"cleaning", "catering"}
    assert deleted(stack) == in_the_trash

    # Explained.
    assert f"by plan {plan_id} of contracts-over@2" in explained(stack, "cleaning")
    assert "approved by user:clerk" in explained(stack, "cleaning")
    assert "under legal hold (Case 12)" in explained(stack, "lease")
    assert "warranty" in explained(stack, "supply")
    assert "nothing is due yet" in explained(stack, "printer")

    # Undone, and applied again; the held and the extended one stay.
    typed(stack, "plans", "undo", str(plan_id))
    assert deleted(stack) == set()
    again = planned(stack)
    assert approved(stack, again, by="clerk").returncode == 0
    until(lambda: state(stack, again) == "applied", "the second application")
    assert deleted(stack) == in_the_trash


def planned(stack: Stack) -> int:
    [plan] = typed(stack, "plans", "create", "--rule", "contracts-over", *OFFICE)["plans"]
    assert plan["state"] == "needs_approval"
    return int(plan["plan_id"])


def approved(stack: Stack, plan_id: int, *, by: str) -> subprocess.CompletedProcess[str]:
    login = {
        "DOCLIFE_AIRFLOW_USER": by,
        "DOCLIFE_AIRFLOW_PASSWORD": stack.home.read("logins.json")[by],
    }
    return stack.home.call("doclife", "plans", "approve", str(plan_id), env=login)


def deleted(stack: Stack) -> set[str]:
    return set(
        stack.column(
            "SELECT external_id FROM documents"
            " WHERE document_type = 'contract' AND status = 'deleted'"
        )
    )


def explained(stack: Stack, document: str) -> str:
    return str(typed(stack, "documents", "explain", document, *OFFICE)["answer"])
