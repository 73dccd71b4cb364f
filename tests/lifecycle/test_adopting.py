"""A Supabase-style table is adopted as it is: read whole once, then followed by triggers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from doclife.domain.rule import Rule
from doclife.domain.table_mapping import read_mapping
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle import adopting_tables, applying, planning
from doclife.lifecycle.auditing import verify_chain
from doclife.lifecycle.expiring import expire
from doclife.lifecycle.stores import open_stores, register_store
from doclife.lifecycle.tenants import OrganizationSettings, add_organization
from doclife.lifecycle.undo import undo_plan
from doclife.store import audit, organizations
from doclife.store.connection import connect
from doclife.store.rules import add_version

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACME, GLOBEX = UUID(int=1), UUID(int=2)
TABLE = """
CREATE TABLE public.documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    user_id uuid,
    bucket_id text NOT NULL DEFAULT 'uploads',
    storage_path text,
    name text,
    mime_type text,
    size bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    deleted_at timestamptz,
    lifecycle text,
    tags text[],
    metadata jsonb
)
"""
MAPPING = f"""
table: public.documents
organization:
  column: tenant_id
  names:
    {ACME}: acme
    {GLOBEX}: globex
key: id
document_type: upload
fields:
  title: name
  owner: user_id
  media_type: mime_type
  size_bytes: size
  created_on: created_at
  expires_on: expires_at
  tags: tags
  metadata: metadata
write_back:
  status: lifecycle
  deleted_at: deleted_at
"""


@pytest.fixture
def app(conn, database) -> Iterator[psycopg.Connection]:
    """The application's own session, with its table and two tenants in doclife."""
    for slug, zone in (("acme", "Europe/Berlin"), ("globex", "Pacific/Auckland")):
        add_organization(
            conn,
            slug=slug,
            settings=OrganizationSettings(time_zone=zone),
            exist_ok=False,
            now=NOW,
            actor="test",
        )
    with psycopg.connect(database, autocommit=True) as app:
        app.execute(TABLE)
        yield app


def attach(conn, text: str = MAPPING):
    mapping = read_mapping(text, where="documents.yaml")
    return adopting_tables.attach(conn, mapping, now=datetime.now(UTC), actor="test")


def row(app, *, tenant: UUID = ACME, **values: object) -> str:
    values = {"tenant_id": tenant, "name": "a.pdf", **values}
    query = sql.SQL("INSERT INTO public.documents ({}) VALUES ({}) RETURNING id::text").format(
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    (key,) = app.execute(query, list(values.values())).fetchone()
    return key


def document(conn, key: str, *columns: str):
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return conn.execute(
        sql.SQL("SELECT {} FROM documents WHERE external_id = %s").format(names), (key,)
    ).fetchone()


def problems(conn) -> dict[str, str]:
    found = adopting_tables.list_problems(conn, "documents", size=100)
    return {one.row_key: one.reason for one in found}


def count(conn, table: str, where: str = "true") -> int:
    return conn.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]


def test_rows_that_are_there_become_documents_of_their_tenants(app, conn):
    key = row(
        app,
        user_id=UUID(int=7),
        name="Vertrag.pdf",
        mime_type="application/pdf",
        size=18204,
        created_at="2024-12-31T23:30:00Z",
        expires_at="2025-06-30T21:59:59Z",
        tags=["a", "b"],
        metadata='{"contract_end": "2025-01-31"}',
    )
    other = row(app, tenant=GLOBEX, created_at="2024-12-31T23:30:00Z")

    outcome = attach(conn)

    assert (outcome.rows, outcome.documents, outcome.problem_count) == (2, 2, 0)
    assert document(
        conn, key, "title", "document_type", "owner", "media_type", "size_bytes", "created_on",
        "expires_on", "tags", "metadata", "status", "is_baseline",
    ) == (
        "Vertrag.pdf", "upload", str(UUID(int=7)), "application/pdf", 18204, date(2025, 1, 1),
        date(2025, 6, 30), ["a", "b"], {"contract_end": "2025-01-31"}, "active", True,
    )  # fmt: skip
    assert document(conn, other, "created_on") == (date(2025, 1, 1),), "in Auckland"
    slugs = conn.execute(
        "SELECT slug FROM documents JOIN organizations o ON o.id = organization_id ORDER BY 1"
    ).fetchall()
    assert slugs == [("acme",), ("globex",)]


