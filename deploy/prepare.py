"""The init job of a deployment: ``python -m deploy.prepare``, before anything else starts.

It makes what is missing and leaves alone what is there, so it runs at every start and after every
update: the logins and both databases, the migrations of both, the first administrator and the role
that shows *Documents* in Airflow's navigation. Killed at any moment, it is run again.

==========================  ==================================================================
``SERVER_URL``              PostgreSQL as its superuser, or as one who may make logins and
                            databases
``AIRFLOW_DB_PASSWORD``     what the three logins get as their password, each time: to change
``DOCLIFE_ADMIN_PASSWORD``  one, change it in .env and start again
``DOCLIFE_AIRFLOW_PASSWORD``
``FIRST_ADMIN``             the first administrator of Airflow, with ``FIRST_ADMIN_EMAIL`` and
                            ``FIRST_ADMIN_PASSWORD``; made once, never changed, and not at all
                            where people come from an OpenID provider (``OIDC_ISSUER``)
==========================  ==================================================================

The rest is Airflow's own environment, as all of its parts have it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

import psycopg

from local import databases

PASSWORDS = {
    databases.AIRFLOW: "AIRFLOW_DB_PASSWORD",
    databases.ADMIN: "DOCLIFE_ADMIN_PASSWORD",
    databases.TASKS: "DOCLIFE_AIRFLOW_PASSWORD",
}
# They become part of addresses, where others would have to be written as %40 and the like.
FIT_FOR_AN_ADDRESS = re.compile(r"[A-Za-z0-9._~-]+")
ROLE = "Documents"
"""Of FAB: what *Viewer* and *User* need besides, to see entries of plugins."""


class UnpreparedError(Exception):
    """Something of the environment is not fit; the message says what, and how to correct it."""


def main() -> int:
    """Prepare everything, saying each step, and return the exit code."""
    try:
        prepare_documents(os.environ)
        prepare_airflow(os.environ)
    except (UnpreparedError, psycopg.Error) as error:
        print(f"Not prepared: {error}", file=sys.stderr)
        return 1
    print("All is prepared.")
    return 0


def prepare_documents(env: Mapping[str, str]) -> None:
    """Make logins and databases, migrate the catalogue, and let tasks work in it.

    :raises UnpreparedError: a password cannot be part of an address, or the catalogue cannot be
        migrated.
    """
    from doclife.errors import DoclifeError
    from doclife.store.upgrading import upgrade

    passwords = read_passwords(env)
    _say("Logins and databases")
    databases.prepare(env["SERVER_URL"], passwords=passwords)
    admin_url = databases.as_role(
        env["SERVER_URL"],
        role=databases.ADMIN,
        password=passwords[databases.ADMIN],
        database=databases.DOCUMENTS,
    )
    _say("The catalogue of documents")
    try:
        with psycopg.connect(admin_url, autocommit=True) as conn:
            applied = upgrade(conn)
    except DoclifeError as error:
        raise UnpreparedError(f"the catalogue could not be migrated: {error}") from error
    _say(f"migrations applied: {len(applied)}" if applied else "it is up to date")
    databases.let_tasks_work(admin_url)
    databases.let_only_tasks_approve(admin_url)


def read_passwords(env: Mapping[str, str]) -> dict[str, str]:
    """Return the password of each login.

    :raises UnpreparedError: names all that cannot be part of an address.
    """
    unfit = [name for name in PASSWORDS.values() if not FIT_FOR_AN_ADDRESS.fullmatch(env[name])]
    if unfit:
        raise UnpreparedError(
            f"{', '.join(unfit)}: use letters, digits, '-', '_', '.' and '~' only"
        )
    return {login: env[name] for login, name in PASSWORDS.items()}


def prepare_airflow(env: Mapping[str, str]) -> None:
    """Migrate Airflow's metadata, FAB's included, and make the role and the first administrator."""
    _say("Airflow's metadata")
    _airflow("db", "migrate")
    _say("People and roles")
    # Permissions first: a role is given what exists.
    _airflow("sync-perm")
    _airflow("roles", "create", ROLE)
    _airflow("roles", "add-perms", ROLE, "--action", "can_read", "--resource", "Plugins")
    if env.get("OIDC_ISSUER"):
        return
    _airflow(
        "users",
        "create",
        *("--role", "Admin"),
        *("--username", env["FIRST_ADMIN"], "--email", env["FIRST_ADMIN_EMAIL"]),
        *("--firstname", "First", "--lastname", "Administrator"),
        *("--password", env["FIRST_ADMIN_PASSWORD"]),
    )


def _airflow(*arguments: str) -> None:
    """Do what the command ``airflow ...`` does, in this process: to load Airflow takes seconds."""
    from airflow.cli.cli_parser import get_parser

    parsed = get_parser().parse_args(arguments)
    try:
        parsed.func(parsed)
    except SystemExit as ended:
        if ended.code:
            command = " ".join(arguments[:2])
            raise UnpreparedError(f"airflow {command} failed: {ended.code}") from ended


def _say(what: str) -> None:
    print(f"== {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
