"""Every SQL file is one statement with a header, known to the server and used by one module."""

from __future__ import annotations

import ast
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from doclife.errors import ConfigurationError
from doclife.store.connection import connect
from doclife.store.sql import SQL_DIR, composed, statement
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url

PLUGIN = Path(__file__).parents[2] / "plugins" / "doclife"
NAMES = sorted(
    str(path.relative_to(SQL_DIR).with_suffix(""))
    for path in SQL_DIR.glob("*/*.sql")
    if path.parent.name not in ("schema", "compatibility")
)
HOLE = re.compile(r"\{([a-z_]+)\}")
PARAMETER = re.compile(r"%\((\w+)\)[sb]")

# What fills the holes when a file is prepared: the compiler's own text has tests of its own.
HIT = (
    "SELECT NULL::bigint AS document_id, NULL::smallint AS action_index, NULL::text AS action,"
    " NULL::date AS anchor_on, NULL::date AS retain_until, NULL::date AS due_on,"
    " NULL::boolean AS matched"
)
FRAGMENTS = {
    "catches": "SELECT NULL::bigint AS matter_id, NULL::bigint AS document_id, NULL::text AS basis",
    "counts": "SELECT NULL::bigint AS documents, NULL::bigint AS concerned,"
    " NULL::bigint[] AS missing",
    "unknown_counts": "count(*) FILTER (WHERE d.title IS NULL)",
    "hits": HIT,
    "protections": "SELECT NULL::bigint AS document_id, NULL::bigint AS rule_version_id,"
    " NULL::date AS retain_until",
    "answers": "SELECT NULL::bigint AS rule_version_id, NULL::integer AS position,"
    " NULL::text AS actual, NULL::boolean AS is_met",
    "clocks": "SELECT NULL::bigint AS rule_version_id, NULL::boolean AS is_met,"
    " NULL::date AS anchor_read, NULL::date AS anchor_on, NULL::date AS cutoff_on,"
    " NULL::date AS retain_until, NULL::date AS protected_until, NULL::date[] AS due_on",
}
FRAGMENTS |= {
    f"{hole}_{side}": FRAGMENTS[hole]
    for hole in ("hits", "protections")
    for side in ("before", "after")
}
# psycopg sends moments and days with their types; everything else leaves the choice to the server.
TYPES = {
    "now": "timestamptz",
    "present": "timestamptz",
    "as_of": "timestamptz",
    "today": "date",
    "days": "int4",
}
# Statements of a working table are prepared after the one that makes it.
FIRST = sorted(NAMES, key=lambda name: ("/create_" not in name, name))


def uses() -> Iterator[tuple[str, str]]:
    """Every (name, module) of a statement("...") or composed("...") in the code."""
    for path in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("statement", "composed")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield node.args[0].value, str(path.relative_to(PLUGIN))


def body(name: str) -> str:
    """Return a file without its comments."""
    lines = statement(name).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def test_there_are_statements() -> None:
    assert len(NAMES) > 100


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_one_statement_with_a_header(name: str) -> None:
    code = re.sub(r"'[^']*'", "''", body(name)).strip()
    assert statement(name).startswith("-- ")
    assert code.endswith(";")
    assert code.count(";") == 1
    # The session's search_path finds the schema; only a migration begins without one.
    assert "doclife." not in code or name.startswith("migrations/")


@pytest.mark.parametrize("name", NAMES)
def test_the_header_names_every_parameter_and_hole(name: str) -> None:
    header = "\n".join(line for line in statement(name).splitlines() if line.startswith("--"))
    wanted = set(PARAMETER.findall(body(name))) | set(HOLE.findall(body(name)))

    assert {each for each in wanted if not re.search(rf"\b{each}\b", header)} == set()


def test_every_file_is_used_by_one_module_and_every_use_has_a_file() -> None:
    used = set(uses())
    modules = Counter(name for name, _module in used)

    assert set(modules) == set(NAMES)
    shared = {name: count for name, count in modules.items() if count > 1}
    assert set(shared) == SHARED
    assert {module.split("/")[0] for _name, module in used} == {"store"}


# The working tables of plan and apply are made where each begins.
SHARED = {"plans/create_protections"}


def test_the_server_knows_every_table_column_and_function(database: str) -> None:
    faults = {}
    with connect(database) as conn:
        for name in FIRST:
            text = statement(name)
            holes = {each: FRAGMENTS[each] for each in HOLE.findall(body(name))}
            if holes:
                text = composed(name, **holes)
            wanted = dict.fromkeys(PARAMETER.findall(text))
            try:
                if "/create_" in name and "CREATE" in text:
                    conn.execute(text, wanted)
                elif not re.match(r"COPY|ANALYZE|TRUNCATE|CREATE|SET|LISTEN", body(name).strip()):
                    prepare(conn, text)
            except psycopg.Error as error:
                faults[name] = str(error)

    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())


