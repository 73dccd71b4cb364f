"""What Airflow's own database keeps of each DAG run, and what a year of runs comes to.

    python -m benchmarks.airflow_history

Starts a copy of the project with ``./run``, which lets every DAG run once over the samples, and
counts the rows that each run has left in Airflow's metadata database. What a year comes to is
calculated from that: so many runs of each DAG as its schedule has times, and of those that run when
there is something to do as many as ``PER_DAY`` says.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from local import databases
from local.ports import free_port
from local.state import ROOT
from tests.local.checkout import Checkout, Start

PER_DAY = {
    "check_expired_documents": 1.0,
    "execute_automation_rules": 1.0,
    "send_daily_summaries": 24.0,
    "weekly_cleanup": 1 / 7,
    "process_queue": 48.0,
    "review_plan": 2.0,
    "run_rule": 2.0,
}
"""Runs of each DAG; those without a schedule as an office with something to send every half hour
and two plans a day to approve has them."""
OF_DAG = {
    "dag_run": "dag_id",
    "task_instance": "dag_id",
    "task_instance_history": "dag_id",
    "rendered_task_instance_fields": "dag_id",
    "xcom": "dag_id",
    "log": "dag_id",
    "asset_event": "source_dag_id",
}
"""Tables whose rows say which DAG they are of, and in which column."""
BOUNDED = "rendered_task_instance_fields"
"""Airflow keeps those of the last 30 runs of each DAG, so that they do not add up."""
DAYS = 365


def main() -> None:
    """Measure, calculate, print."""
    folder = Path(tempfile.mkdtemp(prefix="doclife-airflow-"))
    home = Checkout(folder / "project")
    try:
        hidden = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "dags", home.folder / "dags", dirs_exist_ok=True, ignore=hidden)
        started = Start(home, PORT=str(free_port()))
        started.wait_until_ready(seconds=1200)
        with psycopg.connect(_url(home)) as conn:
            report(conn)
        started.end(signal.SIGTERM)
    finally:
        home.remove()
        shutil.rmtree(folder, ignore_errors=True)


def report(conn: psycopg.Connection[Any]) -> None:
    """Print rows and bytes of a run of each DAG, and of a year."""
    runs = dict(conn.execute("SELECT dag_id, count(*) FROM dag_run GROUP BY dag_id").fetchall())
    row_bytes = {table: _row_bytes(conn, table) for table in OF_DAG}
    print(f"| DAG | runs a year | {' | '.join(OF_DAG)} | rows a year | MB a year |")
    print(f"| --- | ---: | {' | '.join(['---:'] * len(OF_DAG))} | ---: | ---: |")
    total_rows, total_bytes = 0.0, 0.0
    grows = [table for table in OF_DAG if table != BOUNDED]
    for dag, per_day in PER_DAY.items():
        if dag not in runs:
            print(f"| `{dag}` | not run | {' | '.join([''] * len(OF_DAG))} | | |")
            continue
        each = {table: _count(conn, table, dag) / runs[dag] for table in OF_DAG}
        rows = sum(each[table] for table in grows) * per_day * DAYS
        size = sum(each[table] * row_bytes[table] for table in grows) * per_day * DAYS
        total_rows, total_bytes = total_rows + rows, total_bytes + size
        cells = " | ".join(f"{each[table]:.1f}" for table in OF_DAG)
        print(f"| `{dag}` | {per_day * DAYS:,.0f} | {cells} | {rows:,.0f} | {size / 1e6:,.0f} |")
    empty = " | ".join([""] * len(OF_DAG))
    print(f"| all | | {empty} | {total_rows:,.0f} | {total_bytes / 1e6:,.0f} |")
    print(f"bytes a row: {', '.join(f'{table} {size:,.0f}' for table, size in row_bytes.items())}")


def _row_bytes(conn: psycopg.Connection[Any], table: str) -> float:
    """Return what a row weighs with its indexes, as far as a small table tells."""
    query: Any = f"SELECT coalesce(avg(pg_column_size(found.*)), 0)::float8 FROM {table} AS found"
    row = conn.execute(query).fetchone()
    indexes: Any = "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass"
    found = conn.execute(indexes, (table,)).fetchone()
    assert row is not None
    assert found is not None
    return float(row[0]) + 40.0 * int(found[0])


def _count(conn: psycopg.Connection[Any], table: str, dag: str) -> int:
    query: Any = f"SELECT count(*) FROM {table} WHERE {OF_DAG[table]} = %s"
    row = conn.execute(query, (dag,)).fetchone()
    assert row is not None
    return int(row[0])


def _url(home: Checkout) -> str:
    return databases.as_role(
        home.read("running.json")["documents_url"],
        role=databases.AIRFLOW,
        password=home.read("secrets.json")[f"password_{databases.AIRFLOW}"],
        database=databases.METADATA,
    )


if __name__ == "__main__":
    main()
