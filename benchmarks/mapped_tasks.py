"""Archive of 1,000 documents end to end in Airflow, beside one mapped task for each document.

Both run in the same Airflow, started as ``./run`` starts it (scheduler, LocalExecutor with eight
tasks at once, PostgreSQL), one after the other, over the same files. The peer is the DAG that one
writes first: a query, then a mapped task for every row, which copies a file, compares checksums and
marks the row. Ours is ``execute_automation_rules`` as it stands: expiry, plan, belts, bags that are
flushed, read back and sealed, an audit entry and an event for each document, and the forecast.

The clock is Airflow's: from when a run was queued until it had ended.
"""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.benchmark import Benchmark, run
from benchmarks.machine import make_small_files, scratch
from benchmarks.results import Quantity, Row
from tests.e2e.airflow_user import AirflowUser
from tests.e2e.stack import Stack, running

NAIVE = "one_task_per_document"
OURS = "execute_automation_rules"
RULES = """
rules:
  - name: archive-all
    mode: enforce
    trigger: {type: ON_SCHEDULE}
    when: {field: document_type, op: eq, value: minutes}
    limits: {max_documents: 1000000, max_fraction: 1.0}
    actions:
      - {do: ARCHIVE, with: {store: archive}}
"""
LONGEST_SECONDS = 3 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    documents: int = 1000


def measure(sizes: Sizes) -> Iterator[Row]:
    with scratch() as folder, running(folder / "mapped tasks") as stack:
        papers = stack.home.folder / "papers"
        make_small_files(papers, count=sizes.documents)
        bring_in(stack, papers)
        make_naive(stack, papers)
        admin = stack.user("admin")
        ours = seconds_of(stack, admin, OURS)
        count = stack.column("SELECT count(*) FROM documents WHERE status = 'archived'")[0]
        assert count == sizes.documents, count
        theirs = seconds_of(stack, admin, NAIVE)
        count = stack.column("SELECT count(*) FROM naive.documents WHERE status = 'archived'")[0]
        assert count == sizes.documents, count
    yield Row.of_rounds(
        what=f"archive of {sizes.documents:,} documents by `{OURS}`, with bags, audit entries and "
        "events",
        peer="one mapped task per document, which copies and marks",
        of=Quantity.RATE,
        ours=[sizes.documents / ours],
        theirs=[sizes.documents / theirs],
        unit="documents/s",
    )


def bring_in(stack: Stack, papers: Path) -> None:
    """Import the files, and a rule that archives them all, past every belt."""
    stack.archive.mkdir()
    stack.doclife(
        *("organizations", "set", "default", "--cooling-off-days", "0"),
        *("--max-fraction-per-day", "1"),
    )
    stack.doclife("limits", "set", "--max-fraction-per-day", "1")
    stack.doclife("stores", "register", "papers", papers)
    stack.doclife("stores", "register", "archive", stack.archive)
    stack.doclife("documents", "import", papers, "--type", "minutes")
    rules = stack.home.folder / "rules.yaml"
    rules.write_text(RULES)
    stack.doclife("rules", "apply", rules)


def make_naive(stack: Stack, papers: Path) -> None:
    """Make the table of the naive DAG, over the same files, and add the DAG."""
    copies = stack.home.folder / "copies"
    copies.mkdir()
    with psycopg.connect(stack.documents_url) as conn:
        conn.execute("CREATE SCHEMA naive")
        conn.execute(
            "CREATE TABLE naive.documents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " path text, copy_path text, due_on date, status text DEFAULT 'active')"
        )
        conn.cursor().executemany(
            "INSERT INTO naive.documents (path, copy_path, due_on) VALUES (%s, %s, '2020-01-01')",
            [(str(path), str(copies / path.name)) for path in sorted(papers.rglob("*.bin"))],
        )
        conn.execute("GRANT USAGE ON SCHEMA naive TO PUBLIC")
        conn.execute("GRANT SELECT, UPDATE ON naive.documents TO PUBLIC")
    dag = Path(__file__).parent / "peers" / f"{NAIVE}.py"
    shutil.copy(dag, stack.home.folder / "dags")


def seconds_of(stack: Stack, user: AirflowUser, dag_id: str) -> float:
    """Run a DAG to its good end, and return how long Airflow says that it took."""
    user.wait_until_read(dag_id)
    run_id = user.begin(dag_id)
    gives_up_at = time.monotonic() + LONGEST_SECONDS
    done = 0
    while (state := user.run_state(dag_id, run_id)) not in ("success", "failed"):
        assert time.monotonic() < gives_up_at, f"{dag_id} is still {state}"
        time.sleep(1)
        before, done = done, ended_tasks(stack, dag_id)
        if done // 100 > before // 100:
            print(f"{done} tasks of {dag_id} have ended, load {os.getloadavg()[0]:.1f}", flush=True)
    assert state == "success", user.failed_tasks(dag_id, run_id)
    took = stack.airflow_rows(
        "SELECT extract(EPOCH FROM end_date - queued_at) FROM dag_run"
        f" WHERE dag_id = '{dag_id}' ORDER BY id DESC LIMIT 1"
    )
    print(f"{dag_id}: {float(took[0][0]):.1f} s", flush=True)
    return float(took[0][0])


def ended_tasks(stack: Stack, dag_id: str) -> int:
    """Return how many tasks of a DAG have ended well so far."""
    query = f"SELECT count(*) FROM task_instance WHERE dag_id = '{dag_id}' AND state = 'success'"
    return int(stack.airflow_rows(query)[0][0])


BENCHMARK = Benchmark(measure=measure, sizes=Sizes(), quick=Sizes(documents=20))

if __name__ == "__main__":
    run(BENCHMARK, "mapped_tasks")
