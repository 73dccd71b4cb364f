"""How plans are shown to people."""

from collections.abc import Sequence
from typing import Any

from doclife.cli.output import counted, size
from doclife.cli.session import Session
from doclife.domain.actions import ActionType
from doclife.domain.plan import (
    DESTRUCTIVE,
    PURGE,
    REMOVE_ORIGINAL,
    PlanState,
    PlanSummary,
    ShardOutcome,
)
from doclife.domain.rule import Mode
from doclife.store.stored_plans import ItemCount, PlanItem

WAITS = (
    "A person has to agree first: the next nightly run asks in Airflow, under Required Actions, or "
    "say so now: doclife plans approve NUMBER"
)
GONE = {
    PURGE: "What is purged cannot be brought back by anybody.",
    REMOVE_ORIGINAL: "Removed originals are gone; the archived copies stay.",
}


def print_list(s: Session, found: Sequence[dict[str, Any]], *, every_organization: bool) -> None:
    """Print one line per plan, which 80 columns hold; `plans show` and --json tell the rest."""
    left_out: set[str] = set() if every_organization else {"organization"}
    if not any(plan["failed_count"] for plan in found):
        left_out.add("failed")
    rows = [
        {
            "plan": f"{plan['plan_id']}",
            "organization": plan["organization"],
            "what": plan["rule"] or plan["kind"],
            "state": "simulated" if plan["mode"] == Mode.SIMULATE else plan["state"],
            "documents": plan["document_count"],
            "done": plan["done_count"],
            "failed": plan["failed_count"],
            "made": plan["created_at"].date(),
        }
        for plan in found
    ]
    columns = [name for name in next(iter(rows), {}) if name not in left_out]
    s.output.table(columns, [[row[name] for name in columns] for row in rows], empty="No plans.")


def print_plan(
    s: Session,
    plan: dict[str, Any],
    counts: Sequence[ItemCount],
    items: Sequence[PlanItem] | None,
) -> None:
    """Print everything about one plan."""
    facts = {name: value for name, value in plan.items() if name not in HIDDEN and value != []}
    facts["total_bytes"] = size(plan["total_bytes"])
    facts["plan_id"] = str(plan["plan_id"])
    s.output.facts({name.replace("_", " "): value for name, value in facts.items()})
    s.output.heading("What becomes of its documents")
    print_counts(s, counts)
    if items is not None:
        s.output.heading("Documents")
        print_items(s, items, with_ids=plan["state"] == PlanState.NEEDS_APPROVAL)
    if plan["mode"] == "simulate":
        s.output.say("\nA simulation: it is never applied.", style="dim")
    elif plan["state"] in ("planned", "approved", "applying"):
        s.output.say(f"\nDo it with: doclife plans apply {plan['plan_id']}")
    elif plan["state"] == "applied":
        s.output.say(f"\n{way_back(plan['plan_id'], counts)}", style="dim")


HIDDEN = frozenset({"breaker", "definition", "organization_id", "rule_version_id", "options"})
"""For programs: the approval reason says to people what the breaker says."""


def print_counts(s: Session, counts: Sequence[ItemCount]) -> None:
    """Print how many documents there are per action and outcome."""
    s.output.table(
        ("action", "outcome", "why", "documents", "size"),
        [
            (
                count.action,
                count.state,
                (count.reason_code or "").replace("_", " "),
                count.documents,
                size(count.size_bytes),
            )
            for count in counts
        ],
        empty="No document is due.",
    )


def print_items(s: Session, items: Sequence[PlanItem], *, with_ids: bool = False) -> None:
    """Print one line per document.

    :param with_ids: also the ids, by which Airflow asks about them.
    """
    s.output.table(
        (*["id"] * with_ids, "document", "title", "action", "outcome", "due on", "why"),
        [
            (
                *[str(item.document_id)] * with_ids,
                item.external_id,
                item.title,
                item.action,
                item.reason_code or item.state,
                item.due_on,
                item.reason + (f" ({item.blocking_rule})" if item.blocking_rule else ""),
            )
            for item in items
        ],
        empty="None.",
    )


def print_made(s: Session, made: Sequence[PlanSummary]) -> None:
    """Print what was planned and what to do next."""
    s.output.table(
        (
            "plan",
            "organization",
            "what",
            "mode",
            "state",
            "documents",
            "size",
            "blocked",
            "unknown",
        ),
        [
            (
                f"{plan.plan_id}",
                plan.organization,
                plan.rule or str(plan.kind),
                plan.mode,
                str(plan.state),
                plan.document_count,
                size(plan.total_bytes),
                plan.blocked_count,
                plan.unknown_count,
            )
            for plan in made
        ],
        empty="No rule is due.",
    )
    for plan in made:
        if plan.approval_reason is not None:
            s.output.say(f"Plan {plan.plan_id} waits: {plan.approval_reason}.", style="yellow")
    if any(plan.approval_reason for plan in made):
        s.output.say(WAITS, style="yellow")
    ready = [plan for plan in made if plan.mode == "enforce" and plan.state == "planned"]
    if made:
        number = str(made[0].plan_id) if len(made) == 1 else "ID"
        s.output.say(
            f"Nothing was done yet. Look: doclife plans show {number} --items"
            + (f". Do it: doclife plans apply {number}" if ready else ""),
            style="dim",
        )


def print_applied(
    s: Session, plan: dict[str, Any], outcome: ShardOutcome, counts: Sequence[ItemCount]
) -> None:
    """Print what was done and how to take it back."""
    s.output.say(
        f"Plan {plan['plan_id']} is {plan['state']}: {outcome.done:,} done, "
        f"{outcome.skipped:,} skipped, {outcome.failed:,} failed now."
    )
    print_counts(s, counts)
    if outcome.failed or outcome.skipped:
        s.output.say(f"Why, for each: doclife plans show {plan['plan_id']} --items", style="dim")
    s.output.say(way_back(plan["plan_id"], counts), style="dim")


def way_back(plan_id: int, counts: Sequence[ItemCount]) -> str:
    """Return how what the plan has done can be taken back, or that it cannot."""
    done = {count.action for count in counts if count.state == "done"}
    ways = [GONE[action] for action in sorted(done & GONE.keys())]
    if done & {ActionType.ARCHIVE, ActionType.DELETE}:
        ways.append(f"Take it back with: doclife plans undo {plan_id}")
    if done & {ActionType.NOTIFY, ActionType.WEBHOOK}:
        ways.append("Messages that were sent stay sent.")
    return " ".join(ways) or "It has done nothing to any document."


def question(plan_id: int, counts: Sequence[ItemCount]) -> str | None:
    """Return what to ask before the plan is applied; None when it destroys nothing."""
    open_items = [
        count for count in counts if count.state == "planned" and count.action in DESTRUCTIVE
    ]
    if not open_items:
        return None
    what = ", ".join(
        f"{count.action.replace('_', ' ')} {counted(count.documents, 'document')}"
        f" ({size(count.size_bytes)})"
        for count in open_items
    )
    final = " This cannot be undone." if {c.action for c in open_items} & GONE.keys() else ""
    return f"Plan {plan_id} will {what}.{final} Apply it?"
