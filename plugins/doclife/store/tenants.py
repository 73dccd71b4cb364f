"""Reads and writes every setting of organizations and the deployment's own limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows, fetch_value
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationRecord:
    """An organization as people see it, with all of its settings."""

    slug: str
    name: str
    time_zone: str
    locale: str
    cooling_off_days: int
    reprieve_days: int
    max_documents_per_day: int
    max_fraction_per_day: Decimal
    fallback_recipient: str | None
    logo_url: str | None
    document_count: int
    """Documents that are not purged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentLimits:
    """The breaker over every organization and path together, in a rolling 24 hours."""

    max_documents_per_day: int
    max_fraction_per_day: Decimal


def list_all(conn: Connection) -> list[OrganizationRecord]:
    """Return every organization, by short name."""
    return fetch_rows(
        conn, statement("organizations/describe"), {"organization_id": None}, OrganizationRecord
    )


def lock(conn: Connection, organization_id: int) -> OrganizationRecord:
    """Return one organization and let nobody else change it until the transaction ends."""
    parameters = {"organization_id": organization_id}
    conn.execute(statement("organizations/lock_settings"), parameters)
    return fetch_rows(conn, statement("organizations/describe"), parameters, OrganizationRecord)[0]


def insert(conn: Connection, *, slug: str, name: str) -> bool:
    """Add an organization with default settings; False when the short name is taken."""
    parameters = {"slug": slug, "name": name}
    return fetch_value(conn, statement("organizations/insert"), parameters) is not None


def update(conn: Connection, *, organization_id: int, settings: Mapping[str, object]) -> None:
    """Change the settings that are not None."""
    conn.execute(
        statement("organizations/update"), {"organization_id": organization_id, **settings}
    )


def deployment_limits(conn: Connection) -> DeploymentLimits:
    """Return the limits of the deployment."""
    return fetch_rows(conn, statement("organizations/deployment_limits"), {}, DeploymentLimits)[0]


def update_deployment_limits(
    conn: Connection, *, max_documents_per_day: int | None, max_fraction_per_day: float | None
) -> DeploymentLimits:
    """Change the limits that are not None and return both."""
    return fetch_rows(
        conn,
        statement("organizations/update_deployment_limits"),
        {
            "max_documents_per_day": max_documents_per_day,
            "max_fraction_per_day": max_fraction_per_day,
        },
        DeploymentLimits,
    )[0]
