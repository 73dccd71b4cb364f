"""Declares which metadata keys rules may use, and as what."""

import re
from datetime import datetime

from doclife.domain.fields import MetadataType
from doclife.errors import ConfigurationError
from doclife.store import audit, organizations
from doclife.store.connection import Connection


def declare_metadata_field(
    conn: Connection,
    *,
    organization: str,
    name: str,
    metadata_type: str,
    now: datetime,
    actor: str,
) -> None:
    """Declare a metadata key; declaring it again as the same type changes nothing.

    :param metadata_type: ``text``, ``int`` or ``date``. Values of another kind count as unknown.
    :raises ConfigurationError: the name or type is none, or the key has another type already.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
        raise ConfigurationError(
            f"{name!r} is no metadata key: begin with a letter, then letters, digits and '_'."
        )
    try:
        declared = MetadataType(metadata_type)
    except ValueError:
        kinds = ", ".join(MetadataType)
        raise ConfigurationError(
            f"{metadata_type!r} is no metadata type. Types: {kinds}."
        ) from None
    tenant = organizations.find(conn, organization)
    with conn.transaction():
        if name in organizations.metadata_types(conn, tenant.id):
            organizations.declare_metadata(conn, tenant.id, {name: declared})  # refuses a clash
            return
        organizations.declare_metadata(conn, tenant.id, {name: declared})
        audit.record(
            conn,
            organization_id=tenant.id,
            at=now,
            actor=actor,
            action="metadata.declared",
            reason=f"metadata.{name} is {declared}",
        )


def list_metadata_fields(conn: Connection, *, organization: str) -> list[tuple[str, MetadataType]]:
    """Return the declared keys with their types, by name."""
    tenant = organizations.find(conn, organization)
    return sorted(organizations.metadata_types(conn, tenant.id).items())
