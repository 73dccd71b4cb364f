"""./run itself: from nothing, or from yesterday's data, to a system that runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from local import databases, deliveries, first_run
from local.environment import (
    airflow_environment,
    load_logins,
    load_secrets,
    signing_setting,
    time_zone,
)
from local.errors import LocalError
from local.ports import free_port, is_free
from local.state import ROOT, State
from local.stop_request import StopRequest, StopRequestedError
from local.supervisor import Supervisor, end_leftovers

DEFAULT_PORT = 8080


@dataclass(frozen=True)
class Addresses:
    """The two databases, as each of those who use them logs in."""

    metadata_url: str
    admin_url: str
    tasks_url: str


def up(state: State, *, with_samples: bool) -> int:
    """Start everything and stay until Ctrl-C; return the exit code."""
    port = wanted_port(os.environ)
    time_zone(os.environ)
    own_server = own_addresses(os.environ)
    with _only_one(state):
        end_leftovers(state)
        if not is_free(port):
            raise LocalError(
                f"Port {port} is taken by another program. Choose another one, "
                f"for example: PORT={free_port()} ./run"
            )
        stop_request = StopRequest()
        stop_request.listen()
        supervisor = Supervisor(state, port=port, stop_request=stop_request)
        code = 0
        try:
            _start(supervisor, own_server, port=port, with_samples=with_samples)
            supervisor.watch()
        except StopRequestedError:
            pass
        except (LocalError, psycopg.Error) as error:
            print(f"\n{str(error).strip()}", file=sys.stderr, flush=True)
            code = 1
        finally:
            stop_request.ignore()
            print("Stopping ...", flush=True)
            supervisor.end()
        print("Stopped.", flush=True)
        return code


def wanted_port(env: Mapping[str, str]) -> int:
    """Return the port of the user interface: PORT, else 8080."""
    given = env.get("PORT") or str(DEFAULT_PORT)
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given) <= 65535:
        raise LocalError(f"PORT={given!r} is no port. Give a number from 1 to 65535.")
    return int(given)


def own_addresses(env: Mapping[str, str]) -> Addresses | None:
    """Return the databases of the user's own server, or None to use the private one."""
    metadata, documents = env.get("DATABASE_URL"), env.get("DOCUMENTS_URL")
    if not metadata and not documents:
        return None
    if not metadata or not documents:
        missing = "DOCUMENTS_URL" if metadata else "DATABASE_URL"
        raise LocalError(
            f"{missing} is missing. Set both DATABASE_URL (for Airflow's metadata) and "
            "DOCUMENTS_URL (for the documents), to two databases of your server, or neither."
        )
    given = {
        "DATABASE_URL": metadata,
        "DOCUMENTS_URL": documents,
        "TASKS_URL": env.get("TASKS_URL") or documents,
    }
    plain = {name: _without_driver(url, name=name) for name, url in given.items()}
    if plain["DATABASE_URL"] == plain["DOCUMENTS_URL"]:
        raise LocalError(
            "DATABASE_URL and DOCUMENTS_URL name the same database. Make two, for example: "
            "createdb airflow && createdb documents"
        )
    for name, url in plain.items():
        # libpq's own words quote the part it stumbled over, which is mostly the password.
        unreadable = LocalError(
            f"{name} cannot be read: in the user or the password write % as %25, @ as %40, "
            ": as %3A and / as %2F."
        )
        if url.split("://", 1)[1].split("/", 1)[0].count("@") > 1:
            raise unreadable
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.ProgrammingError:
            raise unreadable from None
        except psycopg.Error as error:
            raise LocalError(f"{name} cannot be reached: {error}") from error
    return Addresses(
        metadata_url=plain["DATABASE_URL"],
        admin_url=plain["DOCUMENTS_URL"],
        tasks_url=plain["TASKS_URL"],
    )


def _without_driver(url: str, *, name: str) -> str:
    scheme, separator, rest = url.partition("://")
    if scheme.split("+")[0] not in ("postgresql", "postgres") or not separator:
        raise LocalError(
            f"{name} is no PostgreSQL URL: write postgresql://user:password@host/database"
        )
    return f"postgresql://{rest}"


