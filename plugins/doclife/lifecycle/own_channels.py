"""The kinds of jobs that doclife does itself: plans, reports, lines in the dashboard.

They come out of the same queue as messages, with the same attempts and history. An ``archive`` or
``delete`` job never touches a document: it becomes a plan with all belts, together
with the others of its batch, and is done when that plan is stored and, where nothing speaks against
it, applied.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence

import psycopg

from doclife.delivery.channel import Channel, Message
from doclife.delivery.links import NO_LINKS, Links
from doclife.delivery.outcome import Attempt, Outcome
from doclife.domain.actions import ActionType
from doclife.domain.plan import PlanState, PlanSummary
from doclife.errors import ConfigurationError, DoclifeError, TryAgainLater
from doclife.lifecycle.alerting import alert_operators
from doclife.lifecycle.applying import apply_plan
from doclife.lifecycle.documents import find_document_ids
from doclife.lifecycle.due import QUEUE
from doclife.lifecycle.log_fields import log_fields
from doclife.lifecycle.planning import plan_selection
from doclife.lifecycle.reporting import make_report
from doclife.storage.stores import Stores
from doclife.store import clock, notices, plans
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

PLANNER = QUEUE
"""Stands where a plan names the DAG that asked for it; also when the command line drained."""
ACTOR = "event"

Connect = Callable[[], Connection]
OpenStores = Callable[[Connection], Stores]


class NotificationChannel:
    """Shows what jobs say in the dashboard."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Store the notifications; a second attempt shows nothing twice."""
        return await asyncio.to_thread(self._deliver, messages)

    def _deliver(self, messages: Sequence[Message]) -> list[Attempt]:
        started = time.monotonic()
        try:
            with self._connect() as conn:
                notices.show_of_jobs(
                    conn, [(message.job_id, message.payload) for message in messages]
                )
        except psycopg.Error as error:
            return [_attempt(Outcome.RETRY, started, error=str(error))] * len(messages)
        return [_attempt(Outcome.SENT, started)] * len(messages)


class ReportChannel:
    """Makes, keeps and sends the reports that jobs ask for."""

    def __init__(self, connect: Connect, *, open_stores: OpenStores, links: Links) -> None:
        self._connect = connect
        self._open_stores = open_stores
        self._links = links

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Make each job's report; a second attempt finds the first one's."""
        return await asyncio.to_thread(lambda: [self._deliver(message) for message in messages])

    def _deliver(self, message: Message) -> Attempt:
        started = time.monotonic()
        try:
            with self._connect() as conn:
                report = make_report(
                    conn,
                    job_id=message.job_id,
                    organization=message.organization,
                    payload=message.payload,
                    stores=self._open_stores(conn),
                    now=clock.present(conn),
                    links=self._links,
                )
        except ConfigurationError as error:
            return _attempt(Outcome.DEAD, started, error=str(error))
        except (DoclifeError, psycopg.Error) as error:
            return _attempt(Outcome.RETRY, started, error=str(error))
        return _attempt(Outcome.SENT, started, answer=f"report {report.report_id}")


class PlanChannel:
    """Plans and applies what jobs of kind archive and delete ask for."""

    def __init__(self, connect: Connect, *, open_stores: OpenStores) -> None:
        self._connect = connect
        self._open_stores = open_stores

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Make one plan per organization, reason and kind of what is asked, and apply it."""
        return await asyncio.to_thread(self._deliver, messages)

    def _deliver(self, messages: Sequence[Message]) -> list[Attempt]:
        found: dict[int, Attempt] = {}
        groups: dict[tuple[str, str, str], list[Message]] = {}
        for message in messages:
            key = (message.organization, message.kind, str(message.payload["reason"]))
            groups.setdefault(key, []).append(message)
        for group in groups.values():
            found.update(self._try_together(group))
        return [found[message.job_id] for message in messages]

    def _try_together(self, group: Sequence[Message]) -> dict[int, Attempt]:
        """Plan a group; when one job's fault keeps the rest, each by itself."""
        started = time.monotonic()
        try:
            with self._connect() as conn:
                answer = self._plan(conn, group)
        except (TryAgainLater, psycopg.OperationalError) as error:
            failed = _attempt(Outcome.RETRY, started, error=str(error))
            return {message.job_id: failed for message in group}
        except ConfigurationError as error:
            if len(group) > 1:
                return {
                    id_: attempt
                    for message in group
                    for id_, attempt in self._try_together([message]).items()
                }
            return {group[0].job_id: _attempt(Outcome.DEAD, started, error=str(error))}
        except DoclifeError as error:
            failed = _attempt(Outcome.RETRY, started, error=str(error))
            return {message.job_id: failed for message in group}
        done = _attempt(Outcome.SENT, started, answer=answer)
        return {message.job_id: done for message in group}

    def _plan(self, conn: Connection, group: Sequence[Message]) -> str:
        first = group[0]
        chosen: list[int] = []
        for message in group:
            chosen += message.payload.get("document_ids", [])
            if names := message.payload.get("external_ids"):
                chosen += find_document_ids(
                    conn, organization=message.organization, external_ids=names
                )
        jobs = ",".join(str(message.job_id) for message in group)
        now = clock.present(conn)
        summary = plan_selection(
            conn,
            organization=first.organization,
            action=ActionType(first.kind.upper()),
            document_ids=chosen,
            now=now,
            as_of=now,
            dag_id=PLANNER,
            # The same jobs again, after a crash, find the plan that they have become.
            run_id=f"jobs-{hashlib.sha256(jobs.encode()).hexdigest()[:24]}",
            requested_by=ACTOR,
            reason=str(first.payload["reason"]),
        )
        if summary.state is PlanState.NEEDS_APPROVAL:
            return f"plan {summary.plan_id} waits for approval: {summary.approval_reason}"
        return apply_stored(conn, summary, stores=self._open_stores(conn))