HOSTILE = {
    "created_at": "infinity",
    "expires_at": "20000-01-01T00:00:00Z",
    "size": -1,
    "tags": ["a", None],
    "metadata": '["no object"]',
    "tenant_id": UUID(int=99),
}


@pytest.mark.parametrize("column", HOSTILE)
def test_a_row_that_cannot_be_taken_over_is_listed_and_keeps_no_other_out(app, conn, column):
    bad = row(app, **{column: HOSTILE[column]})
    good = row(app)

    attach(conn)
    written = row(app, **{column: HOSTILE[column]}), row(app)

    assert document(conn, bad, "id") is None
    assert document(conn, good, "status") == ("active",)
    assert document(conn, written[0], "id") is None
    assert document(conn, written[1], "status") == ("active",)
    assert problems(conn).keys() == {bad, written[0]}
    assert count(app, "public.documents") == 4


def test_what_only_the_catalogue_refuses_is_listed_row_by_row(app, conn):
    attach(conn)
    app.execute("ALTER TABLE public.documents ALTER name TYPE text")
    conn.execute(
        "ALTER TABLE documents ADD CONSTRAINT no_drafts CHECK (title <> 'draft') NOT VALID"
    )

    app.execute(
        "INSERT INTO public.documents (tenant_id, name)"
        " SELECT %s, CASE n WHEN 3 THEN 'draft' ELSE 'x' END FROM generate_series(1, 5) AS n",
        (ACME,),
    )

    assert count(app, "public.documents") == 5
    assert count(conn, "documents") == 4
    ((_, reason),) = problems(conn).items()
    assert "no_drafts" in reason


def test_never_to_expire_is_no_expiry(app, conn):
    key = row(app, expires_at="infinity")

    attach(conn)

    assert document(conn, key, "expires_on") == (None,)


def test_what_the_application_writes_is_followed_in_its_own_transaction(app, conn):
    attach(conn)

    with app.transaction(force_rollback=True):
        undone = row(app)
    key = row(app, name="first")
    app.execute("UPDATE public.documents SET name = 'second', size = 5 WHERE id = %s", (key,))

    assert document(conn, undone, "id") is None
    assert document(conn, key, "title", "size_bytes", "is_baseline") == ("second", 5, False)
    told = conn.execute("SELECT type, actor FROM events ORDER BY id").fetchall()
    assert told == [
        ("document.registered", "application:doclife_admin"),
        ("document.changed", "application:doclife_admin"),
    ]
    assert count(conn, "audit_entries", "document_id IS NOT NULL") == 2


def test_what_is_not_followed_stays_as_doclife_says(app, conn):
    key = row(app)
    attach(conn, MAPPING.replace("  title: name\n", ""))
    conn.execute("UPDATE documents SET title = 'by hand'")

    app.execute("UPDATE public.documents SET size = 5")

    assert document(conn, key, "title", "size_bytes") == ("by hand", 5)


def test_an_update_that_changes_nothing_we_follow_leaves_no_trace(app, conn):
    row(app)
    attach(conn)
    before = document_versions(conn)

    app.execute("UPDATE public.documents SET storage_path = 'elsewhere'")

    assert document_versions(conn) == before
    assert count(conn, "events") == 0


def document_versions(conn):
    return conn.execute("SELECT id, version, updated_at FROM documents ORDER BY id").fetchall()


def test_a_removed_row_leaves_its_document_and_an_event_to_count_from(app, conn):
    kept, removed = row(app), row(app)
    attach(conn)

    app.execute("DELETE FROM public.documents WHERE id = %s", (removed,))

    assert document(conn, removed, "status", "title") == ("active", "a.pdf")
    assert conn.execute(
        "SELECT external_id, type, is_external FROM events JOIN documents d ON d.id = document_id"
    ).fetchall() == [(removed, "row.removed", True)]
    assert document(conn, kept, "status") == ("active",)