@contextmanager
def _only_one(state: State) -> Iterator[None]:
    with (state.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            running = state.running()
            where = f" at http://127.0.0.1:{running.port}" if running else ""
            raise LocalError(f"It runs already{where}. Stop it with: ./run stop") from None
        yield


def _start(
    supervisor: Supervisor, own_server: Addresses | None, *, port: int, with_samples: bool
) -> None:
    state = supervisor.state
    supervisor.start_catcher(
        _with_doclife({**os.environ, **deliveries.hook_setting(state, os.environ)})
    )
    if own_server is None:
        print("Starting PostgreSQL ...", flush=True)
    addresses = own_server or _private_addresses(supervisor)
    supervisor.documents_url = addresses.admin_url
    catcher = supervisor.wait_for_catcher()
    connections = _connections(addresses.metadata_url)
    supervisor.variables = {
        **deliveries.settings(
            state,
            catcher,
            os.environ,
            address=supervisor.api.address,
            connections=connections,
        ),
        **signing_setting(state, os.environ, connections=connections),
    }
    supervisor.record()
    env = airflow_environment(
        state,
        port=port,
        metadata_url=addresses.metadata_url.replace("postgresql://", "postgresql+psycopg2://", 1),
        tasks_url=addresses.tasks_url,
        variables=supervisor.variables,
    )
    supervisor.pause(0)
    print("Preparing the databases ...", flush=True)
    _migrate_documents(addresses)
    _migrate_metadata(supervisor, addresses.metadata_url, env)
    print("Starting Airflow ...", flush=True)
    first_run.follow_catcher(supervisor, catcher)
    supervisor.start_airflow(env)
    logins = load_logins(state)
    if with_samples and not first_run.is_done(state):
        if first_run.is_beside_others(addresses.admin_url):
            print("No samples: the catalogue holds documents of other organizations.", flush=True)
        else:
            first_run.run(supervisor, catcher, admin_password=logins["admin"])
    print(first_run.describe(supervisor, catcher, logins), flush=True)


def _private_addresses(supervisor: Supervisor) -> Addresses:
    server = supervisor.start_postgres()
    keys = load_secrets(supervisor.state)
    passwords = {login: keys[f"password_{login}"] for login in databases.LOGINS}
    databases.prepare(server.url(), passwords=passwords)

    def url(database: str, role: str) -> str:
        return databases.as_role(
            server.url(), role=role, password=passwords[role], database=database
        )

    return Addresses(
        metadata_url=url(databases.METADATA, databases.AIRFLOW),
        admin_url=url(databases.DOCUMENTS, databases.ADMIN),
        tasks_url=url(databases.DOCUMENTS, databases.TASKS),
    )


def _migrate_documents(addresses: Addresses) -> None:
    sys.path.insert(0, str(ROOT / "plugins"))
    from doclife.errors import DoclifeError
    from doclife.store.upgrading import upgrade

    try:
        with psycopg.connect(addresses.admin_url, autocommit=True) as conn:
            upgrade(conn)
    except DoclifeError as error:
        raise LocalError(f"The document database could not be migrated: {error}") from error
    if addresses.tasks_url != addresses.admin_url:
        with psycopg.connect(addresses.tasks_url) as conn:
            login = conn.info.user
        databases.let_tasks_work(addresses.admin_url, login=login)
        databases.let_only_tasks_approve(addresses.admin_url)


def _migrate_metadata(supervisor: Supervisor, url: str, env: Mapping[str, str]) -> None:
    """Migrate Airflow's metadata, unless this very version did so already (it takes 5 s)."""
    state = supervisor.state
    lock = hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()
    revision = _metadata_revision(url)
    if revision and state.read("metadata.json") == {"lock": lock, "revision": revision}:
        return
    supervisor.run_step("migrate", [sys.executable, "-m", "airflow", "db", "migrate"], env)
    state.write("metadata.json", {"lock": lock, "revision": _metadata_revision(url)})


def _connections(metadata_url: str) -> list[str]:
    """Return the ids of the Connections that somebody keeps in Airflow's database."""
    with psycopg.connect(metadata_url) as conn:
        exists = conn.execute("SELECT to_regclass('connection')").fetchone()
        if exists is None or exists[0] is None:
            return []
        return [row[0] for row in conn.execute("SELECT conn_id FROM connection")]


def _with_doclife(env: Mapping[str, str]) -> dict[str, str]:
    return {**env, "PYTHONPATH": str(ROOT / "plugins")}


def _metadata_revision(url: str) -> str | None:
    with psycopg.connect(url) as conn:
        exists = conn.execute("SELECT to_regclass('alembic_version')").fetchone()
        if exists is None or exists[0] is None:
            return None
        row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
