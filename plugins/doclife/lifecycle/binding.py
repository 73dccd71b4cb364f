"""Says for which organizations a login of the database stands, and which store belongs to whom."""

from collections.abc import Sequence
from datetime import datetime

from doclife.errors import ConfigurationError
from doclife.lifecycle.tenants import FIRST_ORGANIZATION
from doclife.store import audit, logins, organizations
from doclife.store.connection import Connection
from doclife.store.logins import LoginRow

__all__ = ["LoginRow"]


def list_logins(conn: Connection) -> list[LoginRow]:
    """Return every login that can be bound or is, by name."""
    return logins.list_all(conn)


def bind_login(
    conn: Connection,
    login: str,
    *,
    slugs: Sequence[str],
    by_claims: bool = False,
    actor: str,
    now: datetime,
) -> LoginRow:
    """Bind a login to organizations, beside those that it is bound to already.

    From its next statement on it sees and writes these and no others. Twice is once.

    :param by_claims: also to those that the person is a member of whom the claims of a request
        name, as PostgREST and Supabase set them.
    :raises ConfigurationError: nothing is named; there is no such organization; the login is none
        of an application or reader, or may do everything anyway.
    """
    if not slugs and not by_claims:
        raise ConfigurationError("name an organization, or say --claims")
    with conn.transaction():
        known = {one.login: one for one in logins.list_all(conn)}.get(login)
        if known is None or known.may == "nothing":
            raise ConfigurationError(
                f"{login!r} is no login of an application or a reader. Make one first: "
                f"CREATE ROLE {login} LOGIN; GRANT doclife_application TO {login};"
            )
        if known.may == "everything":
            raise ConfigurationError(
                f"{login!r} is a member of doclife_worker or doclife_owner, which work for every "
                "organization: binding it would bind nothing. Take that role from it first"
            )
        tenants = [organizations.find(conn, slug) for slug in slugs]
        for tenant in tenants:
            logins.bind(conn, login, organization_id=tenant.id, actor=actor, now=now)
        if by_claims:
            logins.bind(conn, login, organization_id=None, actor=actor, now=now)
        changed = [tenant.id for tenant in tenants]
        if by_claims:
            changed.append(organizations.find(conn, FIRST_ORGANIZATION).id)
        for organization_id in changed:
            audit.record(
                conn,
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="login.bound",
                reason=f"login {login}" + (" by the claims of requests" if by_claims else ""),
            )
        return next(one for one in logins.list_all(conn) if one.login == login)


def unbind_login(
    conn: Connection, login: str, *, slug: str | None, actor: str, now: datetime
) -> int:
    """Take the bindings of a login away, or the one to an organization, and return how many.

    A login without any is as it was before: an application is the first organization's, a reader
    sees all.

    :raises ConfigurationError: there is no such organization.
    """
    with conn.transaction():
        wanted = None if slug is None else organizations.find(conn, slug).id
        gone = logins.unbind(conn, login, organization_id=wanted)
        first = organizations.find(conn, FIRST_ORGANIZATION).id
        for organization_id in gone:
            audit.record(
                conn,
                organization_id=organization_id or first,
                at=now,
                actor=actor,
                action="login.unbound",
                reason=f"login {login}",
            )
        return len(gone)


def give_store(conn: Connection, name: str, *, slug: str, actor: str, now: datetime) -> None:
    """Let a store belong to an organization: its applications register bytes there, no others.

    :raises ConfigurationError: there is no such store or organization, or bytes of another
        organization lie in it. Then nothing has changed.
    """
    with conn.transaction():
        tenant = organizations.find(conn, slug)
        if not logins.give_store(conn, name, organization_id=tenant.id):
            raise ConfigurationError(
                f"there is no store {name!r}, or documents of another organization lie in it. "
                "See: doclife stores list"
            )
        audit.record(
            conn,
            organization_id=tenant.id,
            at=now,
            actor=actor,
            action="store.given",
            reason=f"store {name}",
        )