def test_a_row_that_comes_back_takes_its_removal_back(app, conn):
    key = row(app)
    attach(conn)
    app.execute("DELETE FROM public.documents")

    row(app, id=key, name="again")

    assert document(conn, key, "title") == ("again",)
    assert count(conn, "events", "type = 'row.removed' AND withdrawn_at IS NULL") == 0


def test_truncating_removes_every_row_and_no_document(app, conn):
    row(app), row(app)
    attach(conn)

    app.execute("TRUNCATE public.documents")

    assert count(conn, "documents", "status = 'active'") == 2
    assert count(conn, "events", "type = 'row.removed'") == 2


def test_a_row_cannot_move_to_another_tenant(app, conn):
    key = row(app)
    attach(conn)

    app.execute("UPDATE public.documents SET tenant_id = %s", (GLOBEX,))

    assert "another organization" in problems(conn)[key]
    assert count(conn, "documents") == 1


def test_a_document_that_somebody_else_registered_is_not_taken(app, conn):
    key = row(app)
    (acme,) = conn.execute("SELECT id FROM organizations WHERE slug = 'acme'").fetchone()
    conn.execute(
        "INSERT INTO documents (organization_id, external_id, title) VALUES (%s, %s, 'theirs')",
        (acme, key),
    )

    attach(conn)

    assert document(conn, key, "title") == ("theirs",)
    assert key in problems(conn)


def test_a_mended_row_leaves_the_list(app, conn):
    key = row(app, size=-1)
    attach(conn)

    app.execute("UPDATE public.documents SET size = 1")

    assert problems(conn) == {}
    assert document(conn, key, "size_bytes") == (1,)


def test_the_application_does_not_wait_for_long(app, conn, database):
    key = row(app)
    attach(conn)

    with psycopg.connect(database) as other:
        other.execute("SELECT FROM doclife.documents FOR UPDATE")
        began = datetime.now(UTC)
        app.execute("UPDATE public.documents SET name = 'new'")
        waited = (datetime.now(UTC) - began).total_seconds()

    assert waited < 15, "2 s, and what a busy machine adds"
    assert "lock timeout" in problems(conn)[key]
    adopting_tables.read_again(conn, "documents", now=datetime.now(UTC), actor="test")
    assert problems(conn) == {}
    assert document(conn, key, "title") == ("new",)


def test_what_the_triggers_missed_is_made_up_for(app, conn, postgres, database):
    changed, removed = row(app), row(app)
    attach(conn)
    app.execute("ALTER TABLE public.documents DISABLE TRIGGER USER")
    app.execute("UPDATE public.documents SET name = 'new' WHERE id = %s", (changed,))
    app.execute("DELETE FROM public.documents WHERE id = %s", (removed,))
    added = row(app)
    app.execute("ALTER TABLE public.documents ENABLE TRIGGER USER")

    now = datetime.now(UTC)
    first = adopting_tables.read_again(conn, "documents", now=now, actor="test")
    second = adopting_tables.read_again(conn, "documents", now=now, actor="test")

    assert (first.documents, first.removed) == (2, 1)
    assert (second.documents, second.removed) == (0, 0)
    assert document(conn, changed, "title") == ("new",)
    assert document(conn, added, "status") == ("active",)


def test_a_killed_first_import_goes_on_after_the_last_whole_batch(app, conn, monkeypatch):
    monkeypatch.setattr(adopting_tables, "BATCH_ROWS", 10)
    app.execute(
        "INSERT INTO public.documents (tenant_id) SELECT %s FROM generate_series(1, 35)", (ACME,)
    )
    seen = []

    def die(rows: int) -> None:
        seen.append(rows)
        if len(seen) == 2:
            raise KeyboardInterrupt

    mapping = read_mapping(MAPPING, where="documents.yaml")
    with pytest.raises(KeyboardInterrupt):
        adopting_tables.attach(conn, mapping, now=NOW, actor="test", on_rows=die)
    assert count(conn, "documents") == 20

    outcome = attach(conn)

    assert (outcome.rows, outcome.documents) == (15, 15)
    assert count(conn, "documents") == 35
    assert adopting_tables.find(conn, "documents").baseline_rows == 35


