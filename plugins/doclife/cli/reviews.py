"""doclife plans approve, reject and decide: answers about plans that wait for a person.

Approving and rejecting a plan is answering Airflow's question, as a user of Airflow who has logged
in: the command line never writes an approval. Taking single documents out of a plan is on the side
of keeping, so it is done here at once, by whoever is at the keyboard.
"""

import time
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from doclife.cli.airflow_login import AirflowLogin, AirflowRefused
from doclife.cli.options import Json
from doclife.cli.output import PARTLY_DONE, counted, printable
from doclife.cli.session import Session, read_day, session
from doclife.domain.review import Answer, Keeping, Outcome
from doclife.errors import ConfigurationError, RefusedError, TryAgainLater
from doclife.lifecycle.deciding import keep_documents
from doclife.lifecycle.documents import find_document_ids
from doclife.lifecycle.reviewing import REVIEW_DAG, REVIEW_TASK, find_question
from doclife.settings import AIRFLOW_URL
from doclife.store import decisions, reviews
from doclife.store.reviews import Question, Review

WAIT_SECONDS = 120.0
POLL_SECONDS = 0.5
SETTLES_SECONDS = 3.0
"""How long a question has to stand before it is answered. Airflow's scheduler has to see first that
the process which put it has ended; a task that is answered before counts as failed, and is tried
again minutes later. People are not that quick, this command is."""

