"""Reviews in real DAG runs: who is asked, whose answer counts, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from fastapi import HTTPException
from sqlalchemy import delete

from doclife.errors import ConfigurationError
from doclife.lifecycle.halting import halt, resume
from doclife.operators.review import _reviewers
from tests.dags.airflow_runs import Run, asset_counts, run_ids
from tests.dags.catalogue import (
    NAME,
    add_documents,
    allow_everything,
    apply_rules,
    column,
    plan_states,
    rule,
    statuses,
)

pytestmark = pytest.mark.usefixtures("documents_connection")

TITLE = "Title of"


def reviewed(stages: str = "[records]", *, more: str = "") -> str:
    """Return a rule that is looked at in every run and deletes only after a review."""
    text = rule("{do: DELETE}", more=f"review: {{stages: {stages}{more}}}")
    return text.replace(', cron: "0 3 * * *"', "")


@pytest.fixture
def office(dags, conn):
    """An organization with two due documents, and nobody's old runs in Airflow."""
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id.in_(["review_plan", "run_rule"])))
    allow_everything(conn)
    add_documents(conn, "due-1", "due-2")
    return Office(dags, conn)


class Office:
    """What people do with plans that wait."""

    def __init__(self, dags, conn):
        self.dags, self.conn = dags, conn

    def night(self, **options) -> Run:
        options = {"user": None, "run_type": DagRunType.SCHEDULED, **options}
        run = Run(self.dags["execute_automation_rules"], **options).create()
        assert run.go_on() == "success", run.states()
        return run

    def asked(self, run_id: str) -> Run:
        """Let the run begin that somebody has started, up to the question."""
        run = Run(self.dags["review_plan"], run_id=run_id).take_up()
        assert run.go_on() == "running", run.states()
        assert run.states()["ask"] == ["awaiting_input"]
        return run

    def answer(self, run_id: str, option: str, *, user: str, **form) -> None:
        run = self.asked(run_id)
        run.answer("ask", option, user=user, **form)
        assert run.go_on() == "success", run.states()

    def apply_what_was_approved(self, plan_id: int) -> None:
        run = Run(self.dags["run_rule"], run_id=f"plan-{plan_id}-apply").take_up()
        assert run.go_on() == "success", run.states()

    def decisions(self) -> list[tuple]:
        return self.conn.execute(
            "SELECT stage, decision, decided_by, is_valid FROM plan_decisions ORDER BY id"
        ).fetchall()


