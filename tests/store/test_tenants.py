"""One organization neither sees nor touches another's rows: through any table, view or function.

Every table has a row of each organization, made from its columns, so that a table of a later
migration is looked at without anybody thinking of it. Three organizations: ``default``, ``alpha``,
whose logins look and try, and ``beta``, whose rows they must not see. Every number of a row is the
number of its organization.

===============  ===============================================================================
login            is
===============  ===============================================================================
alpha_app        an application that an administrator bound to alpha
alpha_reader     an officer of alpha, likewise
web              PostgREST: asks for the person whom the claims of a request name
loose_app        an application that nobody bound
officer          a reader that nobody bound
===============  ===============================================================================
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import (
    CheckViolation,
    Error,
    ForeignKeyViolation,
    InsufficientPrivilege,
    RaiseException,
)
from psycopg.types.json import Jsonb

from doclife.store.compatibility import install_queue_names
from doclife.store.connection import Connection, connect
from local import databases

from .conftest import PASSWORD, Catalogue, insert

ROLES = {
    "alpha_app": "doclife_application",
    "loose_app": "doclife_application",
    "web": "doclife_application",
    "alpha_reader": "doclife_reader",
    "officer": "doclife_reader",
}
GROUPS = ("doclife_application", "doclife_reader", "doclife_worker")
BOUND = ("alpha_app", "alpha_reader", "web", "loose_app")
"""Whom beta's rows are nothing to: web asks for a person of alpha, loose_app is default's."""
OF_THE_DEPLOYMENT = ("deployment", "switches", "schema_migrations", "signing_keys")
"""Open to whoever may read at all."""
WITHOUT_ROWS_OF_THEIR_OWN = (*OF_THE_DEPLOYMENT, "organizations")
FOR_APPLICATIONS = frozenset(
    {
        "application_organizations",
        "bound_organizations",
        "cancel_job",
        "emit_event",
        "enqueue_job",
        "enqueue_jobs",
        "jobs_under_way",
        "organization_id_of",
        "session_organizations",
        "withdraw_event",
    }
)
"""What runs as its owner, where no policy is asked: each asks the session, and is tried below."""
FOR_READERS = frozenset(
    {
        "approval_obstacle",
        "bound_organizations",
        "jobs_under_way",
        "reader_organizations",
        "session_organizations",
    }
)
MAIL = {"to": "ben@example.org", "subject": "Hello", "text": "Text"}

Logins = Mapping[str, Connection]


@pytest.fixture(scope="module")
def alpha(catalogue: Catalogue) -> int:
    return insert(catalogue.owner, "organizations", slug="alpha", name="Alpha")


@pytest.fixture(scope="module")
def beta(catalogue: Catalogue) -> int:
    return insert(catalogue.owner, "organizations", slug="beta", name="beta-secret")


@pytest.fixture(scope="module")
def filled(catalogue: Catalogue, alpha: int, beta: int) -> Catalogue:
    """The catalogue with a row of each organization in every table, and the compatibility views."""
    owner = catalogue.owner
    owner.execute("CREATE SCHEMA legacy")
    owner.execute("GRANT USAGE ON SCHEMA legacy TO doclife_application, doclife_reader")
    owner.execute("GRANT USAGE ON SCHEMA legacy TO doclife_worker")
    install_queue_names(owner, schema="legacy")
    with superuser(catalogue) as conn:
        # Neither triggers and references nor what a value must look like matters to who sees it.
        conn.execute("SET session_replication_role = replica")
        for table, check in conn.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE connamespace = 'doclife'::regnamespace AND contype = 'c' AND conislocal"
        ).fetchall():
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
            conn.execute(drop.format(sql.SQL(table), sql.Identifier(check)))
        for table in tables(owner):
            if table not in WITHOUT_ROWS_OF_THEIR_OWN:
                conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                for number, slug in ((1, "default"), (alpha, "alpha"), (beta, "beta")):
                    fill(conn, table, number=number, slug=slug)
        conn.execute("UPDATE scheduled_jobs SET rule_id = NULL")
        # What is stored from now on has numbers of its own.
        conn.execute(
            "SELECT setval(oid::regclass, 1000) FROM pg_class"
            " WHERE relnamespace = 'doclife'::regnamespace AND relkind = 'S'"
        )
    return catalogue


@pytest.fixture(scope="module")
def logins(filled: Catalogue, alpha: int) -> Iterator[Logins]:
    """A connection for each login."""
    with superuser(filled) as conn:
        for login, group in ROLES.items():
            role = sql.Identifier(login)
            conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
            make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
            conn.execute(make.format(role, sql.Literal(PASSWORD), sql.Identifier(group)))
        conn.execute("TRUNCATE organization_members")
        conn.execute("TRUNCATE organization_logins")
    for login, organization in (("alpha_app", alpha), ("alpha_reader", alpha), ("web", None)):
        bind(filled, login, organization)
    filled.owner.execute(
        "INSERT INTO organization_members (organization_id, user_name) VALUES (%s, 'ada')", (alpha,)
    )
    with ExitStack() as opened:
        yield {
            login: opened.enter_context(connect(url(filled, login, PASSWORD))) for login in ROLES
        }


@pytest.fixture(autouse=True)
def as_they_began(logins: Logins) -> None:
    for login, conn in logins.items():
        conn.execute("RESET doclife.organization")
        claims = '{"sub": "ada", "role": "authenticated"}' if login == "web" else ""
        conn.execute("SELECT set_config('request.jwt.claims', %s, false)", (claims,))


@contextmanager
def superuser(catalogue: Catalogue) -> Iterator[Connection]:
    address = catalogue.server.url().rsplit("/", 1)[0]
    with psycopg.connect(f"{address}/{catalogue.database}", autocommit=True) as conn:
        conn.execute("SET search_path = doclife")
        yield conn


def url(catalogue: Catalogue, login: str, password: str) -> str:
    return databases.as_role(
        catalogue.server.url(), role=login, password=password, database=catalogue.database
    )


def bind(catalogue: Catalogue, login: str, organization: int | None) -> None:
    catalogue.owner.execute(
        "INSERT INTO organization_logins (login, organization_id, bound_by) VALUES (%s, %s, 'x')",
        (login, organization),
    )


def tables(conn: Connection) -> list[str]:
    """Every table of the schema, without the partitions, which are read through theirs."""
    return [
        name
        for (name,) in conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
        )
    ]


def fill(conn: Connection, table: str, *, number: int, slug: str) -> None:
    """Store a row of an organization in which every number is the organization's."""
    columns = conn.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        (f"doclife.{table}",),
    ).fetchall()
    secret = f"{slug}-secret"
    values: dict[str, Any] = {
        "text": secret,
        "bytea": secret.encode(),
        "jsonb": Jsonb({"said": secret}),
        "text[]": [secret],
        "bigint[]": [number],
        "boolean": True,
        "date": "2026-01-01",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "timestamp with time zone": "now",
    }
    given = {name: values.get(kind, number) for name, kind in columns}
    if "payload" in given and table != "events":
        given["payload"] = Jsonb({"said": secret})
    query = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, given)),
        sql.SQL(", ").join(map(sql.Placeholder, given)),
    )
    conn.execute(query, given)


