"""The first import of an application's table against a bare INSERT ... SELECT of the same rows.

The peer copies the same columns into a plain table with a primary key, in one statement. The first
import reads them through a mapping, judges every value, makes each row a document with all indexes
and triggers, and commits every 5,000 rows with how far it is. It must not be seen by anybody: no
job, event or notice, and no plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.benchmark import Benchmark, run
from benchmarks.machine import seconds
from benchmarks.results import Quantity, Row
from benchmarks.server import measured_server, migrated_database
from doclife.domain.table_mapping import read_mapping
from doclife.lifecycle import adopting_tables
from doclife.store.connection import Connection

TABLE = """
CREATE TABLE public.documents (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid,
    storage_path text,
    name text,
    mime_type text,
    size bigint,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    tags text[],
    metadata jsonb
)
"""
FILL = """
INSERT INTO public.documents
SELECT
    gen_random_uuid(),
    '00000000-0000-4000-8000-000000000001',
    gen_random_uuid(),
    'a/' || n || '.pdf',
    'Document ' || n,
    'application/pdf',
    n,
    now() - n * interval '1 minute',
    CASE WHEN n %% 3 = 0 THEN now() - n * interval '30 seconds' END,
    ARRAY['upload'],
    jsonb_build_object('project', 'p' || n %% 1000)
FROM generate_series(1, %s) AS n
"""
COPY = """
INSERT INTO public.copied
SELECT
    id, 1, name, 'upload', user_id::text, tags, metadata, mime_type, size,
    (created_at AT TIME ZONE 'UTC')::date, (expires_at AT TIME ZONE 'UTC')::date
FROM public.documents
"""
MAPPING = """
table: public.documents
document_type: upload
fields:
  title: name
  owner: user_id
  tags: tags
  metadata: metadata
  media_type: mime_type
  size_bytes: size
  created_on: created_at
  expires_on: expires_at
"""
SILENT = ("jobs", "events", "notices", "notifications", "plans")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rows: int = 2_000_000


def measure(sizes: Sizes) -> Iterator[Row]:
    with measured_server() as server, migrated_database(server, "adopt_table") as conn:
        conn.execute(TABLE)
        conn.execute(FILL, (sizes.rows,))
        conn.execute("ANALYZE public.documents")
        conn.execute(
            "CREATE TABLE public.copied (id uuid PRIMARY KEY, organization_id bigint, title text,"
            " document_type text, owner text, tags text[], metadata jsonb, media_type text,"
            " size_bytes bigint, created_on date, expires_on date)"
        )
        theirs = seconds(lambda: conn.execute(COPY))
        ours = seconds(lambda: attach(conn, sizes.rows))
        for table in SILENT:
            assert count(conn, table) == 0, table
    yield Row.of_rounds(
        what=f"first import of an application's table, {sizes.rows:,} rows",
        peer="a bare `INSERT ... SELECT` into a plain table with a primary key",
        of=Quantity.RATE,
        ours=[sizes.rows / ours],
        theirs=[sizes.rows / theirs],
        unit="rows/s",
    )


def attach(conn: Connection, rows: int) -> None:
    mapping = read_mapping(MAPPING, where="the benchmark")
    outcome = adopting_tables.attach(conn, mapping, now=datetime.now(UTC), actor="benchmark")
    assert (outcome.documents, outcome.problem_count) == (rows, 0), outcome


def count(conn: Connection, table: str) -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


BENCHMARK = Benchmark(measure=measure, sizes=Sizes(), quick=Sizes(rows=10_000))

if __name__ == "__main__":
    run(BENCHMARK, "adopt_table")
