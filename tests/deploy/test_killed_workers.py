"""Workers are killed at their work, under real Celery, and everything ends exactly once.

One life of the topology of docker-compose.yaml, as plain processes, for all tests of this file. The
fixture ``ended`` kills a worker in the midst of a plan and another in the midst of a drain, each
with all that it runs, and waits until everything is done; the tests look at what became of it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bagit
import psycopg
import pytest

from doclife.delivery.signing import new_secret
from doclife.lifecycle.auditing import verify_chain
from doclife.lifecycle.deleting import BATCH_SIZE
from doclife.lifecycle.queue import add_many
from doclife.store import endpoints, organizations
from doclife.store.connection import Connection, connect
from local import databases
from local.cluster import Cluster
from local.postgres import Postgres
from tests.conftest import _copy, role_url
from tests.dags.catalogue import (
    add_documents,
    add_store,
    allow_everything,
    apply_rules,
    column,
    import_files,
)
from tests.e2e.airflow_user import AirflowUser
from tests.local.checkout import zone_of_noon

from .far_system import FarSystem, far_system

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

RULES, QUEUE = "execute_automation_rules", "process_queue"
PAPERS, SCRAPS, CALLS = 5_500, 20_000 + BATCH_SIZE, 3_000
"""Six shards to archive, two to throw away, and jobs to send."""
ANSWERED_BEFORE = 500
WITHIN_SECONDS = 600.0
"""Of anything that is waited for. On an idle machine all of it together takes a minute."""
QUICKER = {
    # Seconds; a minute in production. A living task says that it lives every five.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    # Ten minutes in production, for what the lost worker had taken and not begun: on a machine that
    # has much to do, a shard may be that.
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
}
"""All that is not as in docker-compose.yaml, so that nobody waits for a minute."""
RULE_FILE = """
rules:
  - name: keep-papers
    mode: enforce
    trigger: {type: ON_SCHEDULE}
    when: {field: tags, op: has_any, value: [temp]}
    limits: {max_documents: 100000, max_fraction: 1.0}
    actions: [{do: ARCHIVE, with: {store: archive}}]
  - name: throw-scraps-away
    mode: enforce
    trigger: {type: ON_SCHEDULE}
    when: {field: tags, op: has_any, value: [scrap]}
    limits: {max_documents: 100000, max_fraction: 1.0}
    actions: [{do: DELETE}]
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What there was to do, who was killed at it, and what is there when all has ended."""

    conn: Connection
    archive: Path
    jobs: list[int]
    came: Counter[str]
    """How often each message came to the far system, by its id."""
    killed_in_plan: str
    killed_in_drain: str
    state: str
    """Of the run that planned."""
    tries: list[tuple[str, int, str, str]]
    """Each try of a shard of that run: task and map index, number, host, how it ended."""


@pytest.fixture(scope="module")
def ended(
    postgres: Postgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ended]:
    """From the first document to the end, with two deaths in between."""
    folder = tmp_path_factory.mktemp("workers")
    database = _copy(postgres, migrated_template, "of_workers")
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        databases.create_database(superuser, "airflow_of_workers", owner=databases.AIRFLOW)
    metadata_url = role_url(postgres, "airflow_of_workers", role=databases.AIRFLOW)
    with (
        far_system(latency_seconds=0.05, answers=ANSWERED_BEFORE) as far,
        connect(database, application_name="tests of workers") as conn,
        psycopg.connect(metadata_url, autocommit=True) as metadata,
    ):
        bring_in(conn, folder, far)
        cluster = Cluster(
            folder / "cluster",
            metadata_url=metadata_url,
            tasks_url=role_url(postgres, "of_workers", role=databases.TASKS),
            variables={
                **QUICKER,
                "AIRFLOW__CORE__DEFAULT_TIMEZONE": zone_of_noon(datetime.now(UTC)),
                "AIRFLOW_CONN_DOCLIFE_FAR_SYSTEM": json.dumps(
                    {"conn_type": "http", "password": new_secret()}
                ),
                "DOCLIFE_ALLOWED_NETWORKS": "127.0.0.1/32",
                "DOCLIFE_ALLOW_HTTP": "true",
                "DOCLIFE_DRAINERS": "2",
            },
        )
        try:
            yield Story(cluster, conn, metadata, far, database).told(folder / "archive")
        finally:
            cluster.end()


def bring_in(conn: Connection, folder: Path, far: FarSystem) -> None:
    """Store what there is to do, and the rules by which it is done; the jobs come later."""
    allow_everything(conn)
    papers = folder / "papers"
    papers.mkdir()
    for number in range(PAPERS):
        (papers / f"{number}.txt").write_text(f"This is paper {number}.")
    import_files(conn, papers)
    add_documents(conn, *(f"scrap-{number}" for number in range(SCRAPS)), tags=("scrap",))
    add_store(conn, "archive", folder / "archive")
    apply_rules(conn, RULE_FILE)
    endpoints.insert(
        conn,
        organization_id=1,
        name="far",
        url=far.url,
        headers={},
        timeout_seconds=120,
        max_concurrency=20,
        max_per_second=None,
        created_by="user:olga",
        connection_id="doclife_far_system",
    )


def add_calls(conn: Connection) -> list[int]:
    payloads = [
        {"endpoint": "far", "type": "invoice.paid", "data": {"number": number}}
        for number in range(CALLS)
    ]
    return add_many(conn, kind="webhook", payloads=payloads, requested_by="user:olga")


class Story:
    """What happens, in this order."""

    def __init__(
        self,
        cluster: Cluster,
        conn: Connection,
        metadata: psycopg.Connection,
        far: FarSystem,
        database: str,
    ) -> None:
        self.cluster, self.conn, self.metadata = cluster, conn, metadata
        self.far, self.database = far, database

    def told(self, archive: Path) -> Ended:
        """Let it happen."""
        cluster = self.cluster
        cluster.start(workers=("worker-1", "worker-2"))
        admin = AirflowUser(cluster.port, name="admin", password=cluster.password_of("admin"))
        admin.wait_until_read(QUEUE)
        admin.wait_until_read(RULES)
        run_id = admin.begin(RULES)

        with self.kept_writing() as shard:
            # Not before: whoever sends keeps the plan's tasks waiting for a free slot.
            jobs = add_calls(self.conn)
            self.until(lambda: self.trashed() > 0, "the first batch in the trash")
            killed_in_plan = self.host_of(RULES, "archive", shard)
            cluster.kill_worker(killed_in_plan)
        cluster.add_worker("worker-3")

        self.until(lambda: len(self.far.came) > ANSWERED_BEFORE, "calls that hang")
        killed_in_drain = self.host_of(QUEUE, "drain")
        cluster.kill_worker(killed_in_drain)
        cluster.add_worker("worker-4")
        self.far.go_on()

        state = admin.end_of(RULES, run_id)
        left = "SELECT count(*) FROM jobs WHERE kind = 'webhook'"
        self.until(lambda: column(self.conn, left) == [0], "the jobs")
        return Ended(
            conn=self.conn,
            archive=archive,
            jobs=jobs,
            came=self.far.came,
            killed_in_plan=killed_in_plan,
            killed_in_drain=killed_in_drain,
            state=state,
            tries=self.tries(run_id),
        )

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait for something, with an eye on the workers."""
        gives_up_at = time.monotonic() + WITHIN_SECONDS
        while not is_so():
            self.cluster.check()
            assert time.monotonic() < gives_up_at, f"waited in vain for {what}"
            time.sleep(0.05)

    def trashed(self) -> int:
        return column(self.conn, "SELECT count(*) FROM documents WHERE status = 'deleted'")[0]

    @contextmanager
    def kept_writing(self) -> Iterator[int]:
        """Wait for a bag that is being written, and keep it from being sealed; yield its shard."""
        with (
            connect(self.database, application_name="in the way of a bag") as conn,
            conn.transaction(force_rollback=True),
        ):
            found: list[Any] = []

            def is_found() -> bool:
                found[:] = column(
                    conn,
                    "SELECT id FROM archive_bags WHERE state = 'writing' ORDER BY id LIMIT 1"
                    " FOR UPDATE SKIP LOCKED",
                )
                return bool(found)

            self.until(is_found, "a bag")
            (shard,) = column(
                conn, "SELECT DISTINCT shard FROM plan_items WHERE bag_id = %s", *found
            )
            yield shard

    def host_of(self, dag_id: str, task_id: str, map_index: int | None = None) -> str:
        """Return the living worker that runs a task; wait until there is one."""
        found: list[str] = []

        def is_found() -> bool:
            rows = self.metadata.execute(
                "SELECT hostname FROM task_instance WHERE state = 'running' AND dag_id = %s"
                " AND task_id = %s AND map_index = coalesce(%s, map_index)",
                (dag_id, task_id, map_index),
            )
            found[:] = [host for (host,) in rows if host in self.cluster.workers]
            return bool(found)

        self.until(is_found, f"{task_id} on a worker")
        return found[0]

    def tries(self, run_id: str) -> list[tuple[str, int, str, str]]:
        rows = self.metadata.execute(
            "SELECT task_id || ' ' || map_index, try_number, hostname, state FROM"
            " (SELECT * FROM"
            "  (SELECT run_id, task_id, map_index, try_number, hostname, state FROM task_instance"
            "   UNION SELECT run_id, task_id, map_index, try_number, hostname, state"
            "   FROM task_instance_history) AS every"
            "  WHERE run_id = %s AND task_id IN ('archive', 'delete')) AS tries"
            " ORDER BY 1, 2",
            (run_id,),
        )
        return list(rows)


