"""The dashboard over one catalogue, and somebody at a browser who asks for every page of it.

Importing it sets the environment of an Airflow for this process.
"""

from tests import airflow_environment  # noqa: F401 - before anything of Airflow

# isort: split

import re
import statistics
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import unescape

from airflow.api_fastapi.app import init_auth_manager, lifespan
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.utils.db import initdb
from fastapi import FastAPI

from benchmarks.machine import processor_seconds
from benchmarks.years import PERSON
from doclife.dashboard.app import PREFIX, make_app
from doclife.store.connection import Connection
from local import databases
from local.postgres import Postgres
from tests.dashboard.browsers import Browser

LATER = 3
"""How many pages into a list its later page is."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for, each time another of these addresses."""

    name: str
    paths: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Took:
    """How long the answers took, and what they cost."""

    seconds: Sequence[float]
    processor: float
    """Seconds of the processor for each, in the app and in PostgreSQL together."""

    @property
    def middle(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.seconds) * 1000

    @property
    def slow(self) -> float:
        """The 95th percentile, in milliseconds."""
        return statistics.quantiles(self.seconds, n=20)[-1] * 1000


class Site:
    """The dashboard over one catalogue, and somebody at a browser."""

    def __init__(self, stack: ExitStack, conn: Connection, url: str) -> None:
        with warnings.catch_warnings():
            # Starlette's test client warns when it is imported.
            warnings.simplefilter("ignore")
            from fastapi.testclient import TestClient

        host = FastAPI(lifespan=lifespan)
        init_auth_manager(host)
        host.mount(PREFIX, make_app(database=lambda: url))
        client = stack.enter_context(TestClient(host, raise_server_exceptions=False))
        self.conn = conn
        self.browser = Browser(client, user=SimpleAuthManagerUser(username=PERSON, role="OP"))
        self._database = conn.info.dbname
        self._asked: dict[str, int] = {}

    def ids(self, query: str) -> list[int]:
        """Return numbers that addresses are made of."""
        return [row[0] for row in self.conn.execute(query).fetchall()]

    def later(self, path: str) -> str:
        """Return the address of a later page of a list, or of its last."""
        for _ in range(LATER):
            answer = self.browser.get(path)
            if "/api/" in path:
                cursor = answer.json()["next_cursor"]
                found = None if cursor is None else [cursor]
            else:
                found = re.findall(r'[?&;]cursor=([^"&]+)', unescape(answer.text))[-1:]
            if not found:
                return path
            first = re.sub(r"[?&]cursor=[^&]*", "", path)
            path = f"{first}{'&' if '?' in first else '?'}cursor={found[0]}"
        return path

    def took(self, asked: Asked, times: int) -> Took:
        """Ask so many times, each time for the next of the addresses."""
        seconds = []
        spent = 0.0
        for number in range(times + 1):
            path = asked.paths[number % len(asked.paths)]
            processor, began = self._processor(), time.perf_counter()
            answer = self.browser.get(path)
            duration = time.perf_counter() - began
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
            if number:  # The first one connects, and compiles the template.
                seconds.append(duration)
                spent += self._processor() - processor
        return Took(seconds=seconds, processor=spent / times)

    def _processor(self) -> float:
        pids = self.conn.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = %s AND application_name = 'doclife dashboard'",
            (self._database,),
        )
        return time.process_time() + sum(processor_seconds(pid) for (pid,) in pids)

    def pages(self) -> Iterator[Asked]:
        """Everything that is asked for."""
        for path in (
            "/", "/rules", "/rules?q=mail", "/forecast", "/forecast?rule=delete-drafts",
            "/overdue", "/overdue?reason=held", "/overdue?reason=failed",
            "/overdue?rule=delete-expired-offers", "/history", "/history?state=failed",
            "/history?state=rejected", "/history?q=drafts", "/history?mode=simulate",
            "/notifications", "/integrations", "/jobs", "/jobs?state=failed", "/jobs?kind=slack",
            "/jobs?endpoint=endpoint-3", "/jobs/running", "/documents", "/documents?q=4711",
            "/documents?owner=owner7", "/documents?tag=tag7&status=archived",
            "/documents?status=deleted", "/documents?held=yes", "/documents?type=type3",
            "/documents?expires_before=2018-01-01", "/reports",
            "/api/v1/documents", "/api/v1/plans", "/api/v1/jobs", "/api/v1/jobs/-/stats",
            "/api/v1/overdue", "/api/v1/overdue/documents", "/api/v1/forecast", "/api/v1/audit",
            "/api/v1/audit?actor=user:olga", "/api/v1/notifications", "/api/v1/rules",
            "/api/v1/endpoints", "/api/v1/schedules",
        ):  # fmt: skip
            yield Asked(name=path, paths=[path])
        for path in (
            "/documents", "/history", "/jobs", "/overdue", "/notifications", "/api/v1/documents",
            "/api/v1/audit",
        ):  # fmt: skip
            yield Asked(name=f"{path}, a later page", paths=[self.later(path)])
        plans = self.ids("SELECT id FROM plans WHERE document_count > 0 ORDER BY -id LIMIT 20")
        for name, path, ids in (
            ("/rules/NAME", "/rules/{}", list(RULE_NAMES)),
            ("/documents/ID", "/documents/{}", self.ids(SOME_DOCUMENTS)),
            ("/api/v1/documents/ID/explain", "/api/v1/documents/{}/explain",
             self.ids(SOME_DOCUMENTS)),
            ("/plans/ID", "/plans/{}", plans),
            ("/plans/ID?state=skipped", "/plans/{}?state=skipped", plans),
            ("/api/v1/plans/ID/items", "/api/v1/plans/{}/items", plans),
            ("/api/v1/audit?plan_id=ID", "/api/v1/audit?plan_id={}",
             self.ids("SELECT 10 + id * 100 FROM generate_series(1, 20) AS id")),
            ("/api/v1/audit?document_id=ID", "/api/v1/audit?document_id={}",
             self.ids(SOME_DOCUMENTS)),
            ("/jobs/ID, completed", "/jobs/{}",
             self.ids("SELECT max(id) * part / 21 FROM job_history,"
                      " generate_series(1, 20) AS part GROUP BY part")),
            ("/jobs/ID, pending", "/jobs/{}", self.ids("SELECT id FROM jobs ORDER BY id LIMIT 20")),
            ("/integrations/endpoints/ID", "/integrations/endpoints/{}", range(1, 11)),
        ):  # fmt: skip
            yield Asked(name=name, paths=[path.format(each) for each in ids])


RULE_NAMES = ("archive-invoices", "delete-drafts", "delete-mail", "tell-owners")
SOME_DOCUMENTS = "SELECT id FROM documents WHERE id % 97 = 0 AND id < 5000 LIMIT 20"


@contextmanager
def site(server: Postgres, database: str, conn: Connection) -> Iterator[Site]:
    """Serve the dashboard over a catalogue with the rights that tasks have."""
    password = "only-for-measuring"
    conn.execute(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'measured') THEN"
        f" CREATE ROLE measured LOGIN PASSWORD '{password}' IN ROLE doclife_worker;"
        # What other processes helped with would not be counted.
        " ALTER ROLE measured SET max_parallel_workers_per_gather = 0;"
        " END IF; END $$"
    )
    url = databases.as_role(server.url(), role="measured", password=password, database=database)
    initdb()
    with ExitStack() as stack:
        yield Site(stack, conn, url)
