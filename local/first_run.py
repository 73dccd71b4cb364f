"""The first start once Airflow is healthy: samples, each DAG once for real, and what they did."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from local.catcher.caught import CaughtFolder, Kind
from local.deliveries import CAUGHT, HOOK, Catcher, allows_http, is_mail_given
from local.errors import LocalError
from local.samples import ORGANIZATION, load_samples
from local.state import ROOT, State
from local.supervisor import Supervisor

STAMP = "first-run.json"
# In this order: what has expired is found before the rules run, and the purge comes last.
DAGS = (
    "check_expired_documents",
    "execute_automation_rules",
    "send_daily_summaries",
    "weekly_cleanup",
)
SENDING = "process_queue"
"""Runs by itself when there is something to send."""
DAG_READ_WITHIN_SECONDS = 60.0
DAG_ENDS_WITHIN_SECONDS = 600.0
SENT_WITHIN_SECONDS = 60.0

DOCUMENTS_OF_OTHERS = """
SELECT count(*)
FROM doclife.documents AS document
INNER JOIN doclife.organizations AS organization ON document.organization_id = organization.id
WHERE organization.slug <> %s
"""

COUNTS = """
SELECT
    count(*) AS registered,
    count(*) FILTER (WHERE expired_at IS NOT NULL) AS found_expired,
    count(*) FILTER (WHERE status = 'archived') AS archived,
    count(*) FILTER (WHERE status = 'deleted') AS in_the_trash,
    count(*) FILTER (WHERE status = 'purged') AS purged,
    (SELECT count(*) FROM doclife.notifications) AS notifications,
    (SELECT count(*) FROM doclife.jobs) AS messages_waiting
FROM doclife.documents
"""

TO_BE_SENT_NOW = """
SELECT
    (SELECT count(*) FROM doclife.events_to_react)
    + (
        SELECT count(*)
        FROM doclife.jobs
        WHERE
            kind IN ('email', 'slack', 'webhook')
            AND run_at <= now()
            -- A call whose endpoint is not set up waits for somebody.
            AND (kind <> 'webhook' OR endpoint_id IS NOT NULL)
    )
"""

HOOK_URL = """
SELECT endpoint.url
FROM doclife.webhook_endpoints AS endpoint
INNER JOIN doclife.organizations AS organization ON endpoint.organization_id = organization.id
WHERE organization.slug = %s AND endpoint.name = %s
"""


def is_done(state: State) -> bool:
    """Return whether a first run was finished here."""
    return state.read(STAMP) is not None


def is_beside_others(documents_url: str) -> bool:
    """Return whether the catalogue holds documents that are no samples.

    Then nobody asked for samples among them, nor for a night in the middle of the day.
    """
    with psycopg.connect(documents_url) as conn:
        row = conn.execute(DOCUMENTS_OF_OTHERS, (ORGANIZATION,)).fetchone()
    return row is not None and row[0] > 0


def run(supervisor: Supervisor, catcher: Catcher, *, admin_password: str) -> None:
    """Load the samples, run each DAG once as the user admin, and remember that all of it is done.

    Raises LocalError naming the task and its log when a run fails. The next start then tries
    again from the beginning, which changes nothing that was done.
    """
    _load_samples(supervisor, catcher)
    supervisor.api.log_in("admin", admin_password)
    print("Running each DAG once:", flush=True)
    for dag_id in DAGS:
        _wait_until_read(supervisor, dag_id)
        seconds = _run_dag(supervisor, dag_id)
        print(f"  {dag_id:<28} done in {seconds:.0f} s", flush=True)
    if supervisor.api.dag_exists(SENDING):
        print("Waiting until what they had to say is sent ...", flush=True)
        _within(SENT_WITHIN_SECONDS, lambda: _is_all_sent(supervisor.documents_url), supervisor)
    counts = count_documents(supervisor.documents_url)
    supervisor.state.write(STAMP, {"finished_at": datetime.now(UTC).isoformat(), **counts})


def _load_samples(supervisor: Supervisor, catcher: Catcher) -> None:
    """Bring in the sample documents with the commands that a user would type."""

    def run_cli(arguments: Sequence[str | Path]) -> None:
        _run_cli(supervisor, "samples", arguments)

    print("Loading sample documents and rules ...", flush=True)
    settings = {**os.environ, **supervisor.variables}
    load_samples(
        run_cli,
        supervisor.state,
        today=datetime.now(UTC).date(),
        hook=catcher.hook if allows_http(settings) else None,
    )


def _run_cli(supervisor: Supervisor, name: str, arguments: Sequence[str | Path]) -> None:
    env = {
        **os.environ,
        **supervisor.variables,
        "PYTHONPATH": str(ROOT / "plugins"),
        "DOCLIFE_DATABASE_URL": supervisor.documents_url,
    }
    supervisor.run_step(name, [sys.executable, "-m", "doclife.cli", *arguments], env)


def follow_catcher(supervisor: Supervisor, catcher: Catcher) -> None:
    """Lead the samples' endpoint to where the catcher listens now, unless it leads elsewhere."""
    with psycopg.connect(supervisor.documents_url) as conn:
        row = conn.execute(HOOK_URL, (ORGANIZATION, HOOK)).fetchone()
    if row is not None and row[0] != catcher.hook and catcher.once_was(row[0]):
        command = ["endpoints", "set", HOOK, "--url", catcher.hook, "-o", ORGANIZATION]
        _run_cli(supervisor, "endpoint", command)