def said_in(conn: Connection, table: sql.Composable) -> list[str]:
    """Every row that a login sees, as text, of the columns that it may read."""
    readable = [
        name
        for (name,) in conn.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')",
            (table.as_string(conn),),
        )
    ]
    if not readable:
        return []
    query = sql.SQL("SELECT ROW({})::text FROM {}").format(
        sql.SQL(", ").join(map(sql.Identifier, readable)), table
    )
    return [row for (row,) in conn.execute(query)]


def test_every_table_is_enclosed_for_every_role_that_has_a_grant_on_it(filled: Catalogue) -> None:
    """Whoever adds a table calls enclose_table (034_row_level_security.sql)."""
    owner = filled.owner
    without = owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relrowsecurity"
    ).fetchall()
    assert without == []
    unanswered = owner.execute(
        "SELECT enclosed.relname, role.rolname FROM pg_class AS enclosed"
        " CROSS JOIN pg_roles AS role"
        " WHERE enclosed.relnamespace = 'doclife'::regnamespace AND enclosed.relkind IN ('r', 'p')"
        " AND role.rolname = ANY(%s) AND (has_table_privilege(role.oid, enclosed.oid,"
        " 'SELECT, INSERT, UPDATE, DELETE') OR has_any_column_privilege(role.oid, enclosed.oid,"
        " 'SELECT, INSERT, UPDATE')) AND NOT EXISTS (SELECT FROM pg_policy AS policy"
        " WHERE policy.polrelid = enclosed.oid AND role.oid = ANY(policy.polroles))",
        (list(GROUPS),),
    ).fetchall()
    assert unanswered == []