def test_attaching_again_does_nothing(app, conn):
    row(app)
    attach(conn)
    before = document_versions(conn)

    outcome = attach(conn)

    assert (outcome.rows, outcome.documents) == (0, 0)
    assert document_versions(conn) == before


def test_a_detached_table_is_followed_no_more_and_keeps_its_documents(app, conn):
    key = row(app)
    attach(conn)

    adopting_tables.detach(conn, "documents", now=NOW, actor="test")
    app.execute("UPDATE public.documents SET name = 'new'")

    assert document(conn, key, "title", "status") == ("a.pdf", "active")
    assert count(app, "pg_trigger", "tgname LIKE 'doclife%%'") == 0
    with pytest.raises(RefusedError, match="was detached"):
        adopting_tables.read_again(conn, "documents", now=NOW, actor="test")

    attach(conn)

    assert document(conn, key, "title") == ("new",)


def test_every_fault_of_a_mapping_is_told_at_once(app, conn):
    text = MAPPING.replace("title: name", "title: nme").replace(
        "size_bytes: size", "size_bytes: name"
    )
    text = text.replace("acme", "acmee").replace("key: id", "key: tenant_id")

    with pytest.raises(ConfigurationError) as refused:
        attach(conn, text)

    said = str(refused.value)
    assert "fields.title: there is no column 'nme'. Did you mean 'name'?" in said
    assert "fields.size_bytes: name is text" in said
    assert "acmee" in said
    assert "key: tenant_id must be unique" in said
    assert count(conn, "attached_tables") == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "table: public.documents\nfeilds: {}",
            "feilds: there is no such key. Did you mean 'fields'?",
        ),
        ("table: public.documents\nfields: {titel: a}", "Did you mean 'title'?"),
        ("fields: {}", "table: is missing"),
        ("table: documents", "table: "),
        ("[]", "begins with `table: schema.table`"),
        ("table: a.b\nfields: {title: x}\nwrite_back: {status: x}", "is also read"),
    ],
)
def test_a_mapping_has_a_closed_list_of_keys(text, said):
    with pytest.raises(ConfigurationError) as refused:
        read_mapping(text, where="documents.yaml")

    assert said in str(refused.value)


def test_odd_names_are_names_and_never_sql(app, conn):
    app.execute('ALTER TABLE public.documents RENAME TO "odd ""table%s"')
    app.execute('ALTER TABLE public."odd ""table%s" RENAME name TO "na""me; DROP TABLE x; --%s"')
    text = MAPPING.replace("public.documents", """'public.odd "table%s'\nname: odd""").replace(
        "title: name", """title: 'na"me; DROP TABLE x; --%s'"""
    )
    app.execute(
        'INSERT INTO public."odd ""table%s" (tenant_id) VALUES (%s)', (ACME,)
    ) if False else (
        app.execute(
            sql.SQL("INSERT INTO public.{} (tenant_id) VALUES ({})").format(
                sql.Identifier('odd "table%s'), sql.Literal(ACME)
            )
        )
    )

    outcome = attach(conn, text)

    assert outcome.documents == 1


def test_rows_that_row_level_security_hides_are_an_error_and_not_fewer_documents(app, conn):
    row(app)
    app.execute("ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY")
    app.execute("ALTER TABLE public.documents FORCE ROW LEVEL SECURITY")

    with pytest.raises(ConfigurationError, match="row-level security would hide rows"):
        attach(conn)


def test_applications_under_row_level_security_are_followed_without_further_rights(app, conn):
    attach(conn)
    app.execute("ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY")
    app.execute("CREATE POLICY mine ON public.documents USING (name = 'mine')")
    role = sql.Identifier(f"app_{conn.info.dbname}")
    app.execute(sql.SQL("CREATE ROLE {}").format(role))
    try:
        app.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
        app.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        app.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE ON public.documents TO {}").format(role))
        app.execute(sql.SQL("SET ROLE {}").format(role))
        key = row(app, name="mine")
        app.execute("UPDATE public.documents SET size = 3")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT FROM doclife.documents")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT doclife.attached_1_write_back('x', NULL, NULL)")
        app.execute("RESET ROLE")

        assert document(conn, key, "size_bytes") == (3,)
        assert problems(conn) == {}
    finally:
        app.execute("RESET ROLE")
        app.execute(sql.SQL("DROP OWNED BY {}").format(role))
        app.execute(sql.SQL("DROP ROLE {}").format(role))


