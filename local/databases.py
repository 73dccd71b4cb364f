"""The roles and the two databases inside the private server.

``airflow`` holds Airflow's metadata, ``documents`` the catalogue. Nobody works as superuser:

* ``airflow`` owns the metadata database;
* ``doclife_admin`` owns the catalogue, runs the migrations and is the CLI's role. It may create
  roles, because the migrations make the group roles (worker, application, reader);
* ``doclife_airflow`` is what tasks and dashboard log in as. It may do what the group role
  ``doclife_worker`` may, which the migrations decide.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

METADATA, DOCUMENTS = "airflow", "documents"
AIRFLOW, ADMIN, TASKS = "airflow", "doclife_admin", "doclife_airflow"
WORKER_GROUP = "doclife_worker"
LOGINS = (AIRFLOW, ADMIN, TASKS)


def prepare(superuser_url: str, *, passwords: Mapping[str, str]) -> None:
    """Make the login roles and both databases; what is there already gets its password again.

    :param passwords: one for each of LOGINS.
    """
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        for name in LOGINS:
            if not _exists(conn, "pg_roles", "rolname", name):
                conn.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
            rights = sql.SQL("CREATEROLE" if name == ADMIN else "NOCREATEROLE")
            conn.execute(
                sql.SQL("ALTER ROLE {} LOGIN {} PASSWORD {}").format(
                    sql.Identifier(name), rights, sql.Literal(passwords[name])
                )
            )
        create_database(conn, METADATA, owner=AIRFLOW)
        create_database(conn, DOCUMENTS, owner=ADMIN)


def create_database(conn: psycopg.Connection, name: str, *, owner: str) -> None:
    """Create a database, unless it is there."""
    if _exists(conn, "pg_database", "datname", name):
        return
    conn.execute(
        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
    )


def let_tasks_work(admin_url: str, *, login: str = TASKS) -> None:
    """After the migrations: give the role of Airflow's tasks what the worker group may do."""
    with psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute(
            sql.SQL("GRANT {} TO {}").format(sql.Identifier(WORKER_GROUP), sql.Identifier(login))
        )


def let_only_tasks_approve(admin_url: str) -> None:
    """Where tasks log in by themselves: let the database take approvals from nobody else."""
    with psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute("UPDATE doclife.deployment SET approvals_by_tasks_only = true")


def as_role(superuser_url: str, *, role: str, password: str, database: str) -> str:
    """Return the URL of a database on the same server for another role."""
    address = superuser_url.rsplit("@", 1)[1].split("/", 1)[0]
    return f"postgresql://{role}:{password}@{address}/{database}"


def _exists(conn: psycopg.Connection, catalogue: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(
        sql.Identifier(catalogue), sql.Identifier(column)
    )
    return conn.execute(query, (name,)).fetchone() is not None