def test_only_tasks_have_a_policy_that_lets_everything_through(filled: Catalogue) -> None:
    open_ones = filled.owner.execute(
        "SELECT relname FROM pg_policy AS policy JOIN pg_class ON polrelid = pg_class.oid"
        " WHERE relnamespace = 'doclife'::regnamespace"
        " AND polroles <> ARRAY['doclife_worker'::regrole::oid]"
        " AND pg_get_expr(polqual, polrelid) = 'true'"
    ).fetchall()

    assert {name for (name,) in open_ones} == set(OF_THE_DEPLOYMENT)


@pytest.mark.parametrize("login", BOUND)
def test_no_table_shows_another_organizations_row(
    filled: Catalogue, logins: Logins, login: str
) -> None:
    shown = {
        table: said_in(logins[login], sql.Identifier("doclife", table))
        for table in tables(filled.owner)
    }

    assert [
        table for table, rows in shown.items() if any("beta-secret" in row for row in rows)
    ] == []
    # Nothing more than one's own: numbers alone tell nothing, and are not shown either.
    more = {
        t: len(r) for t, r in shown.items() if t not in WITHOUT_ROWS_OF_THEIR_OWN and len(r) > 1
    }
    assert more == {}
    own = "default-secret" if login == "loose_app" else "alpha-secret"
    assert sum(any(own in row for row in rows) for rows in shown.values()) >= (
        20 if login == "alpha_reader" else 5
    )


def test_an_officer_whom_nobody_bound_sees_all(filled: Catalogue, logins: Logins) -> None:
    officer = logins["officer"]
    for table in tables(filled.owner):
        if table not in WITHOUT_ROWS_OF_THEIR_OWN and table not in (
            "organization_logins",
            "organization_members",
        ):
            assert len(said_in(officer, sql.Identifier("doclife", table))) == 3, table
    officer.execute("SET doclife.organization = 'alpha'")
    rows = said_in(officer, sql.Identifier("doclife", "documents"))
    assert len(rows) == 1
    assert "alpha-secret" in rows[0]


def test_tasks_see_every_row(filled: Catalogue) -> None:
    for table in set(tables(filled.owner)) - {"schema_migrations"}:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("doclife", table))
        assert filled.worker.execute(query).fetchone() == filled.owner.execute(query).fetchone()


@pytest.mark.parametrize("login", BOUND)
def test_no_row_of_another_organization_is_changed_or_removed(
    filled: Catalogue, logins: Logins, login: str
) -> None:
    conn = logins[login]
    touched = set()
    for table in tables(filled.owner):
        name = sql.Identifier("doclife", table)
        with pytest.raises(InsufficientPrivilege):
            conn.execute(sql.SQL("DELETE FROM {}").format(name))
        for (column,) in conn.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'UPDATE')",
            (name.as_string(conn),),
        ).fetchall():
            change = sql.SQL("UPDATE {} SET {} = {}").format(name, *[sql.Identifier(column)] * 2)
            assert conn.execute(change).rowcount == 1, (table, column)
            touched.add(table)

    assert touched == (set() if login == "alpha_reader" else {"documents"})


