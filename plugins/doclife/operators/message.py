"""What NotifyOperator and WebhookOperator have in common: they can wait until they are heard."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from doclife.errors import RefusedError
from doclife.operators.action import ActionOperator
from doclife.operators.connecting import documents_database
from doclife.operators.delivery_trigger import DeliveryTrigger
from doclife.operators.faults import lasting_faults_fail_at_once
from doclife.operators.lifecycle_operator import present
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from airflow.sdk import Context

    from doclife.store.connection import Connection
    from doclife.store.plan_deliveries import Delivery


class MessageOperator(ActionOperator):
    """Queue messages; green means queued or, with ``wait_for_delivery``, delivered.

    While it waits it holds no worker: it is deferred to the triggerer. It is red, with the reason,
    when a message was given up. Retry that (``doclife jobs retry``), then clear the task: it waits
    again, and sends nothing twice.

    :param wait_for_delivery: end when every message of the plan has been taken by its receiver:
        by the mail server, by Slack, by the endpoint. Given shards, all messages of this kind of
        their plans count. What a digest collects is not waited for.
    :param delivery_timeout: how long to wait at most, then it is red though the messages may still
        be tried. 4 days by default: a webhook is tried for three.
    """

    kinds: ClassVar[Sequence[str]]

    def __init__(
        self,
        *,
        wait_for_delivery: bool = False,
        delivery_timeout: timedelta = timedelta(days=4),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_delivery = wait_for_delivery
        self.delivery_timeout = delivery_timeout

    def conclude(
        self, conn: "Connection", plan_ids: Sequence[int], counts: dict[str, int]
    ) -> dict[str, int]:
        """Return the counts now, or when all is delivered."""
        if not self.wait_for_delivery:
            return counts
        if self._judge(conn, plan_ids).waiting:
            self._wait(plan_ids, counts)
        return counts

    def _wait(self, plan_ids: Sequence[int], counts: dict[str, int]) -> NoReturn:
        self.log.info("Waiting for the messages of plans %s to be delivered", plan_ids)
        self.defer(
            trigger=DeliveryTrigger(
                plan_ids=plan_ids,
                kinds=self.kinds,
                until=(present() + self.delivery_timeout).isoformat(),
                postgres_conn_id=self.postgres_conn_id,
            ),
            method_name="execute_complete",
            kwargs={"plan_ids": list(plan_ids), "counts": counts},
        )

    def execute_complete(
        self,
        context: "Context",
        event: Mapping[str, Any],
        plan_ids: Sequence[int],
        counts: dict[str, int],
    ) -> dict[str, int]:
        """Look at what became of the messages; return the counts, or fail with the reason."""
        run = TaskRun.of(context)
        with (
            lasting_faults_fail_at_once(),
            documents_database(self.postgres_conn_id, application_name=run.name) as conn,
        ):
            delivery = self._judge(conn, plan_ids)
            if delivery.waiting and event["is_over"]:
                self._wait(plan_ids, counts)  # somebody has retried what was given up
            if delivery.waiting:
                raise RefusedError(
                    f"{delivery.waiting} messages were not delivered within "
                    f"{self.delivery_timeout}; they are still tried. See: doclife jobs list"
                )
        self.publish(context, counts)
        return counts

    def _judge(self, conn: "Connection", plan_ids: Sequence[int]) -> "Delivery":
        """Return how far the messages are, if none was given up."""
        from doclife.store import plan_deliveries

        delivery = plan_deliveries.find(conn, plan_ids=plan_ids, kinds=self.kinds)
        if delivery.given_up and not delivery.waiting:
            raise RefusedError(
                f"{delivery.given_up} messages were given up: {'; '.join(delivery.reasons)}. "
                "Try again: doclife jobs retry, then clear this task."
            )
        return delivery