TRIGGER_OF_THE_APPLICATION = """
CREATE FUNCTION public.count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {body};
    RETURN NULL;
END
$$;
CREATE TRIGGER count_change AFTER UPDATE OF lifecycle ON public.documents
FOR EACH ROW EXECUTE FUNCTION public.count_change()
"""


def trash(conn, key: str) -> None:
    """Let a plan put a document into the trash, which is written into its row."""
    (plan_id,) = conn.execute(
        "INSERT INTO plans (organization_id, kind, selection_key, dag_id, run_id, requested_by,"
        " mode, as_of, created_at) SELECT organization_id, 'selection', 'k', 'd', 'r', 'x',"
        " 'enforce', now(), now() FROM documents WHERE external_id = %s RETURNING id",
        (key,),
    ).fetchone()
    conn.execute(
        "INSERT INTO plan_items (plan_id, document_id, action_index, action, status_before,"
        " document_version, is_reserving, reason) SELECT %s, id, 0, 'DELETE', status, version,"
        " true, 'x' FROM documents WHERE external_id = %s",
        (plan_id, key),
    )
    conn.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan_id,))
    conn.execute(
        "UPDATE documents SET status = 'deleted', status_before = status, deleted_at = now(),"
        " purge_after = '2030-01-01' WHERE external_id = %s",
        (key,),
    )


def test_a_trigger_of_the_application_means_its_own_tables(app, conn):
    attach(conn)
    key, other = row(app), row(app, name="other")
    body = "UPDATE documents SET name = 'touched' WHERE name = 'other'"
    app.execute(TRIGGER_OF_THE_APPLICATION.format(body=body))

    trash(conn, key)

    assert count(app, "public.documents", "lifecycle = 'deleted'") == 1
    assert problems(conn) == {}
    assert document(conn, other, "title") == ("touched",), "as its row says"
    assert count(app, "public.documents", "name = 'touched'") == 1


def test_a_trigger_of_the_application_has_no_rights_of_doclife(app, conn):
    role = sql.Identifier(f"shop_{conn.info.dbname}")
    app.execute(sql.SQL("CREATE ROLE {}").format(role))
    try:
        app.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
        app.execute(sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(role))
        app.execute(sql.SQL("ALTER TABLE public.documents OWNER TO {}").format(role))
        attach(conn)
        attach(conn)
        key, other = row(app), row(app)
        app.execute(sql.SQL("SET ROLE {}").format(role))
        body = "UPDATE doclife.documents SET hold_count = hold_count + 1"
        app.execute(TRIGGER_OF_THE_APPLICATION.format(body=body))
        app.execute("RESET ROLE")

        trash(conn, key)

        assert document(conn, key, "status", "hold_count") == ("deleted", 0)
        assert "permission denied" in problems(conn)[key]
        app.execute("DROP TRIGGER count_change ON public.documents")
        app.execute("DROP FUNCTION public.count_change()")
        conn.execute(
            "UPDATE documents SET status = 'active', status_before = NULL, deleted_at = NULL,"
            " purge_after = NULL WHERE external_id = %s",
            (key,),
        )
        assert count(app, "public.documents", "lifecycle = 'active'") == 1
        assert document(conn, other, "status") == ("active",)
        (may_create,) = conn.execute(
            "SELECT has_schema_privilege(%s, 'doclife', 'CREATE')", (role.as_string()[1:-1],)
        ).fetchone()
        assert not may_create
        adopting_tables.detach(conn, "documents", now=NOW, actor="test")
    finally:
        app.execute("RESET ROLE")
        app.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
        app.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_dry_run_shows_the_sql_and_changes_nothing(app, conn):
    row(app)

    statements = adopting_tables.preview(conn, read_mapping(MAPPING, where="documents.yaml"))

    assert any("CREATE OR REPLACE TRIGGER" in each for each in statements)
    assert count(conn, "documents") == 0
    assert count(app, "pg_trigger", "tgname LIKE 'doclife%%'") == 0