def test_a_partition_is_not_read_past_its_table(filled: Catalogue, logins: Logins) -> None:
    filled.worker.execute("SELECT make_history_partition('job_history', current_date + 40)")
    parts = [
        name
        for (name,) in filled.owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
            " AND relispartition AND relkind = 'r'"
        )
    ]
    assert len(parts) > 2
    for part, login in itertools.product(parts, ROLES):
        with pytest.raises(InsufficientPrivilege):
            logins[login].execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier("doclife", part))
            )


@pytest.mark.parametrize("login", BOUND)
@pytest.mark.parametrize("view", ["queue_jobs", "scheduled_jobs", "queue_stats"])
def test_no_view_shows_another_organizations_row(logins: Logins, login: str, view: str) -> None:
    rows = said_in(logins[login], sql.Identifier("legacy", view))

    assert rows
    assert not [row for row in rows if "beta-secret" in row]


def test_every_view_reads_with_the_rights_of_whoever_asks(filled: Catalogue) -> None:
    views = filled.owner.execute(
        "SELECT relname, coalesce('security_invoker=true' = ANY(reloptions), false) FROM pg_class"
        " WHERE relnamespace IN ('doclife'::regnamespace, 'legacy'::regnamespace)"
        " AND relkind IN ('v', 'm') ORDER BY relname"
    ).fetchall()

    assert views == [("queue_jobs", True), ("queue_stats", True), ("scheduled_jobs", True)]


@pytest.mark.parametrize("login", ["alpha_app", "web", "loose_app"])
def test_no_function_over_the_queue_counts_another_organizations_jobs(
    filled: Catalogue, logins: Logins, login: str
) -> None:
    conn = logins[login]
    jobs = conn.execute("SELECT * FROM legacy.get_pending_jobs(100)").fetchall()
    assert "beta-secret" not in str(jobs)
    counted = dict(conn.execute("SELECT * FROM legacy.count_jobs_by_state()").fetchall())
    everything = dict(filled.owner.execute("SELECT * FROM legacy.count_jobs_by_state()").fetchall())
    assert 0 < sum(counted.values()) <= sum(everything.values()) - 2
    assert "beta-secret" not in counted
    assert "beta-secret" not in str(conn.execute("SELECT * FROM jobs_under_way()").fetchall())


@pytest.mark.parametrize(
    ("group", "expected"),
    [("doclife_application", FOR_APPLICATIONS), ("doclife_reader", FOR_READERS)],
)
def test_what_runs_as_its_owner_is_a_closed_list(
    filled: Catalogue, group: str, expected: frozenset[str]
) -> None:
    """A function added to the list takes its organization from the session, and is tried here."""
    found = filled.owner.execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'doclife'::regnamespace"
        " AND prosecdef AND has_function_privilege(%s, oid, 'EXECUTE')",
        (group,),
    ).fetchall()

    assert {name for (name,) in found} == expected


def refused(conn: Connection, query: Any, *parameters: object) -> dict[str, str | None]:
    """What a login is told when it tries this, without the words that it said itself."""
    with pytest.raises(Error) as caught:
        conn.execute(query, parameters)
    told = caught.value.diag
    return {
        part: getattr(told, part)
        for part in (
            "sqlstate", "message_primary", "message_detail", "message_hint", "constraint_name",
            "table_name", "schema_name", "column_name",
        )
    }  # fmt: skip


