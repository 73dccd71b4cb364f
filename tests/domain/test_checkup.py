"""What is judged to be well, and what is not: the doctor's boundaries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from doclife.domain.checkup import (
    ExpectedIndex,
    Finding,
    Index,
    Level,
    Login,
    Right,
    Server,
    is_excess,
    judge_clock,
    judge_connections,
    judge_halt,
    judge_indexes,
    judge_rights,
    judge_server,
)
from doclife.domain.checkup_airflow import DAGS, judge_dags
from doclife.domain.checkup_running import (
    Night,
    Queue,
    SlowPlan,
    StoreState,
    judge_nights,
    judge_plans,
    judge_queue,
    judge_stores,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SERVER = Server(
    version=180001, is_standby=False, has_autovacuum=True, login="admin", is_superuser=False
)
QUEUE = Queue(
    oldest_due_at=None,
    calls_without_endpoint=0,
    expired_workers=0,
    expired_since=None,
    failed_today=0,
)
STORE = StoreState(
    name="archive",
    root_uri="file:///archive",
    marker="ours",
    detail=None,
    is_writable=True,
    probe_fault=None,
    archived_by=("acme/contracts",),
    free_bytes=500_000_000_000,
    total_bytes=1_000_000_000_000,
)
TASKS = Login(name="airflow", is_owner=False, is_worker=True, is_bypassing=False)


def levels(found: Iterable[Finding]) -> list[Level]:
    findings = list(found)
    # Whoever is told that something is not well is told what to do.
    assert [one for one in findings if (one.level is Level.OK) is not (one.fix is None)] == []
    return [one.level for one in findings]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (SERVER, [Level.OK]),
        (replace(SERVER, version=150000), [Level.OK]),
        (replace(SERVER, version=140012), [Level.FAULT]),
        (replace(SERVER, version=190000), [Level.WARNING]),
        (replace(SERVER, is_standby=True), [Level.OK, Level.FAULT]),
        (replace(SERVER, has_autovacuum=False), [Level.OK, Level.WARNING]),
        (replace(SERVER, is_superuser=True), [Level.OK, Level.WARNING]),
    ],
)
def test_a_server_is_judged_by_its_version_and_settings(
    server: Server, expected: list[Level]
) -> None:
    assert levels(judge_server(server)) == expected


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, "ok"), (4.9, "ok"), (5, "warning"), (-59, "warning"), (60, "fault"), (-3600, "fault")],
)
def test_clocks_may_be_some_seconds_apart(seconds: float, level: str) -> None:
    assert levels(judge_clock(timedelta(seconds=seconds))) == [level]


@pytest.mark.parametrize(
    ("role", "table", "privilege"),
    [
        ("doclife_worker", "documents", "DELETE"),
        ("doclife_worker", "audit_entries", "UPDATE"),
        ("doclife_worker", "deployment", "UPDATE"),
        ("doclife_worker", "jobs", "TRUNCATE"),
        ("doclife_application", "jobs", "DELETE"),
        ("doclife_reader", "jobs", "INSERT"),
    ],
)
def test_a_right_that_was_never_granted_is_a_fault(role: str, table: str, privilege: str) -> None:
    right = Right(role=role, table_name=table, privilege=privilege)

    assert is_excess(right)
    assert Level.FAULT in levels(judge_rights([right], [TASKS]))


def test_a_worker_may_write_what_it_works_with() -> None:
    right = Right(role="doclife_worker", table_name="jobs", privilege="DELETE")

    assert levels(judge_rights([right], [TASKS])) == [Level.OK, Level.OK]


def test_tasks_that_log_in_as_owner_are_warned_of_and_one_beyond_policies_is_a_fault() -> None:
    owner = replace(TASKS, is_owner=True)

    assert levels(judge_rights([], [owner])) == [Level.OK, Level.WARNING]
    assert levels(judge_rights([], [replace(TASKS, is_bypassing=True)]))[-1] is Level.FAULT


def test_a_missing_index_is_slow_and_a_missing_unique_one_is_wrong() -> None:
    slow = ExpectedIndex(name="a", is_unique=False, statement="CREATE INDEX a ON t (x)")
    wrong = ExpectedIndex(name="b", is_unique=True, statement="CREATE UNIQUE INDEX b ON t (y)")
    there = [Index(name="a", is_valid=True), Index(name="b", is_valid=True)]

    assert levels(judge_indexes([slow, wrong], there)) == [Level.OK]
    assert levels(judge_indexes([slow, wrong], [])) == [Level.WARNING, Level.FAULT]
    (broken,) = judge_indexes([slow], [Index(name="a", is_valid=False)])
    assert broken.fix is not None
    assert "DROP INDEX doclife.a; SET search_path = doclife; CREATE INDEX a" in broken.fix


def test_a_halt_is_meant_and_a_copy_is_not() -> None:
    assert levels(judge_halt(reason=None, is_adopted=True)) == [Level.OK]
    assert levels(judge_halt(reason="look first", is_adopted=True)) == [Level.WARNING]
    assert levels(judge_halt(reason="a copy", is_adopted=False)) == [Level.FAULT]


def test_a_connection_that_is_not_known_says_who_needs_it() -> None:
    needed = [("hook", "endpoint crm"), ("hook", "endpoint shop"), ("bucket", "store archive")]

    (found,) = judge_connections(needed, known=frozenset({"bucket"}), broken={})

    assert found.level is Level.WARNING
    assert "endpoint crm, endpoint shop" in found.what
    assert levels(judge_connections(needed, known=frozenset({"hook", "bucket"}), broken={})) == [
        Level.OK
    ]
    broken = {"bucket": "AIRFLOW_CONN_BUCKET is no Airflow Connection"}
    assert levels(judge_connections(needed, known=frozenset({"hook"}), broken=broken)) == [
        Level.FAULT
    ]


@pytest.mark.parametrize(
    ("minutes", "level"), [(14, "ok"), (15, "warning"), (359, "warning"), (360, "fault")]
)
def test_a_job_whose_turn_has_come_goes_soon(minutes: int, level: str) -> None:
    queue = replace(QUEUE, oldest_due_at=NOW - timedelta(minutes=minutes))

    assert levels(judge_queue(queue, now=NOW)) == [level]


def test_what_the_queue_cannot_do_by_itself_is_told() -> None:
    queue = replace(
        QUEUE,
        calls_without_endpoint=3,
        expired_workers=1,
        expired_since=NOW - timedelta(minutes=10),
        failed_today=2,
    )

    assert levels(judge_queue(queue, now=NOW)) == [Level.OK, *[Level.WARNING] * 3]
    soon = replace(QUEUE, expired_workers=1, expired_since=NOW - timedelta(minutes=9))
    assert levels(judge_queue(soon, now=NOW)) == [Level.OK]


@pytest.mark.parametrize(
    ("state", "hours", "level"),
    [
        ("applying", 2.9, "ok"),
        ("applying", 3, "warning"),
        ("approved", 3, "warning"),
        ("needs_approval", 119, "ok"),
        ("needs_approval", 120, "warning"),
    ],
)
def test_a_plan_that_stands_still_is_told(state: str, hours: float, level: str) -> None:
    plan = SlowPlan(plan_id=7, organization="acme", state=state, since=NOW - timedelta(hours=hours))

    assert levels(judge_plans([plan], now=NOW)) == [level]


@pytest.mark.parametrize(
    ("hours", "level"), [(25.9, "ok"), (26, "warning"), (49.9, "warning"), (50, "fault")]
)
def test_a_night_that_did_not_come_is_told_and_two_are_a_fault(hours: float, level: str) -> None:
    checked = NOW - timedelta(hours=hours)
    night = Night(organization="acme", begun_at=NOW - timedelta(days=900), checked_at=checked)

    assert levels(judge_nights([night], now=NOW)) == [level]
    assert levels(judge_nights([replace(night, begun_at=checked, checked_at=None)], now=NOW)) == [
        level
    ]
    # There is nothing to check.
    assert levels(judge_nights([replace(night, begun_at=None)], now=NOW)) == [Level.OK]


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "ok"),
        ({"is_writable": None, "free_bytes": None, "total_bytes": None}, "ok"),
        ({"marker": "absent"}, "fault"),
        ({"marker": "absent", "archived_by": ()}, "warning"),
        ({"marker": "unreachable", "archived_by": ()}, "fault"),
        ({"is_writable": False}, "fault"),
        ({"probe_fault": "a file cannot be written in it"}, "fault"),
        ({"probe_fault": "a file cannot be removed in it", "archived_by": ()}, "warning"),
        ({"is_writable": False, "archived_by": ()}, "warning"),
        ({"free_bytes": 49_000_000_000}, "warning"),
        ({"free_bytes": 999_000_000}, "fault"),
    ],
)
def test_a_store_must_be_there_ours_writable_and_roomy(changes: dict, level: str) -> None:
    assert levels(judge_stores([replace(STORE, **changes)])) == [level]


def test_a_dag_that_is_missing_is_a_fault_and_one_that_is_paused_a_warning() -> None:
    paused = dict.fromkeys(DAGS, False)

    assert levels(judge_dags(paused)) == [Level.OK]
    assert levels(judge_dags({**paused, "process_queue": True})) == [Level.WARNING]
    del paused["weekly_cleanup"]
    assert levels(judge_dags(paused)) == [Level.FAULT]


def test_the_dags_that_are_asked_for_are_those_there_are() -> None:
    there = {path.stem for path in (Path(__file__).parents[2] / "dags").glob("*.py")}

    assert there == set(DAGS)
