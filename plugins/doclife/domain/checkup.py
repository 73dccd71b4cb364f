"""Whether a deployment is well: what its parts say, judged, each with what to do about it.

Pure: the facts come in, from ``include/sql/doctor`` and from the stores, and so does the present.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Level(StrEnum):
    """How much something matters."""

    OK = "ok"
    WARNING = "warning"
    """It works, and somebody should look: it will hurt, or a belt is off."""
    FAULT = "fault"
    """Something does not work, or is not safe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at.

    :param about: what it is, in a word or two: ``clock``, ``store archive``.
    :param fix: what to do; None where nothing is to be done.
    """

    level: Level
    about: str
    what: str
    fix: str | None = None


def ok(about: str, what: str) -> Finding:
    """Nothing is to be done."""
    return Finding(level=Level.OK, about=about, what=what)


def warning(about: str, what: str, *, fix: str) -> Finding:
    """Somebody should look."""
    return Finding(level=Level.WARNING, about=about, what=what, fix=fix)


def fault(about: str, what: str, *, fix: str) -> Finding:
    """Something does not work, or is not safe."""
    return Finding(level=Level.FAULT, about=about, what=what, fix=fix)


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The database server; a version such as 180000."""

    version: int
    is_standby: bool
    has_autovacuum: bool
    login: str
    is_superuser: bool


OLDEST_VERSION, NEWEST_VERSION = 15, 18
"""PostgreSQL that doclife is tested with."""


def judge_server(server: Server) -> Iterator[Finding]:
    """Judge the version and the settings of the server, and as whom we work."""
    major = server.version // 10_000
    said = f"PostgreSQL {major}.{server.version % 10_000}"
    if major < OLDEST_VERSION:
        yield fault(
            "PostgreSQL",
            f"{said} is too old",
            fix=f"upgrade the server to PostgreSQL {OLDEST_VERSION} to {NEWEST_VERSION}",
        )
    elif major > NEWEST_VERSION:
        yield warning(
            "PostgreSQL",
            f"{said} is newer than any that doclife was tested with",
            fix=f"use PostgreSQL {OLDEST_VERSION} to {NEWEST_VERSION}, or a newer doclife",
        )
    else:
        yield ok("PostgreSQL", said)
    if server.is_standby:
        yield fault(
            "PostgreSQL",
            "this server is a standby, which takes no writes",
            fix="point DOCLIFE_DATABASE_URL and the Connection documents to the primary",
        )
    if not server.has_autovacuum:
        yield warning(
            "PostgreSQL",
            "autovacuum is off: the queue's tables grow, and everything becomes slow",
            fix="set autovacuum = on in postgresql.conf and reload it",
        )
    if server.is_superuser:
        yield warning(
            "PostgreSQL",
            f"{server.login} is a superuser, whom no right and no policy binds",
            fix="work as a role that owns the catalogue and is no superuser (docs/schema.md)",
        )


CLOCK_WARNING, CLOCK_FAULT = timedelta(seconds=5), timedelta(minutes=1)


def judge_clock(apart: timedelta) -> Iterator[Finding]:
    """Judge how far this machine's clock is ahead of the database's (negative: behind)."""
    if abs(apart) < CLOCK_WARNING:
        yield ok("clock", "this machine and the database agree about the time")
        return
    seconds = abs(apart).total_seconds()
    judged = fault if abs(apart) >= CLOCK_FAULT else warning
    yield judged(
        "clock",
        f"this machine is {seconds:.0f} s {'ahead of' if apart > timedelta() else 'behind'} the "
        "database: what is planned for now is the future there and refused, or comes late",
        fix="let both machines follow an NTP server (timedatectl status, chronyc tracking)",
    )


def judge_migrations(pending: Sequence[str]) -> Iterator[Finding]:
    """Judge what the database lacks."""
    if pending:
        yield fault(
            "migrations",
            f"{len(pending)} pending, the first is {pending[0]}",
            fix="doclife migrate",
        )
    else:
        yield ok("migrations", "up to date")


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """A right to write to a whole table."""

    role: str
    table_name: str
    privilege: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """A role that people or programs log in as."""

    name: str
    is_owner: bool
    is_worker: bool
    is_bypassing: bool


WORKER, APPLICATION, READER = "doclife_worker", "doclife_application", "doclife_reader"
KEPT_TABLES = frozenset(
    {
        *("documents", "stored_objects", "archive_bags", "stores", "organizations", "deployment"),
        *("rules", "rule_versions", "plans", "plan_items", "plan_decisions", "plan_reviews"),
        *("matters", "matter_documents", "events", "audit_entries", "audit_batches"),
        *("audit_commitments", "audit_heads", "certificates", "certificate_items", "notices"),
        *("certificate_files", "signing_keys", "purge_manifests", "organization_logins"),
    }
)
"""Rows of these are the history: no role that works with them may remove one."""
LIMIT_TABLES = frozenset({"organizations", "deployment"})
"""Limits, cooling-off and who approves are the owner's to set, not a task's."""


def is_excess(right: Right) -> bool:
    """Whether a role has a right that the migrations never gave it."""
    if right.privilege == "TRUNCATE" or right.role == READER:
        return True
    if right.role == APPLICATION:
        return right.privilege == "DELETE"
    if right.privilege == "DELETE":
        return right.table_name in KEPT_TABLES
    return right.table_name in LIMIT_TABLES or (
        right.privilege == "UPDATE" and right.table_name == "audit_entries"
    )


