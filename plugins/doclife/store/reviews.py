"""Questions that were put to people about plans, and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from doclife.store.connection import Connection
from doclife.store.rows import fetch_dicts, fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question about a plan: in one stage, for the first time or again."""

    plan_id: int
    stage: int
    attempt: int
    """How often an answer of this stage did not count before."""

    @property
    def key(self) -> dict[str, object]:
        """The parameters that name it."""
        return {"plan_id": self.plan_id, "stage": self.stage, "attempt": self.attempt}

    @property
    def run_id(self) -> str:
        """Name of the run that asks: ``plan-7-stage-1``, then ``plan-7-stage-1-again-1``."""
        again = f"-again-{self.attempt}" if self.attempt else ""
        return f"plan-{self.plan_id}-stage-{self.stage}{again}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """A question that was put, with what came of it."""

    plan_id: int
    stage: int
    attempt: int
    dag_id: str
    run_id: str
    asked_at: datetime
    answer_due_at: datetime
    answer: str | None
    form: Mapping[str, Any]
    answered_by: str | None
    """The actor; None for an answer means that the time ran out."""
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str | None

    @property
    def question(self) -> Question:
        """What was asked."""
        return Question(plan_id=self.plan_id, stage=self.stage, attempt=self.attempt)


def list_wanted(conn: Connection, *, plan_id: int | None = None) -> list[Question]:
    """Return what people have to be asked: one question per plan that waits."""
    return fetch_rows(conn, statement("decisions/list_wanted"), {"plan_id": plan_id}, Question)


def list_moot(conn: Connection) -> list[tuple[Question, str, str]]:
    """Return the open questions about plans that wait for nobody, each with its DAG and run."""
    return [
        (Question(plan_id=row[0], stage=row[1], attempt=row[2]), row[3], row[4])
        for row in conn.execute(statement("decisions/list_moot"))
    ]


def list_approved(conn: Connection, *, plan_id: int | None = None) -> list[int]:
    """Return the plans that were approved and that nobody has begun to apply."""
    query = statement("decisions/list_approved")
    return [row[0] for row in conn.execute(query, {"plan_id": plan_id})]


def describe(conn: Connection, plan_id: int) -> dict[str, Any] | None:
    """Return what a person is told who is asked about a plan, or None without the plan."""
    rows = fetch_dicts(conn, statement("decisions/describe"), {"plan_id": plan_id})
    return rows[0] if rows else None


def sample(conn: Connection, plan_id: int, *, size: int) -> list[dict[str, Any]]:
    """Return a few documents that a plan would destroy, without their names."""
    return fetch_dicts(conn, statement("decisions/sample"), {"plan_id": plan_id, "size": size})


def ask(
    conn: Connection,
    question: Question,
    *,
    dag_id: str,
    run_id: str,
    now: datetime,
    answer_due_at: datetime,
) -> str:
    """Note that a run asks; return the run that does, another one when it asked before."""
    parameters = {"dag_id": dag_id, "run_id": run_id, "now": now, "answer_due_at": answer_due_at}
    return str(fetch_value(conn, statement("decisions/ask"), {**question.key, **parameters}))


def receive_answer(
    conn: Connection,
    question: Question,
    *,
    run_id: str,
    answer: str,
    form: Mapping[str, object],
    answered_by: str | None,
    answered_at: datetime,
) -> None:
    """Keep an answer until it is decided upon; one that came too late changes nothing."""
    parameters = {
        "run_id": run_id,
        "answer": answer,
        "form": Jsonb(dict(form)),
        "answered_by": answered_by,
        "answered_at": answered_at,
    }
    conn.execute(statement("decisions/receive_answer"), {**question.key, **parameters})


def find_by_run(conn: Connection, *, dag_id: str, run_id: str) -> Question | None:
    """Return the question that a run has put, or None when it has put none."""
    parameters = {"dag_id": dag_id, "run_id": run_id}
    found = fetch_rows(conn, statement("decisions/find_by_run"), parameters, Question)
    return found[0] if found else None


def lock(conn: Connection, question: Question) -> Review | None:
    """Return a question with its answer, for this transaction alone to decide upon."""
    found = fetch_rows(conn, statement("decisions/lock_review"), question.key, Review)
    return found[0] if found else None


def end(conn: Connection, question: Question, *, outcome: str, now: datetime) -> None:
    """Note what came of a question."""
    parameters = {"outcome": outcome, "now": now}
    conn.execute(statement("decisions/end_review"), {**question.key, **parameters})


def list_of_plan(conn: Connection, plan_id: int) -> list[Review]:
    """Return every question that was put about a plan, oldest first."""
    return fetch_rows(conn, statement("decisions/list_reviews"), {"plan_id": plan_id}, Review)
