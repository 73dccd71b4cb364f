"""How people are shown who was asked about a plan, and what they answered."""

from collections.abc import Sequence
from typing import Any

from doclife.cli.session import Session
from doclife.store.decisions import Decision
from doclife.store.reviews import Review


def print_reviews(
    s: Session, plan: dict[str, Any], asked: Sequence[Review], decided: Sequence[Decision]
) -> None:
    """Print the questions about a plan and the answers, and where to give the next."""
    if decided:
        s.output.heading("Decisions")
        s.output.table(
            ("stage", "decision", "by", "when", "counts", "why"),
            [
                (
                    f"{one.stage}",
                    f"{one.decision} until {one.extend_until}"
                    if one.extend_until
                    else one.decision,
                    one.decided_by,
                    one.decided_at,
                    one.is_valid,
                    one.invalid_reason or one.comment,
                )
                for one in decided
            ],
            empty="None.",
        )
    if plan["state"] != "needs_approval":
        return
    plan_id = plan["plan_id"]
    waiting = [review for review in asked if review.ended_at is None]
    for review in waiting:
        s.output.say(
            f"\nStage {review.stage} is asked since {review.asked_at:%Y-%m-%d %H:%M %Z}. "
            f"Without an answer by {review.answer_due_at:%Y-%m-%d %H:%M %Z} it is rejected.",
            style="yellow",
        )
    if not waiting:
        s.output.say(
            "\nIt waits for a person; the next nightly run asks in Airflow.", style="yellow"
        )
    s.output.say(
        f"Answer under Required Actions, or: doclife plans approve {plan_id} (or reject). Take "
        f"documents out first: doclife plans decide {plan_id} --document EXTERNAL_ID --reject",
        style="yellow",
    )
