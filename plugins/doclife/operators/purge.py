"""Plans and does what cannot be undone: destroying bytes whose grace period is over."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.operators.connecting import document_stores
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.plan_link import PlanLink
from doclife.operators.plan_rules import MODE, parse_mode
from doclife.operators.shards import ShardJson, parse_shards
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection

ACTIONS = ("PURGE", "REMOVE_ORIGINAL")


class PlanPurgesOperator(LifecycleOperator):
    """Plan the purge of the trash and the removal of originals that have an archived copy.

    What is past grace is judged at the present, never at an earlier decision moment. Returns the
    ids of the plans; those that may run are started.

    :param mode: ``simulate`` stores plans that are never applied; empty or ``enforce`` acts
        (templated).
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "mode")
    operator_extra_links = (PlanLink(),)

    def __init__(self, *, mode: str = MODE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = mode

    def work(self, conn: "Connection", run: TaskRun) -> list[int]:
        """Store and start the plans."""
        from doclife.domain.rule import Mode
        from doclife.lifecycle.planning import plan_purges
        from doclife.lifecycle.running import start_plans

        stored = plan_purges(
            conn,
            now=present(),
            dag_id=run.dag_id,
            run_id=run.run_id,
            requested_by=run.actor,
            mode=parse_mode(self.mode) or Mode.ENFORCE,
        )
        plan_ids = [plan.plan_id for plan in stored]
        start_plans(conn, plan_ids=plan_ids, now=present())
        return plan_ids


class PurgeOperator(LifecycleOperator):
    """Destroy the bytes of purge plans, and remove originals; what is done stays done.

    It takes no selection: nothing is purged that was not deleted, or archived, and kept for its
    grace period before.

    :param shards: one entry of a ListShardsOperator's output; expand over it.
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "shards")
    operator_extra_links = (PlanLink(),)

    def __init__(self, *, shards: Sequence[ShardJson], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shards = shards

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Apply, and return how many documents were done, skipped and failed."""
        from doclife.domain.plan import ShardOutcome
        from doclife.lifecycle.applying import apply_shard

        stores = document_stores(conn)
        total = ShardOutcome()
        for shard in parse_shards(self.shards, actions=ACTIONS):
            total += apply_shard(conn, shard=shard, now=present, actor=run.actor, stores=stores)
        return {"done": total.done, "skipped": total.skipped, "failed": total.failed}