def _is_all_sent(documents_url: str) -> bool:
    with psycopg.connect(documents_url) as conn:
        row = conn.execute(TO_BE_SENT_NOW).fetchone()
    return row == (0,)


def count_documents(documents_url: str) -> dict[str, int]:
    """Return how many documents there are of each kind, by a name that can be printed."""
    with psycopg.connect(documents_url) as conn:
        cursor = conn.execute(COUNTS)
        row = cursor.fetchone()
        assert row is not None
        assert cursor.description is not None
        return {column.name: count for column, count in zip(cursor.description, row, strict=True)}


def _wait_until_read(supervisor: Supervisor, dag_id: str) -> None:
    def is_read() -> bool:
        return supervisor.api.dag_exists(dag_id)

    if _within(DAG_READ_WITHIN_SECONDS, is_read, supervisor):
        return
    broken = supervisor.api.import_errors()
    if broken:
        name, traceback = next(iter(broken.items()))
        raise LocalError(f"dags/{Path(name).name} cannot be read:\n{traceback.strip()}")
    raise LocalError(
        f"There is no DAG {dag_id!r} in dags/, so the first run cannot be finished. "
        f"What was read is in {supervisor.state.log_of('dag-processor')}"
    )


def _run_dag(supervisor: Supervisor, dag_id: str) -> float:
    """Run a DAG to its end and return the seconds it took."""
    api = supervisor.api
    began = time.monotonic()
    run_id = api.trigger(dag_id)

    def has_ended() -> bool:
        if sys.stdout.isatty():
            print(f"\r  {dag_id:<28} {time.monotonic() - began:.0f} s ", end="\r", flush=True)
        return api.run_state(dag_id, run_id) in ("success", "failed")

    ended = _within(DAG_ENDS_WITHIN_SECONDS, has_ended, supervisor)
    if ended and api.run_state(dag_id, run_id) == "success":
        return time.monotonic() - began
    what = "failed" if ended else f"did not end within {DAG_ENDS_WITHIN_SECONDS:.0f} s"
    raise LocalError(_explain_failure(supervisor, dag_id, run_id, what))


def _explain_failure(supervisor: Supervisor, dag_id: str, run_id: str, what: str) -> str:
    logs = supervisor.state.logs / "tasks" / f"dag_id={dag_id}" / f"run_id={run_id}"
    failed = supervisor.api.failed_tasks(dag_id, run_id)
    tasks = f" in {', '.join(sorted(set(failed)))}" if failed else ""
    return (
        f"The first run of {dag_id} {what}{tasks}. Its logs are in {logs}\n"
        "Everything else is kept: ./run tries again, and ./run --no-samples starts Airflow "
        "without, to look at the run in its user interface."
    )


def _within(seconds: float, condition: Callable[[], bool], supervisor: Supervisor) -> bool:
    """Wait until the condition holds, with an eye on the children; return whether it came true."""
    gives_up_at = time.monotonic() + seconds
    while not _holds(condition):
        supervisor.check_children()
        if time.monotonic() > gives_up_at:
            return False
        supervisor.pause(0.3)
    return True


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except TimeoutError:  # Airflow is busy and will be asked again
        return False


def describe(supervisor: Supervisor, catcher: Catcher, logins: dict[str, str]) -> str:
    """Return what a person wants to know once everything runs."""
    counts = count_documents(supervisor.documents_url)
    caught = CaughtFolder(supervisor.state.folder / CAUGHT).counts()
    numbers = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    users = "\n".join(f"    {user:<8} {password}" for user, password in logins.items())
    return (
        f"\n  Documents  {numbers}\n"
        f"  Deliveries {_list_caught(caught)}; look at {catcher.page}\n"
        f"  Open       {supervisor.api.address}\n"
        f"  Log in as\n{users}\n"
        "  More       ./run status, ./run logs, ./run doclife --help\n"
        "  Ctrl-C stops everything; the data stays.\n"
    )


def _list_caught(caught: dict[Kind, int]) -> str:
    words = {Kind.MAIL: "mail", Kind.SLACK: "Slack message", Kind.WEBHOOK: "webhook call"}
    some = [f"{caught[kind]} {word}{'s' * (caught[kind] != 1)}" for kind, word in words.items()]
    text = ", ".join(some)
    return f"{text} (mail goes where your variables say)" if is_mail_given(os.environ) else text
