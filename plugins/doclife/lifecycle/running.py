"""The plans of one DAG run: started together, listed as shards, concluded together."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doclife.domain.plan import PlanState, ShardRef
from doclife.errors import RefusedError
from doclife.lifecycle import applying
from doclife.lifecycle.log_fields import log_fields
from doclife.store import stored_plans
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

STARTABLE = (PlanState.PLANNED, PlanState.APPROVED, PlanState.APPLYING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """What became of the plans of a run."""

    plans: int
    simulated: int
    """Plans that only say what would be done."""
    waiting: tuple[int, ...]
    """Plans that a person has to approve."""
    unfinished: tuple[int, ...]
    """Plans that were begun and have something left to do."""
    failing: tuple[int, ...]
    """Plans some of whose documents could not be done."""
    outcomes: dict[str, int]
    """Documents by action and outcome, e.g. ``{"archive_done": 12, "delete_simulated": 3}``."""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers alone."""
        return {
            "plans": self.plans,
            "simulated": self.simulated,
            "waiting_for_approval": len(self.waiting),
            **self.outcomes,
        }


def start_plans(conn: Connection, *, plan_ids: Sequence[int], now: datetime) -> list[int]:
    """Start, or go on with, those of the plans that may run; return their ids.

    Simulations, plans that wait for a person and plans that have ended are left alone. One plan
    that is refused (its rule was changed since) does not keep the others from running.

    :raises RefusedError: every plan that might have run was refused, as when all is halted.
    """
    started, refusals = [], []
    for plan_id in plan_ids:
        summary = stored_plans.summary(conn, plan_id)
        with log_fields(plan_id=plan_id, rule=summary.rule):
            if summary.mode != "enforce" or summary.state not in STARTABLE:
                logger.info("Plan %s is not started: %s, %s", plan_id, summary.mode, summary.state)
                continue
            try:
                applying.start(conn, plan_id=plan_id, now=now)
            except RefusedError as refusal:
                logger.warning("%s", refusal)
                refusals.append(str(refusal))
            else:
                started.append(plan_id)
    if refusals and not started:
        raise RefusedError(" ".join(refusals))
    return started


def list_shards(
    conn: Connection, *, plan_ids: Sequence[int], actions: Sequence[str]
) -> list[ShardRef]:
    """Return what is left to do of those of the plans that were started, for these actions."""
    return [
        shard
        for plan_id in plan_ids
        if stored_plans.summary(conn, plan_id).state is PlanState.APPLYING
        for shard in stored_plans.list_shards(conn, plan_id)
        if shard.action in actions
    ]


def conclude(conn: Connection, *, plan_ids: Sequence[int], now: datetime) -> Conclusion:
    """Call those plans applied of which nothing is left to do, and count what became of all.

    Called again, it counts again.
    """
    waiting, unfinished, failing = [], [], []
    simulated = 0
    outcomes: Counter[str] = Counter()
    for plan_id in plan_ids:
        state = applying.finish(conn, plan_id=plan_id, now=now)
        if state is PlanState.NEEDS_APPROVAL:
            waiting.append(plan_id)
        if state is PlanState.APPLYING:
            unfinished.append(plan_id)
        is_simulated = stored_plans.summary(conn, plan_id).mode != "enforce"
        simulated += is_simulated
        for count in stored_plans.count_items(conn, plan_id):
            kind = "simulated" if is_simulated else count.state
            outcomes[f"{count.action.lower()}_{kind}"] += count.documents
            if count.state == "failed":
                failing.append(plan_id)
    return Conclusion(
        plans=len(plan_ids),
        simulated=simulated,
        waiting=tuple(waiting),
        unfinished=tuple(unfinished),
        failing=tuple(dict.fromkeys(failing)),
        outcomes=dict(sorted(outcomes.items())),
    )