ACTS = {
    "enqueue_job": ("SELECT enqueue_job('email', %s, organization => %s)", Jsonb(MAIL)),
    "enqueue_jobs": ("SELECT enqueue_jobs('email', ARRAY[%s], organization => %s)", Jsonb(MAIL)),
    "emit_event": ("SELECT emit_event('a.b', %s, organization => %s)", "beta-secret"),
    "withdraw_event": ("SELECT withdraw_event(3, %s, organization => %s)", "reason"),
    "organization_id_of": ("SELECT organization_id_of(%s || %s)", ""),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("login", ["alpha_app", "web", "loose_app"])
def test_no_parameter_names_another_organization(logins: Logins, login: str, act: str) -> None:
    query, first = ACTS[act]
    conn = logins[login]

    others, nobodys = refused(conn, query, first, "beta"), refused(conn, query, first, "nobody")

    assert others["message_primary"] == "there is no organization 'beta'"
    assert str(others).replace("'beta'", "'nobody'") == str(nobodys)
    assert "beta" not in (others["message_hint"] or "")


def test_without_a_parameter_the_session_says_whose_it_is(
    filled: Catalogue, logins: Logins, alpha: int
) -> None:
    whose = "SELECT organization_id FROM jobs WHERE id = %s"
    for login, expected in (("alpha_app", alpha), ("web", alpha), ("loose_app", 1)):
        (job,) = one(logins[login], "SELECT enqueue_job('email', %s)", Jsonb(MAIL))
        assert filled.value(whose, job) == expected
        (job,) = one(
            logins[login], "INSERT INTO legacy.queue_jobs (type, payload) VALUES ('email', %s)"
            " RETURNING id", Jsonb(MAIL),
        )  # fmt: skip
        assert filled.value(whose, job) == expected


def test_a_number_of_another_organization_is_like_none(
    filled: Catalogue, logins: Logins, beta: int
) -> None:
    """Events, jobs, documents, stored objects and stores, by the numbers that they have."""
    conn = logins["alpha_app"]
    filled.owner.execute(
        "UPDATE jobs SET requested_by = 'application:alpha_app' WHERE id = %s", (beta,)
    )
    filled.owner.execute("UPDATE events SET is_external = true, withdrawn_at = NULL")
    for query in (
        "SELECT withdraw_event(%s, 'reason')",
        "SELECT emit_event('a.b', 'secret-of-' || %s)",
    ):
        others, nobodys = refused(conn, query, beta), refused(conn, query, 990)
        assert str(others).replace(str(beta), "990") == str(nobodys).replace(str(beta), "990")
    assert one(conn, "SELECT cancel_job(%s)", beta) == (False,)
    assert one(conn, "SELECT cancel_job(990)") == (False,)
    assert filled.value("SELECT count(*) FROM jobs WHERE id = %s", beta) == 1
    for number in (beta, 990):
        change = "UPDATE documents SET title = 'x' WHERE id = %s"
        assert conn.execute(change, (number,)).rowcount == 0


def test_documents_are_registered_for_ones_own_organization_only(
    logins: Logins, alpha: int, beta: int
) -> None:
    conn = logins["alpha_app"]
    register = "INSERT INTO documents (organization_id, external_id) VALUES (%s, 'new')"

    others, nobodys = refused(conn, register, beta), refused(conn, register, 990)

    assert others == nobodys
    assert others["sqlstate"] == "42501"
    conn.execute(register, (alpha,))
    upsert = (
        "INSERT INTO documents (organization_id, external_id) VALUES (%s, 'beta-secret')"
        " ON CONFLICT (organization_id, external_id) DO UPDATE SET title = 'x'"
    )
    assert refused(conn, upsert, beta) == refused(conn, upsert, 990)
    assert one(conn, "SELECT count(*) FROM documents WHERE organization_id = %s", beta) == (0,)


def test_bytes_of_another_organization_are_refused_like_those_that_are_not_there(
    filled: Catalogue, logins: Logins, alpha: int, beta: int
) -> None:
    conn = logins["alpha_app"]
    numbers = itertools.count()
    register = (
        "INSERT INTO documents (organization_id, external_id, stored_object_id)"
        " VALUES (%s, 'over bytes ' || %s, %s)"
    )
    others = refused(conn, register, alpha, next(numbers), beta)
    nobodys = refused(conn, register, alpha, next(numbers), 990)
    assert others == nobodys
    assert others["sqlstate"] == ForeignKeyViolation.sqlstate

    stores = {
        slug: insert(
            filled.owner,
            "stores",
            name=f"{slug}'s",
            root_uri=f"file:///{slug}",
            organization_id=number,
        )
        for slug, number in (("alpha", alpha), ("beta", beta))
    }
    filled.owner.execute(
        "INSERT INTO archive_bags (organization_id, store_id, uri)"
        " VALUES (%s, %s, 'file:///beta/bag-7')",
        (beta, stores["beta"]),
    )
    filled.owner.execute(
        "INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
        " VALUES (%s, 'file:///beta/there', 1, %s)",
        (stores["beta"], bytes(32)),
    )
    store = (
        "INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
        " VALUES (%s, %s, 1, decode(repeat('00', 32), 'hex')) RETURNING id"
    )
    told = [
        refused(conn, store, number, place)["message_primary"]
        for number in (stores["beta"], stores["alpha"], 990)
        for place in ("file:///beta/there", "file:///beta/new", "file:///beta/bag-7/data/1")
    ]
    assert {text.split()[-1] for text in told if text} == {"store"}
    assert len(set(told)) == 3
    (object_id,) = one(conn, store, stores["alpha"], "file:///alpha/new")
    conn.execute(register, (alpha, next(numbers), object_id))
    # The documented way: a document and its bytes in one statement.
    conn.execute(
        "WITH bytes AS (INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
        " SELECT id, root_uri || '/one', 1, decode(repeat('00', 32), 'hex') FROM stores"
        " WHERE root_uri = 'file:///alpha' RETURNING id)"
        " INSERT INTO documents (organization_id, external_id, stored_object_id)"
        " SELECT organization.id, 'in one', bytes.id FROM bytes CROSS JOIN organizations AS"
        " organization WHERE slug = 'alpha'"
    )


def test_a_store_within_anothers_folder_is_closed_too(
    filled: Catalogue, logins: Logins, alpha: int, beta: int
) -> None:
    outer = insert(
        filled.owner, "stores", name="outer", root_uri="file:///outer", organization_id=alpha
    )
    insert(
        filled.owner, "stores", name="inner", root_uri="file:///outer/beta", organization_id=beta
    )
    for uri, is_right in (("file:///outer/x", True), ("file:///outer/beta/x", False)):
        with ExitStack() as expected:
            if not is_right:
                expected.enter_context(pytest.raises(CheckViolation, match="does not lie in its"))
            logins["alpha_app"].execute(
                "INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)"
                " VALUES (%s, %s, 1, decode(repeat('00', 32), 'hex'))",
                (outer, uri),
            )


def test_a_store_of_an_organization_holds_documents_of_no_other_whoever_registers_them(
    filled: Catalogue, alpha: int, beta: int
) -> None:
    store = insert(
        filled.owner, "stores", name="only", root_uri="file:///only", organization_id=beta
    )
    object_id = insert(
        filled.worker, "stored_objects", store_id=store, uri="file:///only/1", size_bytes=1,
        sha256=bytes(32),
    )  # fmt: skip
    with pytest.raises(CheckViolation, match="'only' belongs to another organization"):
        insert(
            filled.worker,
            "documents",
            organization_id=alpha,
            external_id="elsewhere",
            stored_object_id=object_id,
        )


def test_a_setting_never_widens_what_an_administrator_bound(
    filled: Catalogue, logins: Logins
) -> None:
    for login in ("alpha_app", "alpha_reader", "web"):
        conn = logins[login]
        for chosen, expected in (
            ("beta", []),
            ("nobody", []),
            ("alpha", ["alpha"]),
            ("", ["alpha"]),
        ):
            conn.execute("SELECT set_config('doclife.organization', %s, false)", (chosen,))
            seen = conn.execute("SELECT slug FROM organizations").fetchall()
            assert [slug for (slug,) in seen] == expected, (login, chosen)
    app = logins["alpha_app"]
    app.execute("SET doclife.organization = 'beta'")
    app.execute("SELECT set_config('request.jwt.claims', '{\"sub\": \"beta-secret\"}', false)")
    with pytest.raises(RaiseException, match="there is no organization 'beta'"):
        app.execute("SELECT enqueue_job('email', %s, organization => 'beta')", (Jsonb(MAIL),))


def test_a_login_of_several_organizations_is_one_at_a_time_or_all_of_its_own(
    filled: Catalogue, logins: Logins, alpha: int
) -> None:
    conn = logins["alpha_app"]
    bind(filled, "alpha_app", 1)
    try:
        seen = conn.execute("SELECT slug FROM organizations ORDER BY slug").fetchall()
        assert seen == [("alpha",), ("default",)]
        conn.execute("SET doclife.organization = 'alpha'")
        assert one(conn, "SELECT slug FROM organizations") == ("alpha",)
        (job,) = one(conn, "SELECT enqueue_job('email', %s)", Jsonb(MAIL))
        assert filled.value("SELECT organization_id FROM jobs WHERE id = %s", job) == alpha
        conn.execute("SET doclife.organization = 'default'")
        assert one(conn, "SELECT cancel_job(%s)", job) == (False,)
        conn.execute("SET doclife.organization = 'alpha'")
        assert one(conn, "SELECT cancel_job(%s)", job) == (True,)
    finally:
        filled.owner.execute("DELETE FROM organization_logins WHERE organization_id = 1")


def test_a_request_sees_what_its_person_is_a_member_of(logins: Logins) -> None:
    """As PostgREST and Supabase set it: claims for a transaction, in either of their spellings."""
    conn = logins["web"]
    for setting, value, expected in (
        ("request.jwt.claims", '{"sub": "ada"}', ["alpha"]),
        ("request.jwt.claims", '{"sub": "somebody"}', []),
        ("request.jwt.claims", "{}", []),
        ("request.jwt.claim.sub", "ada", ["alpha"]),
        ("request.jwt.claim.sub", "somebody", []),
    ):
        with conn.transaction():
            conn.execute("SELECT set_config('request.jwt.claims', '', true)")
            conn.execute("SELECT set_config(%s, %s, true)", (setting, value))
            seen = conn.execute("SELECT slug FROM organizations").fetchall()
            assert [slug for (slug,) in seen] == expected, value


def test_a_type_of_the_callers_own_never_runs_as_the_owner(
    filled: Catalogue, logins: Logins
) -> None:
    conn = logins["web"]
    try:
        conn.execute(
            "CREATE FUNCTION pg_temp.bind(given pg_catalog.jsonb) RETURNS boolean"
            " LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO doclife.organization_logins (login, organization_id, bound_by)"
            " SELECT session_user, id, 'itself' FROM doclife.organizations;"
            " RETURN true; EXCEPTION WHEN insufficient_privilege THEN RETURN true; END $$"
        )
        conn.execute("CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb CHECK (pg_temp.bind(VALUE))")
        seen = conn.execute("SELECT slug FROM organizations").fetchall()
    finally:
        conn.execute("DISCARD TEMP")
        conn.execute("DROP DOMAIN IF EXISTS pg_temp.jsonb")
        conn.execute("DROP FUNCTION IF EXISTS pg_temp.bind")

    assert seen == [("alpha",)]
    assert filled.value("SELECT count(*) FROM organization_logins WHERE bound_by = 'itself'") == 0


def test_no_function_looks_up_types_among_the_callers_own_first(filled: Catalogue) -> None:
    """A path that does not name pg_temp searches it first."""
    found = filled.owner.execute(
        "SELECT function.oid::regprocedure::text, path"
        " FROM pg_proc AS function CROSS JOIN unnest(function.proconfig) AS path"
        " WHERE function.pronamespace = 'doclife'::regnamespace"
        " AND starts_with(path, 'search_path=') AND path NOT LIKE '%%, pg_temp'"
    ).fetchall()
    without_a_path = filled.owner.execute(
        "SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace = 'doclife'::regnamespace AND prosecdef"
        " AND NOT coalesce(array_to_string(proconfig, ' '), '') LIKE '%%search_path=%%'"
    ).fetchall()

    assert found == []
    assert without_a_path == []


def test_an_applications_own_policies_may_ask_who_it_is(filled: Catalogue, logins: Logins) -> None:
    """Its auth.uid() and doclife read the same claims."""
    with superuser(filled) as conn:
        conn.execute("CREATE SCHEMA auth")
        conn.execute(
            "CREATE FUNCTION auth.uid() RETURNS text LANGUAGE sql STABLE AS $$ SELECT coalesce("
            "nullif(current_setting('request.jwt.claim.sub', true), ''),"
            " nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub') $$"
        )
        conn.execute("GRANT USAGE ON SCHEMA auth TO doclife_application")
    assert one(logins["web"], "SELECT auth.uid(), doclife.session_person()") == ("ada", "ada")


def test_unique_keys_of_two_organizations_do_not_meet(filled: Catalogue, logins: Logins) -> None:
    query = "SELECT enqueue_job('email', %s, unique_key => 'the same')"
    jobs = [one(logins[login], query, Jsonb(MAIL)) for login in ("alpha_app", "loose_app")]

    assert jobs[0] != jobs[1]


def test_a_reader_of_one_organization_hears_nothing_of_anothers_plan(
    logins: Logins, beta: int
) -> None:
    ask = "SELECT approval_obstacle(%s, 1, 'user:beta-secret')"
    assert one(logins["officer"], ask, beta) != (None,)
    assert one(logins["alpha_reader"], ask, beta) == (None,)


def test_an_error_shows_tasks_no_values_of_the_row(filled: Catalogue, beta: int) -> None:
    """What PostgreSQL adds to an error ends in the log of a task, where titles must not be."""
    for change in (
        "INSERT INTO documents (organization_id, title) VALUES (3, 'beta-secret')",
        "INSERT INTO documents (organization_id, external_id, title)"
        " VALUES (3, 'beta-secret', 'beta-secret')",
    ):
        with pytest.raises(Error) as of_owner:
            filled.owner.execute(change)
        assert "beta-secret" in str(of_owner.value)
        told = refused(filled.worker, change)
        assert "beta-secret" not in str(told)


@pytest.mark.parametrize("group", GROUPS)
def test_nobody_but_the_owner_removes_documents_or_history(filled: Catalogue, group: str) -> None:
    removable = filled.owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'doclife'::regnamespace"
        " AND relkind IN ('r', 'p') AND (relname LIKE 'audit%%' OR relname LIKE 'certificate%%'"
        " OR relname IN ('documents', 'stored_objects', 'archive_bags', 'rule_versions', 'plans',"
        " 'plan_items', 'plan_decisions', 'matters', 'matter_documents', 'organizations',"
        " 'organization_members', 'organization_logins', 'deployment', 'signing_keys'))"
        " AND has_table_privilege(%s, oid, 'DELETE, TRUNCATE')",
        (group,),
    ).fetchall()

    assert removable == []


def test_only_tasks_read_with_what_tombstones_are_salted(filled: Catalogue, logins: Logins) -> None:
    for login in ROLES:
        with pytest.raises(InsufficientPrivilege):
            logins[login].execute("SELECT tombstone_salt FROM deployment")
    (hidden,) = one(
        logins["officer"],
        "SELECT array_agg(attname::text) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
        " AND attrelid = 'deployment'::regclass"
        " AND NOT has_column_privilege(attrelid, attnum, 'SELECT')",
    )
    assert hidden == ["tombstone_salt"]


@pytest.mark.parametrize("group", GROUPS)
def test_nobody_but_the_owner_says_whose_a_login_is(filled: Catalogue, group: str) -> None:
    assert not filled.value(
        "SELECT bool_or(has_table_privilege(%s, name, 'INSERT, UPDATE, DELETE'))"
        " FROM unnest(ARRAY['organization_logins', 'organization_members', 'organizations'])"
        " AS name",
        group,
    )


def one(conn: Connection, query: Any, *parameters: object) -> tuple[Any, ...]:
    row = conn.execute(query, parameters).fetchone()
    assert row is not None
    return row
