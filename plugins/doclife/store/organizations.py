"""Reads and writes organizations and what they declare."""

from collections.abc import Mapping, Sequence

from doclife.domain.fields import MetadataType
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


def find(conn: Connection, slug: str) -> Organization:
    """Return the organization of that short name.

    :raises ConfigurationError: there is none; the message lists those there are.
    """
    found = fetch_rows(conn, statement("organizations/find"), {"slug": slug}, Organization)
    if not found:
        known = ", ".join(organization.slug for organization in list_all(conn))
        raise ConfigurationError(
            f"there is no organization {slug!r}. Known: {known}. "
            "Add one with: doclife organizations add"
        )
    return found[0]


def list_all(conn: Connection) -> list[Organization]:
    """Return every organization, by id."""
    return fetch_rows(conn, statement("organizations/list"), {}, Organization)


def first_with_documents(conn: Connection, ids: Sequence[int]) -> int | None:
    """Return the first of some organizations that has documents; None where none has any."""
    found = conn.execute(statement("organizations/first_with_documents"), {"ids": list(ids)})
    row = found.fetchone()
    return None if row is None else int(row[0])


def ids_of_member(conn: Connection, user_name: str) -> frozenset[int]:
    """Return the organizations that a user of Airflow is bound to; none means: not bound at all."""
    rows = conn.execute(statement("organizations/list_of_member"), {"user_name": user_name})
    return frozenset(row[0] for row in rows)


def metadata_types(conn: Connection, organization_id: int) -> dict[str, MetadataType]:
    """Return the declared metadata keys with their types."""
    query = statement("organizations/list_metadata_fields")
    rows = conn.execute(query, {"organization_id": organization_id})
    return {name: MetadataType(type_) for name, type_ in rows}


def declare_metadata(
    conn: Connection, organization_id: int, fields: Mapping[str, MetadataType]
) -> None:
    """Declare metadata keys; the same declaration twice changes nothing.

    :raises ConfigurationError: a key was declared as another type before.
    """
    known = metadata_types(conn, organization_id)
    clashes = [
        f"metadata.{name} is declared as {known[name]}, not {type_}"
        for name, type_ in fields.items()
        if known.get(name, type_) != type_
    ]
    if clashes:
        raise ConfigurationError(
            "; ".join(clashes) + ". A declared type never changes: use another key."
        )
    for name, type_ in fields.items():
        conn.execute(
            statement("organizations/declare_metadata_field"),
            {"organization_id": organization_id, "name": name, "type": str(type_)},
        )


def lock_rules(conn: Connection, organization_id: int, *, shared: bool) -> None:
    """Keep the rules as they are until the transaction ends; exclusively to change them."""
    conn.execute(
        statement("organizations/lock_rules"),
        {"organization_id": organization_id, "is_shared": shared},
    )


def lock_planning(conn: Connection, organization_id: int) -> None:
    """Be the only planner of the organization until the transaction ends."""
    conn.execute(statement("organizations/lock_planning"), {"organization_id": organization_id})