def test_the_way_to_the_bytes_goes_into_a_manifest(app, conn, tmp_path):
    store = register_store(
        conn, name="uploads", root=str(tmp_path), connection_id=None, now=NOW, actor="test",
        options=lambda connection: {},
    )  # fmt: skip
    key = row(app, storage_path="acme/ä.pdf", created_at="2024-05-05T12:00:00Z")
    out = row(app, storage_path="../secret")
    mapping = "bytes: {store: uploads, bucket: bucket_id, path: storage_path}\n"
    attach(conn, MAPPING + mapping)

    good, bad = sorted(
        adopting_tables.manifest(conn, "documents", organization="acme"),
        key=lambda line: isinstance(line, adopting_tables.RowProblem),
    )

    assert good.external_id == key
    assert good.uri == f"{store.store.record.root_uri}/uploads/acme/%C3%A4.pdf"
    assert bad.row_key == out


def test_a_first_import_of_20000_rows_is_silent_and_ready_to_simulate(app, conn):
    app.execute(
        "INSERT INTO public.documents (tenant_id, name, created_at, expires_at, metadata)"
        " SELECT %s, 'd' || n, now() - n * interval '1 hour', now() - n * interval '1 minute', %s"
        " FROM generate_series(1, 20000) n",
        (ACME, json.dumps({"n": 1})),
    )

    attach(conn)

    assert count(conn, "documents", "is_baseline") == 20_000
    for table in ("jobs", "events", "notices", "notifications", "plans"):
        assert count(conn, table) == 0, table


# ---- what doclife does is written back

OURS = MAPPING.replace(
    MAPPING[MAPPING.index("organization:") : MAPPING.index("key: id")], "organization: default\n"
)
DELETE_EXPIRED = {
    "trigger": {"type": "ON_EXPIRATION"},
    "when": {"field": "document_type", "op": "eq", "value": "upload"},
    "actions": [{"do": "DELETE"}],
    "grace": "0d",
}


@pytest.fixture
def trashed(app, conn, world):
    """Two documents whose rows expired, in the trash by a rule; the plan's number and the keys."""
    conn.execute("UPDATE organizations SET cooling_off_days = 0")
    keys = [row(app, name=name, expires_at="2024-01-31T12:00:00Z") for name in ("a", "b")]
    attach(conn, OURS)
    world.now = datetime.now(UTC)
    world.enforce("expired", **DELETE_EXPIRED)
    expire(conn, now=world.now, as_of=world.now, actor="test")
    (plan,) = world.plan()
    world.apply(plan.plan_id)
    return plan.plan_id, keys


def told(app) -> list[tuple[str | None, bool]]:
    return app.execute(
        "SELECT lifecycle, deleted_at IS NOT NULL FROM public.documents ORDER BY name"
    ).fetchall()


def test_the_application_sees_in_its_own_row_what_was_done(app, conn, world, trashed):
    plan_id, keys = trashed
    assert told(app) == [("deleted", True)] * 2

    undo_plan(conn, plan_id=plan_id, now=world.now, actor="test", stores=world.stores)

    assert told(app) == [("active", False)] * 2
    assert document(conn, keys[0], "status", "title") == ("active", "a")


def test_what_the_application_marked_as_deleted_itself_stays_so(app, conn, world):
    conn.execute("UPDATE organizations SET cooling_off_days = 0")
    row(app, name="a", expires_at="2024-01-31T12:00:00Z", deleted_at="2024-02-01T00:00:00Z")
    attach(conn, OURS)
    world.now = datetime.now(UTC)
    world.enforce("expired", **DELETE_EXPIRED)
    expire(conn, now=world.now, as_of=world.now, actor="test")
    (plan,) = world.plan()
    assert world.apply(plan.plan_id).done == 1
    undo_plan(conn, plan_id=plan.plan_id, now=world.now, actor="test", stores=world.stores)

    ((deleted_at,),) = app.execute("SELECT deleted_at FROM public.documents").fetchall()
    assert deleted_at == datetime(2024, 2, 1, tzinfo=UTC)


