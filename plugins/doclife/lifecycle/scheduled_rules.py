"""Plans rules at the times of a cron of their own, each by itself, with all belts.

Whoever processes the queue asks every second; whoever comes first plans. The night plans what
nobody did, and a time that the night has planned is not planned again.
"""

import logging
from datetime import datetime

from doclife.domain.plan import PlanSummary
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.alerting import alert_operators
from doclife.lifecycle.due import QUEUE, is_due
from doclife.lifecycle.night import Night
from doclife.lifecycle.planning import plan_rule
from doclife.lifecycle.scheduling import OF_RULES, due_times, time_after
from doclife.store import organizations, rules, schedules
from doclife.store.connection import Connection
from doclife.store.schedules import DueRule, Schedule

logger = logging.getLogger(__name__)

ACTOR = "schedule"


def plan_scheduled_rules(conn: Connection, *, now: datetime) -> list[PlanSummary]:
    """Plan the rules whose time has come, and return the new plans; they are not applied here.

    A rule whose times passed while nobody was there is planned once, for the latest of them. One
    that cannot be planned says why in its schedule, alerts the operators, waits for its next time
    and keeps none of the others. Halted, nothing is planned, and nothing is missed.

    :param now: aware, by the database's clock: nothing is planned for what is its future.
    """
    stored = []
    for due in schedules.list_due_rules(conn, now=now):
        with conn.transaction():
            summary = _run(conn, due, now=now)
        if summary is not None:
            stored.append(summary)
    return stored


def _run(conn: Connection, due: DueRule, *, now: datetime) -> PlanSummary | None:
    if not schedules.try_take(conn, due.schedule_id):
        return None
    # In the order in which whoever changes rules takes them.
    organizations.lock_planning(conn, due.organization_id)
    organizations.lock_rules(conn, due.organization_id, shared=True)
    schedule = schedules.find_due_rule(conn, schedule_id=due.schedule_id, now=now)
    if schedule is None:
        return None
    times = due_times(schedule, now=now)
    summary, state = None, None
    if times:
        try:
            with conn.transaction():
                summary = _plan(conn, schedule, moment=times[-1], now=now)
            state = f"stored plan {summary.plan_id}" if summary else "was planned by another run"
        except (ConfigurationError, RefusedError) as error:
            state = f"not planned: {error}"
            logger.warning("Rule of schedule %s is %s", schedule.name, state)
            alert_operators(
                conn,
                title=f"Rule {schedule.name.removeprefix(OF_RULES)} was not planned at its time",
                body=f"{error}. It is tried again at its next time.",
                now=now,
            )
    schedules.record(
        conn,
        schedule_id=schedule.schedule_id,
        last_run_at=times[-1] if times else None,
        next_run_at=time_after(schedule, after=now),
        last_state=state,
    )
    return summary


def _plan(
    conn: Connection, schedule: Schedule, *, moment: datetime, now: datetime
) -> PlanSummary | None:
    """Plan the rule for one of its times, unless it was planned for that or a later one."""
    night = Night(
        organization=organizations.find(conn, schedule.organization),
        now=now,
        as_of=moment,
        dag_id=QUEUE,
        run_id=f"schedule-{schedule.schedule_id}-{moment:%Y%m%dT%H%M%S}",
        requested_by=ACTOR,
    )
    current = {
        version.rule_id: version for version in rules.list_current(conn, schedule.organization_id)
    }
    version = current.get(schedule.rule_id or 0)
    if version is None or not is_due(conn, version, night, planners=None):
        return None
    return plan_rule(
        conn,
        rule_version_id=version.version_id,
        now=now,
        as_of=moment,
        dag_id=night.dag_id,
        run_id=night.run_id,
        requested_by=night.requested_by,
    )
