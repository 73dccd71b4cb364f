"""Jobs that are stored again and again, by cron in a time zone of their own."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from doclife.domain.cron import next_time, times_between
from doclife.domain.organization import Organization
from doclife.domain.rule import Trigger
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.queue import KINDS, add
from doclife.store import audit, organizations, rules, schedules
from doclife.store.connection import Connection
from doclife.store.schedules import RuleTimes, Schedule

logger = logging.getLogger(__name__)

MISSED_RUNS = ("skip", "latest", "all")
LATE = timedelta(minutes=10)
"""A time so long ago was missed: ``skip`` passes it over."""
MOST_MADE_UP_FOR = 100
"""``all`` stores at most so many jobs for one outage, the latest."""
AT_ONCE = 100
OF_RULES = "rule:"
"""Begins the names of the schedules that rules have by a cron of their own."""


def add_schedule(
    conn: Connection,
    *,
    organization: str,
    name: str,
    cron: str,
    time_zone: str,
    kind: str,
    payload: Mapping[str, Any],
    actor: str,
    now: datetime,
    missed_runs: str = "latest",
) -> Schedule:
    """Store a scheduled job and return it with its next time.

    :param missed_runs: about times at which nothing ran: ``skip`` them, make up for the ``latest``
        (the default: once is what most reports and reminders want), or for ``all``.
    :raises ConfigurationError: the expression, the zone, the kind or the payload is wrong, or the
        name is taken.
    """
    tenant = organizations.find(conn, organization)
    if name.startswith(OF_RULES):
        raise ConfigurationError(
            f"{name!r}: names with {OF_RULES} are those of rules that have a cron of their own"
        )
    _check_job(
        conn, cron=cron, time_zone=time_zone, kind=kind, payload=payload, missed_runs=missed_runs
    )
    with conn.transaction():
        is_new = schedules.insert(
            conn,
            organization_id=tenant.id,
            name=name,
            cron=cron,
            time_zone=time_zone,
            kind=kind,
            payload=payload,
            missed_runs=missed_runs,
            next_run_at=next_time(cron, zone=ZoneInfo(time_zone), after=now),
            created_by=actor,
        )
        if not is_new:
            raise ConfigurationError(
                f"organization {organization} has a schedule {name!r} already. "
                f"See: doclife schedules list"
            )
        _record(conn, tenant.id, "schedule.added", name, actor=actor, now=now)
    return find_schedule(conn, organization=organization, name=name)


def change_schedule(
    conn: Connection,
    schedule: Schedule,
    *,
    cron: str,
    time_zone: str,
    kind: str,
    payload: Mapping[str, Any],
    missed_runs: str,
    actor: str,
    now: datetime,
) -> Schedule:
    """Change what is stored and when; what was missed under the times before is not made up for.

    :raises ConfigurationError: the expression, the zone, the kind or the payload is wrong.
    :raises RefusedError: it is that of a rule.
    """
    if schedule.rule_id is not None:
        raise RefusedError(f"{schedule.name} goes with its rule: change the cron in the rule")
    _check_job(
        conn, cron=cron, time_zone=time_zone, kind=kind, payload=payload, missed_runs=missed_runs
    )
    with conn.transaction():
        schedules.update(
            conn,
            schedule_id=schedule.schedule_id,
            cron=cron,
            time_zone=time_zone,
            kind=kind,
            payload=payload,
            missed_runs=missed_runs,
            next_run_at=next_time(cron, zone=ZoneInfo(time_zone), after=now),
        )
        _record(
            conn, schedule.organization_id, "schedule.changed", schedule.name, actor=actor, now=now
        )
    return find_schedule(conn, organization=schedule.organization, name=schedule.name)


def find_schedule(conn: Connection, *, organization: str, name: str) -> Schedule:
    """Return a scheduled job.

    :raises ConfigurationError: there is none of that name.
    """
    found = schedules.list_all(conn, organization=organization, name=name)
    if not found:
        raise ConfigurationError(
            f"organization {organization} has no schedule {name!r}. See: doclife schedules list"
        )
    return found[0]


def pause(conn: Connection, schedule: Schedule, *, actor: str, now: datetime) -> None:
    """Let no more jobs come of it until it is resumed."""
    with conn.transaction():
        schedules.record(conn, schedule_id=schedule.schedule_id, is_active=False)
        _record(
            conn, schedule.organization_id, "schedule.paused", schedule.name, actor=actor, now=now
        )


def resume(conn: Connection, schedule: Schedule, *, actor: str, now: datetime) -> datetime:
    """Let it go on; the times of the pause were meant to be missed. Return its next time."""
    next_run_at = time_after(schedule, after=now)
    with conn.transaction():
        schedules.record(
            conn, schedule_id=schedule.schedule_id, is_active=True, next_run_at=next_run_at
        )
        _record(
            conn, schedule.organization_id, "schedule.resumed", schedule.name, actor=actor, now=now
        )
    return next_run_at


def cancel(conn: Connection, schedule: Schedule, *, actor: str, now: datetime) -> None:
    """Forget it; the jobs that it has stored stay.

    :raises RefusedError: it is that of a rule.
    """
    if schedule.rule_id is not None:
        raise RefusedError(
            f"{schedule.name} goes with its rule: take the cron out of the rule, switch the rule "
            "off, or pause the schedule"
        )
    with conn.transaction():
        schedules.delete(conn, schedule.schedule_id)
        _record(
            conn,
            schedule.organization_id,
            "schedule.cancelled",
            schedule.name,
            actor=actor,
            now=now,
        )


def run_now(conn: Connection, schedule: Schedule, *, actor: str, now: datetime) -> int | None:
    """Store its job once more now, whatever its times; return the job's id.

    A rule becomes due now, for whoever processes the queue; then there is no job and no id.
    """
    if schedule.rule_id is not None:
        with conn.transaction():
            schedules.record(conn, schedule_id=schedule.schedule_id, next_run_at=now)
            _record(
                conn, schedule.organization_id, "schedule.run", schedule.name, actor=actor, now=now
            )
        return None
    with conn.transaction():
        job_id = add(
            conn,
            kind=schedule.kind,
            payload=schedule.payload,
            requested_by=actor,
            organization=schedule.organization,
        )
        schedules.record(
            conn,
            schedule_id=schedule.schedule_id,
            last_run_at=now,
            last_state=f"stored job {job_id} by hand",
        )
        _record(conn, schedule.organization_id, "schedule.run", schedule.name, actor=actor, now=now)
    return job_id


def run_due(conn: Connection, *, now: datetime) -> int:
    """Store the jobs whose time has come and return how many; each time counts once.

    One that is wrong (an application stored it unchecked) is paused with the reason, and keeps
    none of the others.
    """
    stored = 0
    while True:
        with conn.transaction():
            due = schedules.lock_due(conn, now=now, size=AT_ONCE)
            stored += sum(_run(conn, schedule, now=now) for schedule in due)
        if len(due) < AT_ONCE:
            return stored


def keep_rule_schedules(
    conn: Connection, tenant: Organization, *, actor: str, now: datetime
) -> None:
    """Let the rules that have a cron of their own, and no others, have a schedule.

    Called whenever rules or the organization's zone have changed; a rule whose times did not
    change keeps its next one.
    """
    schedules.keep_rules(
        conn,
        organization_id=tenant.id,
        rules=[
            RuleTimes(
                rule_id=version.rule_id,
                name=version.rule.name,
                cron=cron,
                time_zone=zone,
                next_run_at=next_time(cron, zone=ZoneInfo(zone), after=now),
            )
            for version in rules.list_current(conn, tenant.id)
            if version.rule.actions and (cron := version.rule.trigger.cron)
            for zone in [version.rule.trigger.time_zone or tenant.time_zone]
        ],
        created_by=actor,
    )


def _run(conn: Connection, schedule: Schedule, *, now: datetime) -> int:
    try:
        _check(cron=schedule.cron, time_zone=schedule.time_zone)
        times = due_times(schedule, now=now)
        with conn.transaction():
            for moment in times:
                add(
                    conn,
                    kind=schedule.kind,
                    payload=schedule.payload,
                    requested_by="schedule",
                    organization=schedule.organization,
                    unique_key=f"schedule:{schedule.schedule_id}:{moment.isoformat()}",
                )
    except ConfigurationError as error:
        logger.warning("Schedule %s is paused: %s", schedule.name, error)
        schedules.record(
            conn,
            schedule_id=schedule.schedule_id,
            is_active=False,
            last_state=f"paused: {error}",
        )
        return 0
    schedules.record(
        conn,
        schedule_id=schedule.schedule_id,
        last_run_at=times[-1] if times else None,
        next_run_at=time_after(schedule, after=now),
        last_state=(f"stored {len(times)} jobs" if times else _passed_over(schedule)),
    )
    return len(times)


def due_times(schedule: Schedule, *, now: datetime) -> list[datetime]:
    """Return the times to do something for: those that came since it was last seen to."""
    if schedule.next_run_at is None:
        return []  # stored by an application: its times begin now
    zone = ZoneInfo(schedule.time_zone)
    passed = [
        schedule.next_run_at,
        *times_between(
            schedule.cron, zone=zone, after=schedule.next_run_at, until=now, most=MOST_MADE_UP_FOR
        ),
    ]
    if schedule.missed_runs == "all":
        return passed[-MOST_MADE_UP_FOR:]
    latest = passed[-1]
    if schedule.missed_runs == "skip" and now - latest > LATE:
        return []
    return [latest]


def _passed_over(schedule: Schedule) -> str | None:
    return None if schedule.next_run_at is None else "was missed and is skipped"


def time_after(schedule: Schedule, *, after: datetime) -> datetime:
    """Return its next time."""
    return next_time(schedule.cron, zone=ZoneInfo(schedule.time_zone), after=after)


def _check_job(
    conn: Connection,
    *,
    cron: str,
    time_zone: str,
    kind: str,
    payload: Mapping[str, Any],
    missed_runs: str,
) -> None:
    _check(cron=cron, time_zone=time_zone)
    if kind not in KINDS:
        raise ConfigurationError(f"{kind!r} is no kind of job; there are {', '.join(KINDS)}")
    if missed_runs not in MISSED_RUNS:
        raise ConfigurationError(f"{missed_runs!r} is none of {', '.join(MISSED_RUNS)}")
    if fault := schedules.payload_fault(conn, kind=kind, payload=payload):
        raise ConfigurationError(f"{kind} job: {fault}. See docs/queue.md.")


def _check(*, cron: str, time_zone: str) -> None:
    """Refuse what a rule's trigger would refuse, in its words."""
    try:
        Trigger.model_validate({"type": "ON_SCHEDULE", "cron": cron, "time_zone": time_zone})
    except ValueError as error:
        reasons = [fault["msg"] for fault in getattr(error, "errors", list)()]
        raise ConfigurationError(
            "; ".join(reason.removeprefix("Value error, ") for reason in reasons) or str(error)
        ) from None


def _record(
    conn: Connection, organization_id: int, action: str, name: str, *, actor: str, now: datetime
) -> None:
    audit.record(
        conn,
        organization_id=organization_id,
        at=now,
        actor=actor,
        action=action,
        reason=f"schedule {name}",
        details={"schedule": name},
    )