def test_a_row_that_refuses_is_listed_and_stops_nothing(app, conn, world):
    conn.execute("UPDATE organizations SET cooling_off_days = 0")
    keys = [row(app, name=name, expires_at="2024-01-31T12:00:00Z") for name in ("a", "b")]
    app.execute("ALTER TABLE public.documents ADD CHECK (name <> 'a' OR lifecycle IS NULL)")
    attach(conn, OURS)
    world.now = datetime.now(UTC)
    world.enforce("expired", **DELETE_EXPIRED)
    expire(conn, now=world.now, as_of=world.now, actor="test")
    (plan,) = world.plan()

    outcome = world.apply(plan.plan_id)

    assert outcome.done == 2
    assert told(app) == [(None, False), ("deleted", True)]
    assert problems(conn).keys() == {keys[0]}
    assert "could not be written back" in problems(conn)[keys[0]]


def test_a_document_whose_bytes_nobody_read_is_not_said_to_be_destroyed(app, conn, world, trashed):
    _, keys = trashed
    attach(conn, OURS + "bytes: {store: documents, path: storage_path}\n")

    world.purge()

    assert document(conn, keys[0], "status") == ("deleted",)
    reasons = conn.execute(
        "SELECT DISTINCT state, reason FROM plan_items WHERE action = 'PURGE'"
    ).fetchall()
    assert reasons == [("skipped", "the bytes that its application keeps were never read")]


def test_a_document_without_bytes_leaves_its_tombstone(app, conn, world, trashed):
    world.purge()

    assert count(conn, "documents", "status = 'purged' AND title IS NULL") == 2
    assert told(app) == [("purged", True)] * 2
    app.execute("UPDATE public.documents SET name = 'again'")
    assert count(conn, "documents", "title IS NULL") == 2
    assert problems(conn) == {}


def test_nobody_is_told_of_what_was_past_and_the_breaker_holds(app, conn, world):
    conn.execute("UPDATE organizations SET max_fraction_per_day = 0.2")
    app.execute(
        "INSERT INTO public.documents (tenant_id, name, created_at, expires_at)"
        " SELECT %s, 'd' || n, now() - interval '3 years',"
        " now() - interval '2 days' - n * interval '1 minute'"
        " FROM generate_series(1, 20000) AS n",
        (ACME,),
    )
    attach(conn, OURS)
    world.now = datetime.now(UTC)
    world.enforce(
        "warn",
        trigger={"type": "ON_EXPIRATION"},
        warn=["30d"],
        actions=[
            {"do": "NOTIFY", "with": {"channel": "email", "to": "a@example.org"}},
        ],
    )
    world.enforce("old", mode="simulate", actions=[{"do": "DELETE"}], retain={
        "for": "2y", "after": "created_on",
    })  # fmt: skip

    expired = expire(conn, now=world.now, as_of=world.now, actor="test")
    plans = {plan.rule: plan for plan in world.plan()}

    assert expired.expired == 20_000
    assert count(conn, "jobs") == 0
    assert count(conn, "events") == 0
    assert count(conn, "notices") == 0
    old = plans["old@1"]
    assert (old.mode, old.state, old.approval_reason) == ("simulate", "planned", None)
    assert old.document_count + old.blocked_count == 20_000


EXPIRED = {
    "name": "expired",
    "mode": "enforce",
    "trigger": {"type": "ON_SCHEDULE"},
    "when": {"field": "expires_on", "op": "older_than", "value": "1d"},
    "limits": {"max_documents": 100, "max_fraction": 1.0},
    "grace": "0d",
    "actions": [{"do": "DELETE"}],
}


@pytest.fixture
def expired(app, conn) -> str:
    """A row that a rule deletes, and has cooled off: registered in 2020."""
    conn.execute("UPDATE organizations SET max_fraction_per_day = 1, cooling_off_days = 0")
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1")
    add_version(
        conn,
        organization_id=conn.execute("SELECT id FROM organizations WHERE slug = 'acme'").fetchone()[
            0
        ],
        rule=Rule.from_document(EXPIRED),
        source="",
        author="user:author",
        commit=None,
        now=NOW - timedelta(days=365),
    )
    key = row(app, expires_at="2021-01-01")
    attach(conn)
    return key