def test_the_run_ends_well_though_a_worker_was_lost_with_its_shards(ended):
    assert ended.state == "success", ended.tries
    last = {task: (host, state) for task, _number, host, state in ended.tries}
    lost = {task for task, _, host, _ in ended.tries if host == ended.killed_in_plan} & {
        task for task, number, _, _ in ended.tries if number > 1
    }

    assert len(last) == 6 + 2
    assert lost, ended.tries
    assert all(last[task][0] != ended.killed_in_plan for task in lost)
    assert {state for _host, state in last.values()} == {"success"}


def test_every_document_was_done_exactly_once(ended):
    counts = dict(ended.conn.execute("SELECT status, count(*) FROM documents GROUP BY 1"))
    done = dict(
        ended.conn.execute(
            "SELECT action, count(DISTINCT document_id) FROM audit_entries"
            " WHERE action IN ('document.archived', 'document.trashed') GROUP BY 1"
        )
    )

    assert counts == {"archived": PAPERS, "deleted": SCRAPS}
    assert done == {"document.archived": PAPERS, "document.trashed": SCRAPS}
    for table, deed in (("audit_entries", "action"), ("events", "type")):
        again = ended.conn.execute(
            f"SELECT document_id FROM {table}"
            f" WHERE {deed} IN ('document.archived', 'document.trashed')"
            " GROUP BY document_id HAVING count(*) > 1 LIMIT 5"
        ).fetchall()
        assert again == [], table
    assert column(ended.conn, "SELECT DISTINCT state FROM plans") == ["applied"]
    assert column(ended.conn, "SELECT DISTINCT state FROM plan_items") == ["done"]
    uncounted = "SELECT count(*) FROM plan_shards WHERE done_count <> item_count"
    assert column(ended.conn, uncounted) == [0]


