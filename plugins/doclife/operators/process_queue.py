"""The three tasks of ``process_queue``."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from doclife.errors import ConfigurationError
from doclife.operators.connecting import (
    document_stores,
    documents_database,
    find_connection,
)
from doclife.operators.lifecycle_operator import LifecycleOperator, present
from doclife.operators.linking import message_links
from doclife.operators.metrics import are_sent
from doclife.operators.queue_trigger import conninfo_of
from doclife.operators.review_runs import start_reviews
from doclife.operators.task_run import TaskRun

if TYPE_CHECKING:
    from doclife.store.connection import Connection

DRAINERS = "DOCLIFE_DRAINERS"
MOST_DRAINERS = 16
DRAINS_AT_ONCE = 4
"""In all runs together, unless one run alone has more: a receiver that hangs makes further runs
come, and on a small cluster those would take every slot while the night waits."""


def drainers() -> list[int]:
    """Return a number for each process with which one run sends, to expand ``drain`` over.

    One by default: it sends thousands of messages a second, and when it does not keep up, further
    runs come by themselves. Read where DAG files are parsed.

    :raises ConfigurationError: ``DOCLIFE_DRAINERS`` is no number from 1 to 16.
    """
    text = os.environ.get(DRAINERS) or "1"
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DRAINERS:
        raise ConfigurationError(
            f"{DRAINERS}={text!r} is no number of processes; write 1 to {MOST_DRAINERS}"
        )
    return list(range(int(text)))


def drains_at_once() -> int:
    """Return with how many processes all runs together send, at most."""
    return max(DRAINS_AT_ONCE, len(drainers()))


class ReactToEventsOperator(LifecycleOperator):
    """Store webhook calls for subscriptions and plans for rules with ON_EVENT, and apply these.

    Also goes on with plans of the queue whose process died, and lets somebody be asked about those
    that need approval. Returns how many events, calls and
    plans there were.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """React, and return the counts."""
        from doclife.lifecycle.own_channels import continue_plans
        from doclife.lifecycle.reacting import react_to_events

        reaction = react_to_events(conn, now=present())
        applied = continue_plans(conn, stores=document_stores(conn), links=message_links())
        if reaction.plans:
            start_reviews(conn)
        return {
            "events": reaction.events,
            "calls": reaction.calls,
            "plans": reaction.plans,
            "applied": applied,
        }


class RunSchedulesOperator(LifecycleOperator):
    """Store the jobs of schedules whose time has come; plan and apply rules by their own cron.

    A plan that needs approval is stored, and somebody is asked. Returns how many jobs and plans
    were stored.
    """

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Run what is due, and return the counts."""
        from doclife.lifecycle.own_channels import continue_plans
        from doclife.lifecycle.scheduled_rules import plan_scheduled_rules
        from doclife.lifecycle.scheduling import run_due
        from doclife.store import clock

        now = clock.present(conn)
        jobs = run_due(conn, now=now)
        plans = plan_scheduled_rules(conn, now=now)
        if plans:
            continue_plans(conn, stores=document_stores(conn), links=message_links())
            start_reviews(conn)
        return {"jobs": jobs, "plans": len(plans)}


class DrainQueueOperator(LifecycleOperator):
    """Send what is due, and what comes due within a while, then end.

    Several may run at once, here and elsewhere: each job goes to one of them. Killed at any moment,
    its jobs are tried again by another within a minute. While all is halted it does nothing.

    Returns how many jobs were sent, are tried again later, and were given up.

    :param drainer: which of the processes of one run this is; expand over ``drainers()``. They
        share the work whatever their numbers.
    :param linger_seconds: how long it waits for more work before it ends. Longer means fewer runs
        for a steady trickle.
    :param most_seconds: after this it takes no more, and a new run goes on.
    """

    template_fields: Sequence[str] = LifecycleOperator.template_fields

    def __init__(
        self,
        *,
        drainer: int = 0,
        linger_seconds: float = 30.0,
        most_seconds: float = 300.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.drainer = drainer
        self.linger_seconds = linger_seconds
        self.most_seconds = most_seconds

    def work(self, conn: "Connection", run: TaskRun) -> dict[str, int]:
        """Drain, and return the counts."""
        import asyncio
        import random
        import socket

        from doclife.delivery.configuration import read_delivery_settings
        from doclife.lifecycle.draining import DrainSettings
        from doclife.lifecycle.sending import drain_queue
        from doclife.store.connection import connect

        conninfo = conninfo_of(self.postgres_conn_id)
        drained = asyncio.run(
            drain_queue(
                connect=lambda: connect(conninfo, application_name=run.name),
                delivery=read_delivery_settings(os.environ),
                connections=find_connection,
                open_stores=document_stores,
                links=message_links(),
                name=f"{socket.gethostname()}:{os.getpid()}",
                present=present,
                chance=random.random,
                settings=DrainSettings(
                    linger_seconds=self.linger_seconds, most_seconds=self.most_seconds
                ),
                counts_deliveries=are_sent(),
            )
        )
        if drained.halt_reason:
            self.log.warning("Nothing more is sent: %s", drained.halt_reason)
        else:
            # Events and schedules that came meanwhile may have become plans that ask for a person.
            with documents_database(self.postgres_conn_id, application_name=run.name) as renewed:
                start_reviews(renewed)
        return {
            "sent": drained.sent,
            "retried": drained.retried,
            "failed": drained.failed,
            "rescued": drained.rescued,
        }
