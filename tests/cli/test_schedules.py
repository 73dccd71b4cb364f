"""Schedules at the command line: added, shown with their next time, paused, run now, cancelled."""

from __future__ import annotations

from pathlib import Path

import psycopg

from .conftest import Cli

NOTE = '{"recipient": "ben@example.org", "title": "Monday", "body": "Look at the overdue ones."}'
RULE = """
rules:
  - name: drafts
    mode: enforce
    trigger: {type: ON_SCHEDULE, cron: "30 * * * *"}
    when: {field: document_type, op: eq, value: draft}
    actions: [{do: DELETE}]
"""


def names(cli: Cli) -> list[str]:
    return [each["name"] for each in cli.json("schedules", "list")["schedules"]]


def test_a_schedule_lives_from_its_first_to_its_last_command(
    cli: Cli, conn: psycopg.Connection
) -> None:
    monday = ("--cron", "0 8 * * mon", "--kind", "notification", "--payload", NOTE)
    added = cli.json("schedules", "add", "monday", *monday, "--time-zone", "Europe/Madrid")
    assert added["schedule"]["next_run_at"] is not None
    assert (
        "has a schedule 'monday' already"
        in cli("schedules", "add", "monday", *monday, exit_code=1).errors
    )

    assert cli.json("schedules", "run", "monday")["job_id"] > 0
    cli("schedules", "pause", "monday")
    assert "paused" in cli("schedules", "list").output
    assert "runs next" in cli("schedules", "resume", "monday").output
    cli("schedules", "cancel", "monday")

    assert names(cli) == []
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_a_payload_that_is_no_json_is_refused(cli: Cli) -> None:
    wrong = ("--cron", "0 8 * * *", "--kind", "notification", "--payload")

    assert "is no JSON" in cli("schedules", "add", "x", *wrong, "{", exit_code=1).errors
    assert "a JSON object" in cli("schedules", "add", "x", *wrong, "[]", exit_code=1).errors


def test_a_rule_by_cron_shows_its_next_run_and_is_run_now(
    cli: Cli, conn: psycopg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULE)
    cli("rules", "apply", str(file))
    (rule,) = cli.json("rules", "list")["rules"]
    (schedule,) = cli.json("schedules", "list")["schedules"]
    assert schedule["name"] == "rule:drafts"
    assert rule["next_run_at"] == schedule["next_run_at"]
    assert schedule["next_run_at"].split(":")[1] == "30"

    assert "is due now" in cli("schedules", "run", "rule:drafts").output
    assert cli.json("jobs", "drain")["sent"] == 0

    assert conn.execute("SELECT run_id LIKE 'schedule-%', state FROM plans").fetchall() == [
        (True, "applied")
    ]
    assert "goes with its rule" in cli("schedules", "cancel", "rule:drafts", exit_code=1).errors
