"""What Airflow shows a person who is asked about a plan: numbers and ids, never titles.

Airflow keeps and shows these texts to everybody who may see the DAG, which is more people than
may see the documents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from doclife.delivery.links import NO_LINKS, Links
from doclife.domain.plan import DESTRUCTIVE, PURGE, REMOVE_ORIGINAL
from doclife.store import decisions, reviews, stored_plans
from doclife.store.connection import Connection
from doclife.store.decisions import Decision
from doclife.store.reviews import Question

SAMPLE_SIZE = 10
DOES = {
    "ARCHIVE": "archive",
    "DELETE": "move to the trash",
    PURGE: "destroy for good",
    REMOVE_ORIGINAL: "remove the original of",
    "NOTIFY": "notify about",
    "WEBHOOK": "call a webhook for",
}
WHY_NOT = {
    "held": "under legal hold",
    "retained": "kept by another rule",
    "reprieved": "restored or rejected a while ago",
    "cooling_off": "registered or changed in the last days",
    "not_warned": "nobody has been warned long enough ago",
    "reserved": "in another open plan",
    "rejected": "taken out in review",
    "extended": "kept longer in review",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestText:
    """One question as people read it."""

    subject: str
    body: str
    """Markdown."""
    stage: str | None
    """Name of the stage in the rule; None where a limit asks and no rule."""


def compose(
    conn: Connection, question: Question, *, answer_due_at: datetime, links: Links = NO_LINKS
) -> RequestText:
    """Compose what a person is asked about a plan, as it stands now.

    :param links: where the plan's page is, if anywhere.
    """
    plan = reviews.describe(conn, question.plan_id)
    if plan is None:
        raise LookupError(f"there is no plan {question.plan_id}")
    counts = stored_plans.count_items(conn, question.plan_id)
    open_counts = [count for count in counts if count.state == "planned"]
    blocked = [count for count in counts if count.state == "skipped"]
    destroyed = sum(count.documents for count in open_counts if count.action in DESTRUCTIVE)
    what = plan["rule"] or f"{plan['kind']} by {plan['requested_by']}"
    zone = ZoneInfo(plan["time_zone"])
    parts = [
        f"**{what}**, organization {plan['organization']}. Asked for by {plan['requested_by']} on "
        f"{_moment(plan['created_at'], zone)}.",
        f"**Why you are asked:** {plan['approval_reason']}.{_stage(plan, question)}",
        _refused(decisions.list_of_plan(conn, question.plan_id), question),
        _table(
            ("If approved, the system will", "documents", "size"),
            [
                (DOES.get(count.action, count.action), count.documents, _size(count.size_bytes))
                for count in open_counts
            ],
        ),
        _table(
            ("Left out, because they are", "documents"),
            [
                (WHY_NOT.get(str(count.reason_code), _words(count.reason_code)), count.documents)
                for count in blocked
            ],
        ),
        f"**{plan['unknown_count']:,}** {_documents(plan['unknown_count'])} cannot be judged, "
        "because what the rule needs to know is missing, and what is unknown is kept."
        if plan["unknown_count"]
        else "",
        _sample(reviews.sample(conn, question.plan_id, size=SAMPLE_SIZE), destroyed),
        f"All of them with their titles: {_page(links, question)}`doclife plans show "
        f"{question.plan_id} --items`. Take single ones out first: `doclife plans decide "
        f"{question.plan_id} --document EXTERNAL_ID --reject` (or `--extend-until DATE`, `--hold "
        "MATTER`). What is taken out after this was asked is still listed here, and nothing is "
        "done to it.",
        _answers(plan, answer_due_at=_moment(answer_due_at, zone)),
    ]
    return RequestText(
        stage=_stage_name(plan, question),
        subject=f"Plan {question.plan_id}, {what}: {destroyed:,} {_documents(destroyed)}. Approve?",
        body="\n\n".join(part for part in parts if part),
    )


def _page(links: Links, question: Question) -> str:
    url = links.plan(question.plan_id)
    return "" if url is None else f"[the plan's page]({url}), or "


def _stage_name(plan: Mapping[str, Any], question: Question) -> str | None:
    stages = (plan["review"] or {}).get("stages") or []
    return stages[question.stage - 1] if question.stage <= len(stages) else None


def _stage(plan: Mapping[str, Any], question: Question) -> str:
    name = _stage_name(plan, question)
    if name is None:
        return ""
    return f" This is stage {question.stage} of {plan['required_stages']}: **{name}**."


def _refused(made: Sequence[Decision], question: Question) -> str:
    """Say why the last answer did not count."""
    refused = [one for one in made if one.stage == question.stage and not one.is_valid]
    if not question.attempt or not refused:
        return ""
    return f"**Asked again:** the last answer did not count. {refused[-1].invalid_reason}."


def _answers(plan: Mapping[str, Any], *, answer_due_at: str) -> str:
    wrote = "wrote this version of the rule, " if plan["author"] else ""
    return "\n".join(
        (
            "* **Approve**: the plan is applied, and each document is judged once more before. "
            f"The approval of whoever {wrote}asked for the plan or approved another stage of it "
            "does not count.",
            f"* **Reject**: nothing is done; the documents are left alone for "
            f"{plan['reprieve_days']} days.",
            "* **Extend**: nothing is done, and the documents are kept to the day given below.",
            "* **Hold**: nothing is done, and all are put under the legal hold named below.",
            "",
            f"Without an answer by **{answer_due_at}** the plan counts as rejected. If the next "
            "night makes a newer plan of the same rule before, that one is asked about instead.",
        )
    )


def _sample(rows: Sequence[Mapping[str, Any]], total: int) -> str:
    if not rows:
        return "Nothing is left in this plan: all of it was taken out."
    table = _table(
        ("Document id", "type", "due since", "size"),
        [
            (
                row["document_id"],
                row["document_type"],
                row["due_on"],
                _size(row["size_bytes"]),
            )
            for row in rows
        ],
    )
    first = "longest overdue ones" if total > len(rows) else "documents"
    return f"The {first} that an approval is about:\n\n{table}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    # Types are written by applications: nothing in them is Markdown or HTML here.
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|~&" else c for c in str(value)[:60])


def _documents(number: int) -> str:
    return "document" if number == 1 else "documents"


def _words(code: str | None) -> str:
    return (code or "other").replace("_", " ")


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _size(size_bytes: int) -> str:
    amount, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
