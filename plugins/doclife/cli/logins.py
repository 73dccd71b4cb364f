"""doclife organizations bind, unbind, logins: whose an application's session is."""

from typing import Annotated

import typer

from doclife.cli.options import Json
from doclife.cli.session import session
from doclife.lifecycle import binding

Login = Annotated[str, typer.Argument(help="As it logs in to the database.")]


def bind(
    login: Login,
    organizations: Annotated[
        list[str] | None, typer.Argument(metavar="ORGANIZATION...", help="Short names.")
    ] = None,
    claims: Annotated[
        bool,
        typer.Option(
            "--claims",
            help="Those of the person whom a request's claims name (PostgREST, Supabase).",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Let a login see and write the rows of these organizations only. A second call adds."""
    with session(as_json=as_json) as s:
        bound = binding.bind_login(
            s.conn,
            login,
            slugs=organizations or [],
            by_claims=claims,
            actor=s.actor,
            now=s.now(),
        )
        s.output.show({"login": bound}, people=lambda: s.output.say(f"{login}: {_whose(bound)}."))


def unbind(
    login: Login,
    organization: Annotated[
        str | None, typer.Argument(help="Only from this one; default: from all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take the bindings of a login away."""
    with session(as_json=as_json) as s:
        count = binding.unbind_login(s.conn, login, slug=organization, actor=s.actor, now=s.now())
        s.output.show(
            {"login": login, "bindings_removed": count},
            people=lambda: s.output.say(f"{count} binding(s) of {login} removed."),
        )


def list_logins(as_json: Json = False) -> None:
    """List the logins of applications, readers and tasks, and whose they are."""
    with session(as_json=as_json) as s:
        found = binding.list_logins(s.conn)
        s.output.show(
            {"logins": found},
            people=lambda: s.output.table(
                ("login", "may", "organizations"),
                [(one.login, one.may, _whose(one)) for one in found],
                empty="No login has a role of doclife.",
            ),
        )


def give_store(
    name: Annotated[str, typer.Argument(help="The store.")],
    organization: Annotated[str, typer.Argument(help="Short name.")],
    as_json: Json = False,
) -> None:
    """Let a store belong to an organization: applications of no other register bytes in it."""
    with session(as_json=as_json) as s:
        binding.give_store(s.conn, name, slug=organization, actor=s.actor, now=s.now())
        s.output.show(
            {"store": name, "organization": organization},
            people=lambda: s.output.say(f"Store {name} belongs to {organization}."),
        )


def _whose(one: binding.LoginRow) -> str:
    if one.may == "everything":
        return "all: it is a worker's or an owner's"
    if not one.is_bound:
        return "default, or what it sets" if one.may == "application" else "all, or what it sets"
    claims = ["what its claims say"] if one.by_claims else []
    return ", ".join([*one.organizations, *claims])