def judge_rights(rights: Sequence[Right], logins: Sequence[Login]) -> Iterator[Finding]:
    """Judge what the group roles may, and whether tasks log in as one of them."""
    excess = [right for right in rights if is_excess(right)]
    for right in excess:
        yield fault(
            "rights",
            f"{right.role} may {right.privilege} {right.table_name}",
            fix=f"REVOKE {right.privilege} ON doclife.{right.table_name} FROM {right.role}, "
            "and from PUBLIC if it has it from there",
        )
    if not excess:
        yield ok("rights", "worker, application and reader may no more than was granted")
    tasks = [login for login in logins if login.is_worker and not login.is_owner]
    if tasks:
        names = ", ".join(login.name for login in tasks)
        yield ok("logins", f"tasks can log in without the owner's rights: {names}")
    else:
        yield warning(
            "logins",
            f"no login is a member of {WORKER} alone: Airflow's tasks work as owner of the "
            "catalogue, and what is denied to tasks is not denied",
            fix=f"CREATE ROLE doclife_airflow LOGIN PASSWORD '...'; GRANT {WORKER} TO "
            "doclife_airflow; and let the Connection documents log in as that",
        )
    for login in logins:
        if login.is_bypassing:
            yield fault(
                "logins",
                f"{login.name} has BYPASSRLS: no policy binds it",
                fix=f"ALTER ROLE {login.name} NOBYPASSRLS",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """An index that is there."""

    name: str
    is_valid: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedIndex:
    """An index that the migrations made, with the statement that makes it again."""

    name: str
    is_unique: bool
    statement: str


def judge_indexes(expected: Sequence[ExpectedIndex], found: Sequence[Index]) -> Iterator[Finding]:
    """Judge whether every index of the migrations is there and in use."""
    valid = {index.name for index in found if index.is_valid}
    broken = {index.name for index in found if not index.is_valid}
    missing = [index for index in expected if index.name not in valid]
    for index in missing:
        again = f"SET search_path = doclife; {index.statement};"
        judged = fault if index.is_unique else warning
        is_broken = index.name in broken
        yield judged(
            "indexes",
            f"{index.name} is {'not valid' if is_broken else 'missing'}: "
            + ("twins can come in" if index.is_unique else "something reads whole tables"),
            fix=f"as owner: DROP INDEX doclife.{index.name}; {again}"
            if is_broken
            else f"as owner: {again}",
        )
    if not missing:
        yield ok("indexes", f"all {len(expected)} are there")


@dataclass(frozen=True, kw_only=True, slots=True)
class DisabledTrigger:
    """A trigger that somebody has switched off."""

    name: str
    table_name: str


def judge_triggers(disabled: Sequence[DisabledTrigger]) -> Iterator[Finding]:
    """Judge whether the guards in the database guard."""
    for trigger in disabled:
        yield fault(
            "guards",
            f"trigger {trigger.name} on {trigger.table_name} is switched off",
            fix=f"as owner: ALTER TABLE doclife.{trigger.table_name} ENABLE TRIGGER {trigger.name}",
        )
    if not disabled:
        yield ok("guards", "no trigger is switched off")


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTable:
    """A table with rows of organizations that row-level security does not enclose."""

    name: str
    has_policies: bool
    """They are there and not asked; without any, row-level security locks the tasks out too."""


def judge_policies(open_tables: Sequence[OpenTable]) -> Iterator[Finding]:
    """Judge whether every table with rows of organizations is enclosed by row-level security."""
    for table in open_tables:
        yield fault(
            "policies",
            f"row-level security is off for {table.name}: one organization's login sees the "
            "others' rows",
            fix=f"as owner: ALTER TABLE doclife.{table.name} ENABLE ROW LEVEL SECURITY"
            if table.has_policies
            else f"as owner: SELECT doclife.enclose_table('doclife.{table.name}')",
        )
    if not open_tables:
        yield ok("policies", "every table with rows of organizations is enclosed")


def judge_halt(*, reason: str | None, is_adopted: bool) -> Iterator[Finding]:
    """Judge whether everything is halted, and why."""
    if not is_adopted:
        yield fault(
            "halt",
            "this database is a copy or was restored: everything stands still",
            fix="find out which one it is, then doclife adopt (docs/operate.md)",
        )
    elif reason is not None:
        yield warning("halt", reason, fix="when the reason is gone: doclife halt off")
    else:
        yield ok("halt", "nothing is halted")


def judge_connections(
    needed: Sequence[tuple[str, str]], *, known: frozenset[str], broken: Mapping[str, str]
) -> Iterator[Finding]:
    """Judge whether what stores, endpoints and channels name can be found from here.

    :param needed: ids of Connections, each with who needs it.
    :param broken: what is wrong with those that were found and cannot be read, by id.
    """
    by_id: dict[str, list[str]] = {}
    for connection_id, by in needed:
        by_id.setdefault(connection_id, []).append(by)
    for connection_id, who in by_id.items():
        if connection_id in broken:
            yield fault(
                "connections", broken[connection_id], fix=f"correct it; needed by {', '.join(who)}"
            )
        elif connection_id not in known:
            yield warning(
                "connections",
                f"Airflow Connection {connection_id} is not known here; needed by {', '.join(who)}",
                fix=f"airflow connections get {connection_id}, or set "
                f"AIRFLOW_CONN_{connection_id.upper()} for the command line and for tasks",
            )
    if not set(by_id) - known and not broken:
        yield ok("connections", f"{len(by_id)} are named, and all are known")