PlanId = Annotated[int, typer.Argument(metavar="ID", help="Number of the plan.")]
Comment = Annotated[
    str | None, typer.Option("--comment", "-m", help="Why. Kept with the decision.")
]
User = Annotated[
    str | None,
    typer.Option(
        "--user",
        metavar="NAME",
        help="User of Airflow who answers; else DOCLIFE_AIRFLOW_USER, else you are asked.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``doclife plans``."""
    app.command("approve")(approve)
    app.command("reject")(reject)
    app.command("decide")(decide)


def approve(
    plan_id: PlanId, comment: Comment = None, user: User = None, as_json: Json = False
) -> None:
    """Approve a plan that waits, as a user of Airflow who logs in. Then the system applies it.

    Whoever wrote the rule, asked for the plan or approved another stage of it cannot: the answer is
    recorded as invalid (exit code 1), and somebody is asked again.
    """
    _answer(Answer.APPROVE, plan_id=plan_id, comment=comment, user=user, as_json=as_json)


def reject(
    plan_id: PlanId, comment: Comment = None, user: User = None, as_json: Json = False
) -> None:
    """Reject a plan that waits, as a user of Airflow who logs in. Its documents are left alone."""
    _answer(Answer.REJECT, plan_id=plan_id, comment=comment, user=user, as_json=as_json)


def decide(
    plan_id: PlanId,
    documents: Annotated[
        list[str],
        typer.Option("--document", "--documents", metavar="EXTERNAL_ID", help="May be repeated."),
    ],
    rejected: Annotated[
        bool, typer.Option("--reject", help="Keep them for the organization's reprieve.")
    ] = False,
    extend_until: Annotated[
        str | None, typer.Option("--extend-until", metavar="DATE", help="Keep them to this day.")
    ] = None,
    hold: Annotated[
        str | None, typer.Option("--hold", metavar="MATTER", help="Put them under a legal hold.")
    ] = None,
    comment: Comment = None,
    as_json: Json = False,
) -> None:
    """Take single documents out of a plan: exactly one of --reject, --extend-until or --hold.

    It takes effect at once and outlives the plan. Exit code 3: some of them are not, or no longer,
    among what the plan would destroy.
    """
    if sum((rejected, extend_until is not None, hold is not None)) != 1:
        raise typer.BadParameter(
            "give exactly one of --reject, --extend-until DATE or --hold MATTER",
            param_hint="decide",
        )
    until = read_day(extend_until, name="--extend-until") if extend_until is not None else None
    with session(as_json=as_json) as s:
        plan = reviews.describe(s.conn, plan_id)
        if plan is None:
            raise ConfigurationError(f"there is no plan {plan_id}. See: doclife plans list")
        ids = find_document_ids(s.conn, organization=plan["organization"], external_ids=documents)
        kept = keep_documents(
            s.conn,
            plan_id=plan_id,
            document_ids=ids,
            keeping=_keeping(rejected, until=until, hold=hold, comment=comment),
            actor=s.actor,
            now=s.now(),
        )
        missed = [name for name, each in zip(documents, ids, strict=True) if each not in kept]

        def people() -> None:
            s.output.say(f"Taken out of plan {plan_id}: {counted(len(kept), 'document')}.")
            for name in missed:
                s.output.say(
                    f"{printable(name)}: nothing was done. The plan would not destroy it, has done "
                    "what it was to do, or has begun to destroy it.",
                    style="yellow",
                )

        s.output.show({"plan_id": plan_id, "kept": kept, "missed": missed}, people=people)
    if missed:
        raise typer.Exit(PARTLY_DONE)


def _keeping(
    rejected: bool, *, until: date | None, hold: str | None, comment: str | None
) -> Keeping:
    answer = Answer.REJECT if rejected else Answer.HOLD if hold is not None else Answer.EXTEND
    return Keeping(answer=answer, until=until, matter=hold, comment=comment)


def _answer(
    answer: Answer, *, plan_id: int, comment: str | None, user: str | None, as_json: bool
) -> None:
    with session(as_json=as_json) as s:
        question = find_question(s.conn, plan_id=plan_id, stage=None, attempt=None)
        if question is None:
            plan = reviews.describe(s.conn, plan_id) or {}
            raise RefusedError(f"plan {plan_id} is {plan.get('state')}: it waits for nobody.")
        if s.settings.airflow_url is None:
            raise ConfigurationError(
                f"plans are approved in Airflow: set {AIRFLOW_URL}=http://host:port, or use what "
                "./run started: ./run doclife ..."
            )
        airflow = AirflowLogin(s.settings.airflow_url)
        airflow.log_in(user)
        _let_it_be_asked(airflow, question)
        _patch(airflow, question, answer=answer, comment=comment)
        review = _wait_for_verdict(s, question)
        outcome = Outcome(str(review.outcome))
        reason = _why(s, question) if outcome in (Outcome.INVALID, Outcome.CLOSED) else None

        def people() -> None:
            s.output.say(
                {
                    Outcome.APPROVED: f"Approved by {review.answered_by}.",
                    Outcome.REJECTED: f"Rejected by {review.answered_by}: nothing is done.",
                }.get(outcome, "")
            )
            if outcome is Outcome.APPROVED:
                waits = find_question(s.conn, plan_id=plan_id, stage=None, attempt=None)
                s.output.say(
                    f"Stage {waits.stage} is asked next."
                    if waits
                    else f"It is being applied now. See: doclife plans show {plan_id}",
                    style="dim",
                )

        if reason is not None:
            raise RefusedError(f"the answer does not count: {reason}.")
        s.output.show({"plan_id": plan_id, "review": review}, people=people)


def _let_it_be_asked(airflow: AirflowLogin, question: Question) -> None:
    """Start the run that asks, unless the night or somebody else did."""
    try:
        airflow.call(
            "POST",
            f"/api/v2/dags/{REVIEW_DAG}/dagRuns",
            {"dag_run_id": question.run_id, "logical_date": None, "conf": question.key},
        )
    except AirflowRefused as error:
        if error.status != 409:
            raise


def _patch(
    airflow: AirflowLogin, question: Question, *, answer: Answer, comment: str | None
) -> None:
    path = (
        f"/api/v2/dags/{REVIEW_DAG}/dagRuns/{question.run_id}/taskInstances/{REVIEW_TASK}/-1"
        "/hitlDetails"
    )
    form = {"comment": comment, "extend_until": None, "matter": None}
    _wait_until_it_stands(airflow, path)
    try:
        airflow.call(
            "PATCH",
            path,
            {"chosen_options": [answer.value.capitalize()], "params_input": form},
        )
    except AirflowRefused as error:
        if error.status == 409:
            raise RefusedError(
                f"somebody has answered about plan {question.plan_id} already."
            ) from error
        raise


def _wait_until_it_stands(airflow: AirflowLogin, path: str) -> None:
    """Wait until the question is there, and has been for a moment."""
    gives_up_at = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            asked_at = datetime.fromisoformat(airflow.call("GET", path)["created_at"])
        except AirflowRefused as error:
            # The run has begun, and its question is not there yet.
            if error.status != 404 or time.monotonic() > gives_up_at:
                raise
            time.sleep(POLL_SECONDS)
        else:
            stands_for = (datetime.now(UTC) - asked_at).total_seconds()
            time.sleep(min(max(SETTLES_SECONDS - stands_for, 0), SETTLES_SECONDS))
            return


def _wait_for_verdict(s: Session, question: Question) -> Review:
    """Wait until the answer is decided upon."""
    gives_up_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < gives_up_at:
        for review in reviews.list_of_plan(s.conn, question.plan_id):
            if review.question == question and review.outcome is not None:
                return review
        time.sleep(POLL_SECONDS)
    raise TryAgainLater(
        f"Airflow has the answer but has not recorded it yet. See: doclife plans show "
        f"{question.plan_id}"
    )


def _why(s: Session, question: Question) -> str:
    refused = [
        one.invalid_reason
        for one in decisions.list_of_plan(s.conn, question.plan_id)
        if one.stage == question.stage and one.invalid_reason
    ]
    return refused[-1] if refused else "the plan waits for nobody any more"
