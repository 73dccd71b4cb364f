"""Which rules run tonight, and which of their actions speak beforehand."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from doclife.domain.actions import ActionType
from doclife.domain.compiler import RuleVersion
from doclife.domain.cron import next_time
from doclife.domain.rule import TriggerType
from doclife.lifecycle.night import Night
from doclife.store import plans
from doclife.store.connection import Connection

QUEUE = "process_queue"
"""Plans rules at the times of their own cron; the night does the same where nobody did."""


def is_due(
    conn: Connection,
    version: RuleVersion,
    night: Night,
    *,
    planners: Sequence[str] | None,
) -> bool:
    """Whether the rule runs tonight: always, or when its cron came due since it last ran.

    A night that was missed is made up for, once; a rule that
    never ran counts from its version, or from a day ago.

    :param planners: the DAGs whose plans count as having run it; None for everybody's.
    """
    trigger = version.rule.trigger
    if trigger.type is not TriggerType.ON_SCHEDULE or trigger.cron is None:
        return True
    ran = plans.find_last_night(
        conn,
        rule_id=version.rule_id,
        dag_id=night.dag_id,
        run_id=night.run_id,
        dag_ids=planners,
        mode=version.rule.mode,
    )
    # A rule that is new today ran at none of its times: its last one, if it was today's, counts.
    since = ran or min(version.created_at, night.as_of - timedelta(days=1))
    zone = ZoneInfo(trigger.time_zone or night.organization.time_zone)
    return next_time(trigger.cron, zone=zone, after=since) <= night.as_of


def warning_actions(version: RuleVersion) -> list[int]:
    """Return which NOTIFY actions speak before the due date instead of on it.

    In a rule with ``warn`` they are sent by the daily expiry check, one per window.
    """
    if not version.rule.warn:
        return []
    return [
        index for index, action in enumerate(version.rule.actions) if action.do is ActionType.NOTIFY
    ]