def plan_and_apply(conn, *, between=lambda: None) -> None:
    now = datetime.now(UTC)
    plans = planning.plan_due_rules(
        conn, now=now, as_of=now, dag_id="d", run_id=str(now), requested_by="schedule"
    )
    plans += planning.plan_purges(
        conn, now=now, dag_id="d", run_id=str(now), requested_by="schedule"
    )
    between()
    for plan in plans:
        applying.apply_plan(
            conn, plan_id=plan.plan_id, now=lambda: datetime.now(UTC), actor="test",
            stores=open_stores(conn, options=lambda connection: {}),
        )  # fmt: skip


def test_what_a_row_said_before_it_could_not_be_read_deletes_nothing(app, conn, expired):
    app.execute("UPDATE public.documents SET expires_at = '2099-01-01', size = -1")
    assert problems(conn).keys() == {expired}

    plan_and_apply(conn)

    assert document(conn, expired, "status") == ("active",)
    assert conn.execute("SELECT reason_code FROM plan_items").fetchall() == [("row_unread",)]
    assert conn.execute("SELECT sum(document_count)::integer FROM plans").fetchone() == (0,)
    app.execute("UPDATE public.documents SET expires_at = '2021-01-01', size = 1")
    plan_and_apply(conn)
    assert document(conn, expired, "status") == ("deleted",)


def test_a_row_that_cannot_be_read_after_planning_deletes_nothing_either(app, conn, expired):
    plan_and_apply(conn, between=lambda: app.execute("UPDATE public.documents SET size = -1"))

    assert document(conn, expired, "status") == ("active",)
    assert ("row_unread",) in conn.execute("SELECT reason_code FROM plan_items").fetchall()


def test_trash_whose_row_cannot_be_read_is_not_purged(app, conn, expired):
    plan_and_apply(conn)
    app.execute("UPDATE public.documents SET size = -1")

    plan_and_apply(conn)

    assert document(conn, expired, "status") == ("deleted",)


def test_what_could_not_be_written_back_is_purged_all_the_same(app, conn, expired):
    app.execute("ALTER TABLE public.documents ADD CHECK (lifecycle <> 'deleted')")
    plan_and_apply(conn)
    assert "could not be written back" in problems(conn)[expired]

    plan_and_apply(conn)

    assert conn.execute("SELECT count(*) FROM documents WHERE status = 'purged'").fetchone() == (1,)
    assert document(conn, expired, "status") is None, "its row's key is forgotten"
    assert problems(conn) == {}, "the purge was written back"


def test_that_a_purge_was_not_written_back_stays_listed_without_names(app, conn, expired):
    app.execute(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'no, % stays', OLD.name; END $$"
    )
    app.execute("UPDATE public.documents SET name = 'Zebrafinch.pdf' WHERE id = %s", (expired,))
    app.execute(
        "CREATE TRIGGER refuse BEFORE UPDATE OF lifecycle ON public.documents"
        " FOR EACH ROW EXECUTE FUNCTION public.refuse()"
    )
    plan_and_apply(conn)
    assert "deleted could not be written back: no, Zebrafinch" in problems(conn)[expired]

    plan_and_apply(conn)

    assert problems(conn) == {expired: "purged could not be written back: no, [erased] stays"}


def test_a_table_is_read_whole_while_others_audit_all_the_time(app, conn, database):
    app.execute(
        "INSERT INTO public.documents (tenant_id, name)"
        " SELECT %s, 'a.pdf' FROM generate_series(1, 1500)",
        (ACME,),
    )
    over = threading.Event()

    def audit_on() -> None:
        with connect(database) as other:
            tenant = organizations.find(other, "acme").id
            while not over.is_set():
                audit.record(
                    other, organization_id=tenant, at=NOW, actor="x", action="test.done", reason=""
                )

    writer = threading.Thread(target=audit_on)
    writer.start()
    try:
        outcome = attach(conn)
    finally:
        over.set()
        writer.join()

    assert outcome.documents == 1500
    assert verify_chain(conn, organizations.find(conn, "acme"), now=NOW).fits
