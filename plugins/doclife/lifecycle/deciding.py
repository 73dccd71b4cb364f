"""Decisions to keep what a plan would destroy: single documents of it, or all that is open.

Whoever may use the command line may decide so: keeping is always allowed. It takes effect at once
and outlives the plan, so that the next night's plan does not ask for the same documents again.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from doclife.delivery.plain_text import one_line
from doclife.domain.plan import PlanState
from doclife.domain.review import Answer, Keeping
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.holding import hold
from doclife.store import decisions, matters, organizations, reviews
from doclife.store.connection import Connection
from doclife.store.decisions import LockedDocuments

OPEN_STATES = (
    PlanState.PLANNED,
    PlanState.NEEDS_APPROVAL,
    PlanState.APPROVED,
    PlanState.APPLYING,
)
COMMENT_LENGTH = 500
CODES = {Answer.REJECT: "rejected", Answer.EXTEND: "extended", Answer.HOLD: "held"}


def keep_documents(
    conn: Connection,
    *,
    plan_id: int,
    document_ids: Sequence[int],
    keeping: Keeping,
    actor: str,
    now: datetime,
) -> list[int]:
    """Take documents out of a plan, and return those that it would still have destroyed.

    One whose destruction has begun is not among them: that is brought to its end.

    They are left alone afterwards: for the organization's reprieve after REJECT, until the day of
    an EXTEND, and as long as the matter of a HOLD is open. Decided upon once more, nothing is left
    to take out.

    :raises RefusedError: the decision is incomplete, or the plan has ended.
    """
    with conn.transaction():
        plan = _find(conn, plan_id)
        today = organizations.find(conn, plan["organization"]).date_of(now)
        if fault := keeping.fault(today=today):
            raise RefusedError(fault)
        if plan["state"] not in OPEN_STATES or plan["mode"] != "enforce":
            what = "a simulation" if plan["mode"] != "enforce" else plan["state"]
            raise RefusedError(f"plan {plan_id} is {what}: there is nothing to keep out of it.")
        locked = lock(conn, plan, keeping=keeping, document_ids=document_ids)
        open_ids = locked.open_ids
        if open_ids or locked.begun_ids:
            decisions.insert_for_documents(
                conn,
                plan_id=plan_id,
                stage=1,
                document_ids=open_ids,
                decision=keeping.answer,
                decided_by=actor,
                now=now,
                comment=keeping.comment,
                extend_until=keeping.until,
            )
            keep_locked(
                conn, plan, locked=locked, keeping=keeping, actor=actor, now=now, rest=False
            )
        return open_ids


def lock(
    conn: Connection,
    plan: Mapping[str, Any],
    *,
    keeping: Keeping,
    document_ids: Sequence[int] | None = None,
) -> LockedDocuments:
    """Lock what is decided about: the matter of a HOLD, then what the plan would destroy.

    :param plan: as ``reviews.describe`` returns it.
    :param document_ids: only these; None for all of the plan.
    """
    if keeping.answer is Answer.HOLD:
        name = str(keeping.matter).strip()
        matters.share(conn, organization_id=plan["organization_id"], name=name)
    return decisions.lock_documents(conn, plan["plan_id"], document_ids=document_ids)


def keep_locked(
    conn: Connection,
    plan: Mapping[str, Any],
    *,
    locked: LockedDocuments,
    keeping: Keeping,
    actor: str,
    now: datetime,
    rest: bool,
) -> None:
    """Keep documents that are locked, and close their items.

    A hold on those whose destruction has begun is recorded as too late, with the moment.

    :param locked: as ``lock`` returns it.
    :param plan: as ``reviews.describe`` returns it.
    :param rest: also close everything else of the plan: messages, and destruction that has begun,
        which the next purge brings to its end.
    """
    document_ids = locked.open_ids
    today: date = organizations.find(conn, plan["organization"]).date_of(now)
    said = f": {one_line(keeping.comment, length=COMMENT_LENGTH)}" if keeping.comment else ""
    if keeping.answer is Answer.HOLD:
        matter = str(keeping.matter).strip()
        reason = f"held under {matter} by {actor}{said}"
        hold(
            conn,
            organization=plan["organization"],
            matter=matter,
            reason=keeping.comment or f"decided about plan {plan['plan_id']}",
            document_ids=[*document_ids, *locked.begun_ids],
            actor=actor,
            now=now,
        )
    else:
        until = keeping.until or today + timedelta(days=plan["reprieve_days"])
        what = "rejected" if keeping.answer is Answer.REJECT else "kept longer"
        reason = f"{what} by {actor}, left alone until {until}{said}"
        decisions.keep(
            conn,
            plan_id=plan["plan_id"],
            document_ids=document_ids,
            organization_id=plan["organization_id"],
            until=until,
            now=now,
            actor=actor,
            rule=plan["rule"],
            reason=reason,
        )
    code = CODES[keeping.answer]
    decisions.close_items(
        conn,
        plan_id=plan["plan_id"],
        document_ids=document_ids,
        code=code,
        reason=reason,
        now=now,
    )
    if rest:
        decisions.close_items(
            conn,
            plan_id=plan["plan_id"],
            document_ids=None,
            code=code,
            reason=f"the plan was answered with {keeping.answer} by {actor}{said}",
            now=now,
        )


def _find(conn: Connection, plan_id: int) -> dict[str, Any]:
    plan = reviews.describe(conn, plan_id)
    if plan is None:
        raise ConfigurationError(f"there is no plan {plan_id}. See: doclife plans list")
    return plan
