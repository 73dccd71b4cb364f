"""What Airflow keeps and shows of a whole flow names documents by number.

Whoever may look at a DAG run sees its form, its questions, XComs, rendered fields and logs, of
whatever organization they are. So none of it says what a document is called or whose it is.
"""

from __future__ import annotations

import json
import logging

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from sqlalchemy import delete

from tests.dags.airflow_runs import Run, run_ids
from tests.dags.airflow_traces import everything_in_airflow, everything_written
from tests.dags.catalogue import (
    add_store,
    allow_everything,
    apply_rules,
    column,
    import_files,
    statuses,
)

pytestmark = pytest.mark.usefixtures("documents_connection")

TITLE, OWNER, FILE = WORDS = ("Quiet dismissal of", "zoltan.owner", "divorce-of-zoltan")
RULES = """
rules:
  - name: delete-memos
    mode: enforce
    trigger: {type: ON_SCHEDULE, cron: "0 3 * * *"}
    when: {field: document_type, op: eq, value: memo}
    review: {stages: [records]}
    limits: {max_documents: 100000, max_fraction: 1.0}
    actions:
      - {do: DELETE}
  - name: archive-files
    mode: enforce
    trigger: {type: ON_SCHEDULE, cron: "0 3 * * *"}
    when: {field: document_type, op: eq, value: file}
    limits: {max_documents: 100000, max_fraction: 1.0}
    actions:
      - {do: ARCHIVE}
      - {do: NOTIFY, with: {channel: email, to: "{{ document.owner }}"}}
      - {do: WEBHOOK, with: {endpoint: erp}}
"""


def test_nothing_in_airflow_says_what_a_document_is_called_or_whose_it_is(
    dags,
    conn,
    tmp_path,
    receiver,
    monkeypatch,
    caplog,
    capfd,
):
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id.in_(["review_plan", "run_rule"])))
    allow_everything(conn)
    caplog.set_level(logging.DEBUG)
    for name, setting in {
        "AIRFLOW_CONN_DOCLIFE_EMAIL": json.dumps(
            {"conn_type": "smtp", "host": "127.0.0.1", "port": 1,
             "extra": {"from_email": "records@example.org"}}
        ),
        "DOCLIFE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DOCLIFE_ALLOW_HTTP": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, setting)
    conn.execute(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'erp', %s, 'user:olga')",
        (receiver,),
    )
    files = tmp_path / "files"
    files.mkdir()
    for number in range(6):
        (files / f"{FILE}-{number}.txt").write_text(str(number))
    add_store(conn, "archive", tmp_path / "archive")
    import_files(conn, files)
    conn.execute(
        "UPDATE documents SET title = %s || external_id, owner = %s, expires_on = current_date - 1,"
        " document_type = CASE WHEN id %% 2 = 0 THEN 'memo' ELSE 'file' END",
        (TITLE, f"{OWNER}@example.org"),
    )
    conn.execute("ALTER TABLE documents DISABLE TRIGGER guard_document_facts")
    conn.execute("UPDATE documents SET field_changed_at = '{}'")
    conn.execute("ALTER TABLE documents ENABLE TRIGGER guard_document_facts")
    apply_rules(conn, RULES)
    # Bytes that are not the registered ones make every step say what is wrong with them.
    for number in (0, 1):
        (files / f"{FILE}-{number}.txt").write_text("tampered with")

    def run(dag: str, **options) -> Run:
        begun = Run(dags[dag], user="olga", run_type=DagRunType.MANUAL, **options).create()
        if dag == "process_queue":
            begun.dag.get_task("drain").partial_kwargs["linger_seconds"] = 0.2
        begun.go_on()
        return begun

    run("check_expired_documents")
    run("execute_automation_rules")
    [asked] = run_ids("review_plan")
    question = Run(dags["review_plan"], run_id=asked).take_up()
    assert question.go_on() == "running"
    assert question.question("ask").body
    question.answer("ask", "Approve", user="boss", comment="as agreed")
    question.go_on()
    plan = int(asked.split("-")[1])
    Run(dags["run_rule"], run_id=f"plan-{plan}-apply").take_up().go_on()
    assert "deleted" in statuses(conn).values()
    assert "archived" in statuses(conn).values()
    run("process_queue")
    run("send_daily_summaries")
    conn.execute("UPDATE documents SET purge_after = current_date - 1 WHERE status = 'deleted'")
    run("weekly_cleanup")
    reasons = column(conn, "SELECT DISTINCT reason FROM plan_items WHERE state = 'failed'")
    assert reasons, "nothing was tampered with"

    said = {
        "the log": caplog.text,
        "output": "".join(capfd.readouterr()),
        "a row of Airflow": everything_in_airflow(),
        "a log file": everything_written(),
    }
    assert len(said["output"]) + len(said["the log"]) > 10_000
    told = [(where, word) for where, text in said.items() for word in WORDS if word in text]
    assert told == []