def test_what_waits_is_asked_about_and_done_after_the_approval_of_another_person(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    assert plan_states(conn) == ["needs_approval"]
    assert run_ids("review_plan") == ["plan-1-stage-1"]

    office.answer("plan-1-stage-1", "Approve", user="boss", comment="as agreed")

    assert plan_states(conn) == ["approved"]
    assert office.decisions() == [(1, "approve", "user:boss", True)]
    assert column(conn, "SELECT comment FROM plan_decisions") == ["as agreed"]
    assert asset_counts("doclife_reviews") == {"plan_id": 1, "outcome": "approved"}
    assert run_ids("run_rule") == ["plan-1-apply"], "nobody has to start it"
    office.apply_what_was_approved(1)
    assert plan_states(conn) == ["applied"]
    assert set(statuses(conn).values()) == {"deleted"}


def test_the_author_of_the_rule_is_refused_and_somebody_is_asked_again(office, conn):
    apply_rules(conn, reviewed(), author="cli:rita")
    office.night()

    office.answer("plan-1-stage-1", "Approve", user="rita")

    assert plan_states(conn) == ["needs_approval"]
    assert office.decisions() == [(1, "approve", "user:rita", False)]
    assert column(conn, "SELECT invalid_reason FROM plan_decisions") == [
        "user:rita wrote this version of the rule"
    ]
    assert run_ids("review_plan") == ["plan-1-stage-1", "plan-1-stage-1-again-1"]
    assert run_ids("run_rule") == []
    again = office.asked("plan-1-stage-1-again-1")
    assert "did not count" in again.question("ask").body
    again.answer("ask", "Approve", user="boss")
    assert again.go_on() == "success"
    assert plan_states(conn) == ["approved"]


def test_who_asked_for_a_plan_does_not_approve_it(office, conn):
    apply_rules(conn, reviewed())
    office.night(user="olga", run_type=DagRunType.MANUAL)

    office.answer("plan-1-stage-1", "Approve", user="olga")

    assert office.decisions() == [(1, "approve", "user:olga", False)]
    assert plan_states(conn) == ["needs_approval"]


def test_every_stage_is_asked_by_itself_and_answered_by_another_person(office, conn):
    apply_rules(conn, reviewed("[records, legal]"))
    office.night()

    office.answer("plan-1-stage-1", "Approve", user="boss")
    assert plan_states(conn) == ["needs_approval"]
    assert run_ids("review_plan") == ["plan-1-stage-1", "plan-1-stage-2"]
    assert run_ids("run_rule") == []

    office.answer("plan-1-stage-2", "Approve", user="boss")
    assert office.decisions()[-1] == (2, "approve", "user:boss", False)
    assert plan_states(conn) == ["needs_approval"]

    office.answer("plan-1-stage-2-again-1", "Approve", user="counsel")
    assert plan_states(conn) == ["approved"]


def test_a_rejected_plan_is_not_applied_and_the_next_night_leaves_its_documents_alone(office, conn):
    apply_rules(conn, reviewed())
    office.night()

    office.answer("plan-1-stage-1", "Reject", user="rita", comment="still needed")

    assert plan_states(conn) == ["rejected"], "keeping is allowed to everybody, the author too"
    assert run_ids("run_rule") == []
    assert set(column(conn, "SELECT reason_code FROM plan_items")) == {"rejected"}
    assert column(conn, "SELECT reprieve_until > CURRENT_DATE + 20 FROM documents") == [True, True]
    office.night()
    assert run_ids("review_plan") == ["plan-1-stage-1"]
    assert set(statuses(conn).values()) == {"active"}


def test_no_answer_in_time_is_a_rejection(office, conn):
    apply_rules(conn, reviewed(more=", timeout: 1d"))
    office.night()
    run = office.asked("plan-1-stage-1")

    run.let_time_run_out()

    assert run.go_on() == "success"
    assert plan_states(conn) == ["rejected"]
    assert office.decisions() == [(1, "reject", "schedule", True)]
    assert "nobody answered" in column(conn, "SELECT comment FROM plan_decisions")[0]


def test_a_plan_is_extended_to_a_day_or_asked_again_without_one(office, conn):
    apply_rules(conn, reviewed())
    office.night()

    office.answer("plan-1-stage-1", "Extend", user="boss")
    assert office.decisions()[0][3] is False
    day = column(conn, "SELECT CURRENT_DATE + 200")[0]
    office.answer("plan-1-stage-1-again-1", "Extend", user="boss", extend_until=str(day))

    assert plan_states(conn) == ["rejected"]
    assert set(column(conn, "SELECT reprieve_until FROM documents")) == {day}
    assert office.decisions()[-1] == (1, "extend", "user:boss", True)


def test_a_plan_is_put_on_hold(office, conn):
    apply_rules(conn, reviewed())
    office.night()

    office.answer("plan-1-stage-1", "Hold", user="boss", matter="Case 9", comment="court")

    assert column(conn, "SELECT hold_count FROM documents") == [1, 1]
    assert column(conn, "SELECT name FROM matters") == ["Case 9"]
    assert plan_states(conn) == ["rejected"]


def test_the_next_night_replaces_an_unanswered_plan_and_its_question_ends_green(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    first = office.asked("plan-1-stage-1")

    office.night()

    assert plan_states(conn) == ["superseded", "needs_approval"]
    assert run_ids("review_plan") == ["plan-1-stage-1", "plan-2-stage-1"]
    assert first.take_up().go_on() == "success", first.states()
    assert column(conn, "SELECT outcome FROM plan_reviews") == ["closed"]
    assert office.decisions() == []


def test_an_answer_about_a_plan_that_was_replaced_decides_nothing(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    first = office.asked("plan-1-stage-1")
    conn.execute("UPDATE plans SET state = 'superseded'")

    first.answer("ask", "Approve", user="boss")

    assert first.go_on() == "success"
    assert office.decisions() == [(1, "approve", "user:boss", False)]
    assert plan_states(conn) == ["superseded"]


def test_a_plan_whose_first_stage_is_approved_is_not_replaced(office, conn):
    apply_rules(conn, reviewed("[records, legal]"))
    office.night()
    office.answer("plan-1-stage-1", "Approve", user="boss")

    office.night()

    assert plan_states(conn)[0] == "needs_approval"
    office.answer("plan-1-stage-2", "Approve", user="counsel")
    assert plan_states(conn)[0] == "approved"


def test_a_plan_that_became_too_old_is_not_approved(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    run = office.asked("plan-1-stage-1")
    conn.execute("ALTER TABLE plans DISABLE TRIGGER guard_plan_facts")
    conn.execute("UPDATE plans SET created_at = created_at - interval '8 days'")

    run.answer("ask", "Approve", user="boss")

    assert run.go_on() == "success"
    assert office.decisions() == [(1, "approve", "user:boss", False)]
    assert plan_states(conn) == ["lapsed"]


def test_people_are_shown_numbers_and_ids_and_no_titles(office, conn):
    apply_rules(conn, reviewed("[records, legal]"))
    office.night()

    asked = office.asked("plan-1-stage-1").question("ask")

    assert asked.subject == f"Plan 1, {NAME}@1: 2 documents. Approve?"
    ids = column(conn, "SELECT id FROM documents ORDER BY id")
    assert all(f"| {number} |" in asked.body for number in ids)
    assert "stage 1 of 2: **records**" in asked.body
    assert "doclife plans show 1 --items" in asked.body
    assert TITLE not in asked.body
    assert "due-1" not in asked.body
    assert asked.options == ["Approve", "Reject", "Extend", "Hold"]
    assert asked.defaults == ["Reject"]


def test_a_tripped_limit_is_asked_about_too(office, conn):
    apply_rules(conn, rule("{do: DELETE}", limits="max_documents: 1, max_fraction: 1.0"))
    office.night()

    assert "max_documents" in office.asked("plan-1-stage-1").question("ask").body


def test_many_may_wait_at_once_and_nobody_is_asked_twice(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    waiting = office.asked("plan-1-stage-1")
    asked_at = column(conn, "SELECT asked_at FROM plan_reviews")

    Run(office.dags["run_rule"], conf={"rule": NAME}, user="olga").create().go_on()

    assert run_ids("review_plan") == ["plan-1-stage-1"], "a sweep leaves alone what waits"
    assert waiting.states()["ask"] == ["awaiting_input"]
    assert column(conn, "SELECT asked_at FROM plan_reviews") == asked_at


def test_a_question_whose_run_was_lost_is_asked_again(office, conn):
    apply_rules(conn, reviewed())
    office.night().go_on()
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == "review_plan"))

    Run(office.dags["run_rule"], conf={"rule": NAME}, user="olga").create().go_on()

    assert run_ids("review_plan") == ["plan-1-stage-1"]
    office.answer("plan-1-stage-1", "Approve", user="boss")
    assert plan_states(conn)[0] == "approved"


def test_an_approved_plan_that_nobody_applies_is_applied_by_the_next_run(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    office.answer("plan-1-stage-1", "Approve", user="boss")
    with create_session() as session:  # as if the task had been killed before it started the run
        session.execute(delete(DagRun).where(DagRun.dag_id == "run_rule"))

    office.night()

    assert run_ids("run_rule") == ["plan-1-apply"]
    office.apply_what_was_approved(1)
    assert plan_states(conn)[0] == "applied"


def test_only_those_answer_whom_the_deployment_names_for_a_stage(office, conn, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_DOCLIFE_REVIEWERS", '{"legal": ["counsel"]}')
    apply_rules(conn, reviewed("[records, legal]"))
    office.night()
    office.answer("plan-1-stage-1", "Approve", user="boss")
    run = office.asked("plan-1-stage-2")

    with pytest.raises(HTTPException) as refused:
        run.answer("ask", "Approve", user="somebody")

    assert refused.value.status_code == 403
    run.answer("ask", "Approve", user="counsel")
    assert run.go_on() == "success"
    assert plan_states(conn) == ["approved"]


def test_a_reviewer_is_known_by_the_id_that_the_auth_manager_gives_them(office, conn, monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_VAR_DOCLIFE_REVIEWERS", '{"records": ["boss", {"id": 7, "name": "counsel"}]}'
    )
    apply_rules(conn, reviewed())
    office.night()
    run = office.asked("plan-1-stage-1")

    with pytest.raises(HTTPException) as refused:
        run.answer("ask", "Approve", user="counsel")

    assert refused.value.status_code == 403
    run.answer("ask", "Approve", user="7")  # to the simple manager the name is the id
    assert run.go_on() == "success"
    assert plan_states(conn)[0] == "approved"


@pytest.mark.parametrize("users", ['"boss"', "[]", '[" "]', '[{"name": "boss"}]', "[7]", "7"])
def test_reviewers_that_cannot_be_read_let_nobody_answer(monkeypatch, users):
    monkeypatch.setenv("AIRFLOW_VAR_DOCLIFE_REVIEWERS", f'{{"records": {users}}}')

    with pytest.raises(ConfigurationError, match="doclife_reviewers cannot be read"):
        _reviewers("records")
    assert _reviewers("legal") is None


def test_a_halt_keeps_what_was_approved_from_being_applied(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    halt(conn, reason="look first", actor="user:rita", now=datetime.now(UTC))
    office.answer("plan-1-stage-1", "Approve", user="boss")

    run = Run(office.dags["run_rule"], run_id="plan-1-apply").take_up()
    assert run.go_on() == "failed"
    assert set(statuses(conn).values()) == {"active"}

    resume(conn, actor="user:rita", now=datetime.now(UTC))
    office.night()
    office.apply_what_was_approved(1)
    assert plan_states(conn)[0] == "applied"


def test_a_plan_of_a_changed_rule_is_not_approved_while_everything_is_halted_either(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    question = office.asked("plan-1-stage-1")
    apply_rules(conn, reviewed(more=", timeout: 3d"))
    halt(conn, reason="look first", actor="user:rita", now=datetime.now(UTC))

    question.answer("ask", "Approve", user="boss")

    assert question.go_on() == "success"
    assert office.decisions() == [(1, "approve", "user:boss", False)]
    assert plan_states(conn) == ["superseded"]


def test_a_run_with_the_name_of_another_question_asks_nothing(office, dags, conn, capsys):
    apply_rules(conn, reviewed())
    office.night()

    run = Run(dags["review_plan"], run_id="plan-9-stage-1", conf={"plan_id": 1}, user="eve")

    assert run.create().go_on() == "failed"
    assert "is not the one that asks about plan 1" in capsys.readouterr().out
    assert column(conn, "SELECT count(*) FROM plan_reviews") == [0]


def test_clearing_the_record_decides_nothing_twice(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    run = office.asked("plan-1-stage-1")
    run.answer("ask", "Approve", user="boss")
    assert run.go_on() == "success"

    run.clear("record")

    assert run.go_on() == "success"
    assert len(office.decisions()) == 1
    assert run_ids("run_rule") == ["plan-1-apply"]


def test_marking_the_question_as_answered_answers_nothing(office, conn):
    apply_rules(conn, reviewed())
    office.night()
    run = office.asked("plan-1-stage-1")
    run.mark_as_success("ask")

    assert run.go_on() == "failed"
    assert plan_states(conn) == ["needs_approval"]
    assert office.decisions() == []


def test_a_selection_of_somebodys_dag_is_asked_about_and_done_once_approved(dags, office, conn):
    conn.execute("UPDATE organizations SET max_fraction_per_day = 0.2")
    run = Run(dags["clean_up_inbox"], conf={"documents": ["due-1"]}, user="olga").create()
    assert run.go_on() == "failed"
    assert run_ids("review_plan") == ["plan-1-stage-1"]

    office.answer("plan-1-stage-1", "Approve", user="boss")
    office.apply_what_was_approved(1)

    assert statuses(conn) == {"due-1": "deleted", "due-2": "active"}
    run.clear("delete")
    assert run.go_on() == "success", "cleared, it finds its plan applied"


def test_a_purge_that_needs_approval_is_done_once_approved(dags, office, conn):
    apply_rules(conn, rule("{do: DELETE}", more="grace: 1d"))
    office.night()
    conn.execute("UPDATE documents SET purge_after = CURRENT_DATE - 1")
    conn.execute("UPDATE organizations SET max_documents_per_day = 1")
    assert Run(dags["weekly_cleanup"], user=None, run_type=DagRunType.SCHEDULED).create().go_on()
    plan_id = column(conn, "SELECT id FROM plans WHERE state = 'needs_approval'")[0]

    office.answer(f"plan-{plan_id}-stage-1", "Approve", user="boss")
    office.apply_what_was_approved(plan_id)

    assert set(statuses(conn).values()) == {"purged"}


def test_a_plan_is_named_by_number_when_somebody_starts_a_review_by_hand(dags, office, conn):
    apply_rules(conn, reviewed())
    office.night()
    office.asked("plan-1-stage-1")

    second = Run(dags["review_plan"], conf={"plan_id": 1}, user="olga").create()

    assert second.go_on() == "success", "another run asks that already"
    assert datetime.now(UTC) > column(conn, "SELECT asked_at FROM plan_reviews")[0]
