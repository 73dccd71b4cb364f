"""Waits until messages are delivered, without a worker."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from doclife.operators.queue_trigger import conninfo_of


class DeliveryTrigger(BaseTrigger):
    """Fires once, when no message of some plans waits any more, or the time is over.

    :param plan_ids: whose messages.
    :param kinds: kinds of jobs that count.
    :param until: the moment after which it waits no longer, ISO 8601; restarts do not prolong it.
    :param postgres_conn_id: Airflow Connection to the catalogue.
    """

    def __init__(
        self, *, plan_ids: Sequence[int], kinds: Sequence[str], until: str, postgres_conn_id: str
    ) -> None:
        super().__init__()
        self.plan_ids = list(plan_ids)
        self.kinds = list(kinds)
        self.until = until
        self.postgres_conn_id = postgres_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again, in another process."""
        return (
            "doclife.operators.delivery_trigger.DeliveryTrigger",
            {
                "plan_ids": self.plan_ids,
                "kinds": self.kinds,
                "until": self.until,
                "postgres_conn_id": self.postgres_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire once; the task looks for itself at what became of the messages."""
        from doclife.lifecycle.watching import wait_until_delivered

        left = datetime.fromisoformat(self.until) - datetime.now(UTC)
        is_over = await wait_until_delivered(
            self._conninfo,
            plan_ids=self.plan_ids,
            kinds=self.kinds,
            seconds=max(0.0, left.total_seconds()),
        )
        yield TriggerEvent({"is_over": is_over})

    async def _conninfo(self) -> str:
        found: str = await sync_to_async(conninfo_of)(self.postgres_conn_id)
        return found