def test_the_archive_holds_each_document_once_and_nothing_half_written(ended):
    sealed = column(ended.conn, "SELECT uri FROM archive_bags WHERE state = 'sealed'")
    others = column(ended.conn, "SELECT state FROM archive_bags WHERE state <> 'sealed'")
    folders = sorted(path.parent for path in ended.archive.rglob("bagit.txt"))

    assert set(others) == {"removed"}, "the killed worker was in the midst of a bag"
    assert [folder.as_uri() for folder in folders] == sorted(uri.rstrip("/") for uri in sealed)
    for folder in folders:
        bagit.Bag(str(folder)).validate()
    copies = [path for folder in folders for path in (folder / "data").rglob("*") if path.is_file()]
    texts = Counter(path.read_text() for path in copies)
    papers = {f"This is paper {number}." for number in range(PAPERS)}
    assert papers <= texts.keys()
    assert {texts[paper] for paper in papers} == {1}
    files = {path for path in ended.archive.rglob("*") if path.is_file()}
    of_bags = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in files - of_bags} <= {".doclife-store"}


def test_every_job_arrived_and_came_twice_only_where_that_is_written_down(ended):
    # Others may have come meanwhile: what operators are told of a task that failed.
    for table, count in {"jobs": 0, "jobs_failed": 0, "job_history": CALLS}.items():
        ours = f"SELECT count(*) FROM {table} WHERE id = ANY(%s)"
        assert column(ended.conn, ours, ended.jobs) == [count], table
    leased = "SELECT count(*) FROM job_batches WHERE job_ids && %s::bigint[]"
    assert column(ended.conn, leased, ended.jobs) == [0]
    outcomes = dict(
        ended.conn.execute(
            "SELECT job_id, array_agg(outcome ORDER BY attempt) FROM delivery_attempts"
            " WHERE job_id = ANY(%s) GROUP BY 1",
            (ended.jobs,),
        )
    )
    assert sorted(outcomes) == ended.jobs
    assert set(ended.came) == {f"msg_{job}" for job in ended.jobs}

    for job, each in outcomes.items():
        assert each[-1] == "sent"
        assert set(each[:-1]) <= {"unknown"}
        assert ended.came[f"msg_{job}"] <= len(each), (job, each)
    doubled = sum(times > 1 for times in ended.came.values())
    assert doubled > 0, "nothing was on its way when the worker was killed"


def test_who_was_killed_was_two_and_the_trail_fits(ended):
    assert ended.killed_in_plan != ended.killed_in_drain
    tenant = organizations.find(ended.conn, "default")

    verified = verify_chain(ended.conn, tenant, now=datetime.now(UTC))

    assert verified.fits, verified.findings
    assert verified.entries >= PAPERS + SCRAPS
