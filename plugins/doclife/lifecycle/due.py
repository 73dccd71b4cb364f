"""Which rules run tonight, and which of their actions speak beforehand."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from doclife.domain.actions import ActionType
from doclife.domain.compiler import RuleVersion
from doclife.domain.rule import TriggerType
from doclife.lifecycle.night import Night
from doclife.store import plans
from doclife.store.connection import Connection


def is_due(conn: Connection, version: RuleVersion, night: Night) -> bool:
    """Whether the rule runs tonight: always, or when its cron fired since it last ran.

    A night that was missed is made up for, once; a rule that
    never ran counts from its version, or from a day ago.
    """
    trigger = version.rule.trigger
    if trigger.type is not TriggerType.ON_SCHEDULE or trigger.cron is None:
        return True
    zone = ZoneInfo(trigger.time_zone or night.organization.time_zone)
    moment = night.as_of.astimezone(zone)
    # A moment that is itself on the schedule counts as fired.
    last: datetime = croniter(trigger.cron, moment + timedelta(seconds=1)).get_prev(datetime)
    ran = plans.find_last_night(
        conn,
        rule_id=version.rule_id,
        dag_id=night.dag_id,
        run_id=night.run_id,
        mode=version.rule.mode,
    )
    # A rule that is new today ran at none of its times: its last one, if it was today's, counts.
    return last > (ran or min(version.created_at, night.as_of - timedelta(days=1)))


def warning_actions(version: RuleVersion) -> list[int]:
    """Return which NOTIFY actions speak before the due date instead of on it.

    In a rule with ``warn`` they are sent by the daily expiry check, one per window.
    """
    if not version.rule.warn:
        return []
    return [
        index for index, action in enumerate(version.rule.actions) if action.do is ActionType.NOTIFY
    ]