def apply_stored(conn: Connection, summary: PlanSummary, *, stores: Stores) -> str:
    """Apply a plan that was just stored; say in one line what came of it."""
    outcome = apply_plan(
        conn,
        plan_id=summary.plan_id,
        now=lambda: clock.present(conn),
        actor=ACTOR,
        stores=stores,
    )
    return (
        f"plan {summary.plan_id}: {outcome.done} done, {outcome.skipped} skipped, "
        f"{outcome.failed} failed, {summary.blocked_count} kept"
    )


def continue_plans(conn: Connection, *, stores: Stores, links: Links = NO_LINKS) -> int:
    """Go on with plans whose process died between storing and applying; return how many.

    :param links: where the messages lead that they send.
    """
    continued = 0
    for plan in plans.list_begun_by(conn, dag_id=PLANNER):
        try:
            outcome = apply_plan(
                conn,
                plan_id=plan.plan_id,
                now=lambda: clock.present(conn),
                actor=plan.requested_by,
                stores=stores,
                links=links,
            )
        except DoclifeError as error:
            with log_fields(plan_id=plan.plan_id):
                logger.warning("Plan %s is not applied: %s", plan.plan_id, error)
            continue
        continued += 1
        if outcome.failed:
            alert_operators(
                conn,
                title=f"{outcome.failed} documents of plan {plan.plan_id} could not be done",
                body=f"See why: doclife plans show {plan.plan_id} --items --state failed",
                now=clock.present(conn),
            )
    return continued


def own_channels(
    connect: Connect, *, open_stores: OpenStores, links: Links = NO_LINKS
) -> Mapping[str, Channel]:
    """Return the channels that need nobody else.

    :param links: where the mails lead that bring reports.
    """
    plan_channel = PlanChannel(connect, open_stores=open_stores)
    return {
        "archive": plan_channel,
        "delete": plan_channel,
        "notification": NotificationChannel(connect),
        "report": ReportChannel(connect, open_stores=open_stores, links=links),
    }


def _attempt(
    outcome: Outcome, started: float, *, answer: str | None = None, error: str | None = None
) -> Attempt:
    return Attempt(
        outcome=outcome,
        status_code=None,
        latency_ms=int((time.monotonic() - started) * 1000),
        answer_head=answer,
        error=error,
        retry_after=None,
    )