def test_row_level_security_takes_no_plan_from_tasks(postgres: Postgres, database: str) -> None:
    """Every statement that tasks may run is planned for them as for the owner, who has no policies.

    Under a policy that asks anything, arrays, JSON and LIKE lose their indexes. The owner's plan
    is asked for on both sides of the tasks': it also moves when autovacuum counts a table anew, of
    which the catalogs that all databases share give no warning.
    """
    tasks = role_url(postgres, database.rsplit("/", 1)[1], role=databases.TASKS)
    compared, differing = 0, set()
    with connect(database) as owner, connect(tasks) as worker:
        for conn in (owner, worker):
            conn.execute("SET enable_seqscan = off")
        for name in (each for each in FIRST if not each.startswith("migrations/")):
            text = statement(name)
            holes = {each: FRAGMENTS[each] for each in HOLE.findall(body(name))}
            if holes:
                text = composed(name, **holes)
            if "/create_" in name and "CREATE" in text:
                for conn in (owner, worker):
                    conn.execute(text, dict.fromkeys(PARAMETER.findall(text)))
            elif re.match(r"SELECT|WITH|INSERT|UPDATE|DELETE", body(name).strip()):
                with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                    if is_planned_otherwise(owner, worker, text):
                        differing.add(name)
                    compared += 1

    assert compared > 200
    assert differing == set()


def is_planned_otherwise(owner: psycopg.Connection, worker: psycopg.Connection, text: str) -> bool:
    """Whether two logins have two plans, while the first one's stays the same."""
    while True:
        before, theirs, after = (plan_of(conn, text) for conn in (owner, worker, owner))
        if before == after:
            return theirs != before


def test_rules_keep_the_indexes_of_what_they_ask(postgres: Postgres, database: str) -> None:
    """Arrays, JSON and beginnings of words, on an adopter's own indexes."""
    asked = {
        "USING gin (tags)": "tags && '{temp}'",
        "USING gin (metadata)": "metadata @> '{\"case\": 1}'",
        "((metadata ->> 'case'))": "metadata ->> 'case' = '1'",
        "(title text_pattern_ops)": "title LIKE 'Lease%'",
    }
    tasks = role_url(postgres, database.rsplit("/", 1)[1], role=databases.TASKS)
    with connect(database) as owner, connect(tasks) as worker:
        for index, condition in asked.items():
            made = f"CREATE INDEX theirs ON documents {index}".encode()
            owner.execute(made)
            worker.execute("SET enable_seqscan = off")
            query = f"EXPLAIN (COSTS OFF) SELECT id FROM documents WHERE {condition}".encode()
            plan = "\n".join(line for (line,) in worker.execute(query))
            assert "theirs" in plan, plan
            owner.execute("DROP INDEX theirs")


def plan_of(conn: psycopg.Connection, text: str) -> str:
    """Return how the server would run a statement, whatever its parameters are."""
    query, numbers = numbered(text)
    for name, number in numbers.items():
        if name in TYPES:
            query = re.sub(rf"\${number}\b", f"${number}::{TYPES[name]}", query)
    result = conn.pgconn.exec_(f"EXPLAIN (GENERIC_PLAN, COSTS OFF) {query}".encode())
    if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise psycopg.errors.lookup(
            result.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode()
        )
    lines = [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]
    # In which order conditions are tried is another matter: the cheap and leakproof ones first.
    return "\n".join(" ".join(sorted(re.split(r"[\s()]+", line))) for line in lines)


def numbered(text: str) -> tuple[str, dict[str, int]]:
    """Return a statement with $1, $2, ... for its parameters, and which is which."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

    return PARAMETER.sub(number, text).replace("%%", "%"), numbers


def prepare(conn: psycopg.Connection, text: str) -> None:
    """Let the server parse and analyse a statement without running it."""
    query, numbers = numbered(text)
    types = [psycopg.adapters.types[TYPES[name]].oid if name in TYPES else 0 for name in numbers]
    result = conn.pgconn.prepare(b"", query.encode(), types)
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise psycopg.Error(result.get_error_message())


def test_a_name_without_a_file_says_where_it_was_looked_for() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no SQL statement named 'plans/inzert'.*inzert\.sql"
    ):
        statement("plans/inzert")


def test_a_hole_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has no hole"):
        composed("plans/insert", hits="SELECT 1")
