"""Lists the units of work of stored plans, for tasks to be mapped over."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.errors import ConfigurationError
from doclife.operators.lifecycle_operator import LifecycleOperator
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.domain.plan import ShardRef
    from doclife.store.connection import Connection

MAX_TASKS = 1000
"""Airflow maps at most 1,024 tasks over one XCom (``[core] max_map_length``)."""

ShardJson = dict[str, int | str]


class ListShardsOperator(LifecycleOperator):
    """List what is left to do of started plans, ready to be expanded.

    Returns a list with one entry per task: the shards that it works through, nearly always one.
    Only when a night has more than 1,000 shards of one action does a task get several.

    :param plan_ids: the plans, as PlanRulesOperator or PlanPurgesOperator returned them.
    :param actions: e.g. ``["DELETE"]``.
    """

    template_fields: Sequence[str] = (*LifecycleOperator.template_fields, "plan_ids")

    def __init__(self, *, plan_ids: Sequence[int], actions: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_ids = plan_ids
        self.actions = actions

    def work(self, conn: "Connection", run: TaskRun) -> list[list[ShardJson]]:
        """Return the shards dealt out to tasks."""
        from doclife.lifecycle.running import list_shards

        return deal(list_shards(conn, plan_ids=self.plan_ids, actions=self.actions))


def deal(shards: "Sequence[ShardRef]", *, most: int = MAX_TASKS) -> list[list[ShardJson]]:
    """Return the shards in at most ``most`` hands."""
    hands = min(len(shards), most)
    return [[shard.to_json() for shard in shards[hand::hands]] for hand in range(hands)]


def parse_shards(entries: Sequence[ShardJson], *, actions: Sequence[str]) -> "list[ShardRef]":
    """Read shards back from XCom.

    :raises ConfigurationError: one is malformed, or of an action that the operator is not for.
    """
    from doclife.domain.plan import ShardRef

    found = []
    for entry in entries:
        try:
            shard = ShardRef(**entry)  # type: ignore[arg-type]  # XCom carries what to_json made
        except TypeError:
            raise ConfigurationError(
                f"{entry!r} is not a shard; expand over the output of a ListShardsOperator"
            ) from None
        if shard.action not in actions:
            raise ConfigurationError(
                f"shard {shard.shard} of plan {shard.plan_id} is for {shard.action}, but this "
                f"task is for {' and '.join(actions)}; give its ListShardsOperator other actions"
            )
        found.append(shard)
    return found
