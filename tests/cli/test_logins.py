"""doclife organizations bind, unbind and logins, and doclife stores give."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from local.postgres import Postgres

LOGIN, READER, TASK = "bound_application", "bound_reader", "bound_task"


@pytest.fixture
def logins(postgres: Postgres, conn) -> Iterator[None]:
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        for name, group in ((LOGIN, "application"), (READER, "reader"), (TASK, "worker")):
            superuser.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE doclife_{group}")
        yield
        for name in (LOGIN, READER, TASK):
            superuser.execute(f"DROP ROLE {name}")


def test_a_login_is_bound_and_sees_nothing_else_from_then_on(cli, conn, database, logins):
    cli("organizations", "add", "acme")
    address = database.split("@", 1)[1]
    with psycopg.connect(f"postgresql://{LOGIN}:x@{address}", autocommit=True) as application:
        seen = "SELECT slug FROM doclife.organizations"
        assert application.execute(seen).fetchall() == [("default",)]

        bound = cli.json("organizations", "bind", LOGIN, "acme")["login"]
        cli("organizations", "bind", LOGIN, "acme")

        assert bound["organizations"] == ["acme"]
        assert application.execute(seen).fetchall() == [("acme",)]
        listed = {one["login"]: one for one in cli.json("organizations", "logins")["logins"]}
        assert listed[LOGIN]["organizations"] == ["acme"]
        assert (listed[READER]["may"], listed[READER]["is_bound"]) == ("reader", False)
        assert "acme" in cli("organizations", "logins").output

        cli("organizations", "bind", READER, "--claims")
        assert "what its claims say" in cli("organizations", "logins").output
        assert cli.json("organizations", "unbind", LOGIN, "acme")["bindings_removed"] == 1
        assert application.execute(seen).fetchall() == [("default",)]
    actions = conn.execute(
        "SELECT action FROM audit_entries WHERE action LIKE 'login.%' AND organization_id ="
        " (SELECT id FROM organizations WHERE slug = 'acme') ORDER BY id"
    ).fetchall()
    assert actions == [("login.bound",), ("login.bound",), ("login.unbound",)]


def test_what_would_bind_nothing_is_refused(cli, logins):
    for arguments, said in (
        ((TASK, "default"), "work for every organization"),
        (("nobody", "default"), "is no login of an application or a reader"),
        ((LOGIN, "nowhere"), "there is no organization 'nowhere'"),
        ((LOGIN,), "name an organization, or say --claims"),
    ):
        refused = cli("organizations", "bind", *arguments, exit_code=1)
        assert said in " ".join(refused.errors.split())
    assert all(not one["is_bound"] for one in cli.json("organizations", "logins")["logins"])


def test_a_store_is_given_to_an_organization_unless_others_use_it(cli, conn, tmp_path):
    cli("organizations", "add", "acme")
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text("x")
        cli("stores", "register", name, tmp_path / name)
    cli("documents", "import", tmp_path / "ours")

    cli("stores", "give", "theirs", "acme")
    refused = cli("stores", "give", "ours", "acme", exit_code=1)

    assert "documents of another organization lie in it" in " ".join(refused.errors.split())
    assert conn.execute(
        "SELECT stores.name, slug FROM stores LEFT JOIN organizations"
        " ON organizations.id = stores.organization_id ORDER BY 1"
    ).fetchall() == [("ours", None), ("theirs", "acme")]
    cli("documents", "import", tmp_path / "theirs", "-o", "acme")
