"""Plans once more what a plan of chosen documents failed on.

What a rule failed on is due again on the next night. A selection is nobody's work but that of who
chose it, and without this its failures would stay what they are.
"""

from datetime import datetime

from doclife.domain.actions import ActionType
from doclife.domain.plan import PlanKind, PlanState, PlanSummary
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.choosing import MOST_DOCUMENTS
from doclife.lifecycle.planning import plan_selection
from doclife.store import stored_plans, switches
from doclife.store.connection import Connection

ENDED = (PlanState.APPLIED, PlanState.UNDONE)


def plan_failed_again(
    conn: Connection,
    *,
    plan_id: int,
    now: datetime,
    dag_id: str,
    run_id: str,
    requested_by: str,
    reason: str,
) -> PlanSummary:
    """Store a new plan for the documents that a plan failed on: the same action and settings.

    They are judged anew. The same run asking again finds its plan.

    :raises ConfigurationError: there is no such plan.
    :raises RefusedError: it is no plan of chosen documents, has not ended, failed on nothing or on
        more than one plan of chosen documents takes, or everything is halted.
    """
    plan = stored_plans.find(conn, plan_id)
    if plan is None:
        raise ConfigurationError(f"there is no plan {plan_id}. See: doclife plans list")
    if plan["kind"] != PlanKind.SELECTION:
        raise RefusedError(
            f"plan {plan_id} is of kind {plan['kind']}: what it failed on is due again with the "
            "next plan of its kind."
        )
    if plan["state"] not in ENDED:
        raise RefusedError(f"plan {plan_id} is {plan['state']}: it may still do what failed.")
    halted = switches.read(conn)
    if halted.reason is not None:
        raise RefusedError(f"nothing was planned: everything is halted ({halted.reason}).")
    failed = stored_plans.list_failed(conn, plan_id, size=MOST_DOCUMENTS + 1)
    if not failed:
        raise RefusedError(f"plan {plan_id} failed on nothing.")
    if len(failed) > MOST_DOCUMENTS:
        raise RefusedError(
            f"plan {plan_id} failed on more than {MOST_DOCUMENTS:,} documents: choose them in "
            "parts."
        )
    actions = {one.action for one in stored_plans.count_items(conn, plan_id)}
    return plan_selection(
        conn,
        organization=plan["organization"],
        action=ActionType(actions.pop()),
        document_ids=failed,
        now=now,
        as_of=now,
        dag_id=dag_id,
        run_id=run_id,
        requested_by=requested_by,
        reason=reason,
        options=plan["options"],
    )
