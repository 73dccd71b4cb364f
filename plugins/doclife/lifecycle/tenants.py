"""Organizations and limits: settings that anyone can see, and whose changes are audited."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from doclife.domain.organization import LOGO_URL_LENGTH, is_logo_url
from doclife.errors import ConfigurationError
from doclife.lifecycle.scheduling import keep_rule_schedules
from doclife.store import audit, organizations, tenants
from doclife.store.connection import Connection
from doclife.store.tenants import DeploymentLimits, OrganizationRecord

__all__ = ["DeploymentLimits", "OrganizationRecord"]

FIRST_ORGANIZATION = "default"
"""Every database has it; what concerns the whole deployment is audited there."""


@dataclass(frozen=True, kw_only=True)
class OrganizationSettings:
    """Settings to give an organization; None leaves one as it is, or at its default."""

    name: str | None = None
    time_zone: str | None = None
    locale: str | None = None
    cooling_off_days: int | None = None
    reprieve_days: int | None = None
    max_documents_per_day: int | None = None
    max_fraction_per_day: float | None = None
    fallback_recipient: str | None = None
    logo_url: str | None = None
    """Shown in mail and reports; empty for none."""

    def __post_init__(self) -> None:
        """Refuse a time zone that nobody knows, and a logo that mail programs would not load."""
        if self.logo_url and not is_logo_url(self.logo_url):
            raise ConfigurationError(
                f"{self.logo_url!r} is no logo: write an https address of at most "
                f"{LOGO_URL_LENGTH} characters, which mail programs can load"
            )
        if self.time_zone is not None:
            try:
                ZoneInfo(self.time_zone)
            except (KeyError, ValueError, OSError):
                raise ConfigurationError(
                    f"{self.time_zone!r} is not a time zone; write for example Europe/Berlin or UTC"
                ) from None


def list_organizations(conn: Connection) -> list[OrganizationRecord]:
    """Return every organization with all of its settings, by name."""
    return tenants.list_all(conn)


def add_organization(
    conn: Connection,
    *,
    slug: str,
    settings: OrganizationSettings,
    now: datetime,
    actor: str,
    exist_ok: bool = False,
) -> tuple[OrganizationRecord, bool]:
    """Add an organization and return it with True; with ``exist_ok`` one that is there is changed.

    :raises ConfigurationError: it exists, or its short name is none.
    """
    with conn.transaction():
        try:
            is_new = tenants.insert(conn, slug=slug, name=settings.name or slug)
        except psycopg.errors.CheckViolation:
            raise ConfigurationError(
                f"{slug!r} is no short name: begin with a letter, then a-z, 0-9 and '-'"
            ) from None
        if not is_new and not exist_ok:
            raise ConfigurationError(
                f"organization {slug!r} exists. Change it with: doclife organizations set {slug}"
            )
        tenant = organizations.find(conn, slug)
        if is_new:
            audit.record(
                conn,
                organization_id=tenant.id,
                at=now,
                actor=actor,
                action="organization.added",
                reason="added by request",
            )
        record, _changes = change_organization(
            conn, slug=slug, settings=settings, now=now, actor=actor
        )
        return record, is_new


def change_organization(
    conn: Connection, *, slug: str, settings: OrganizationSettings, now: datetime, actor: str
) -> tuple[OrganizationRecord, dict[str, Any]]:
    """Change settings and return the organization with what changed: before and after by name.

    The same settings a second time change nothing.
    """
    with conn.transaction():
        tenant = organizations.find(conn, slug)
        before = tenants.lock(conn, tenant.id)
        tenants.update(conn, organization_id=tenant.id, settings=asdict(settings))
        after = tenants.lock(conn, tenant.id)
        changes = _changes(asdict(before), asdict(after))
        if "time_zone" in changes:
            organizations.lock_rules(conn, tenant.id, shared=False)
            renewed = organizations.find(conn, slug)
            keep_rule_schedules(conn, renewed, actor=actor, now=now)
        if changes:
            audit.record(
                conn,
                organization_id=tenant.id,
                at=now,
                actor=actor,
                action="organization.changed",
                reason="changed " + ", ".join(changes),
                details=changes,
            )
        return after, changes


def deployment_limits(conn: Connection) -> DeploymentLimits:
    """Return the breaker that counts every organization and path together."""
    return tenants.deployment_limits(conn)


def change_deployment_limits(
    conn: Connection,
    *,
    max_documents_per_day: int | None,
    max_fraction_per_day: float | None,
    now: datetime,
    actor: str,
) -> DeploymentLimits:
    """Change the deployment's breaker; None leaves a limit as it is."""
    with conn.transaction():
        before = tenants.deployment_limits(conn)
        after = tenants.update_deployment_limits(
            conn,
            max_documents_per_day=max_documents_per_day,
            max_fraction_per_day=max_fraction_per_day,
        )
        changes = _changes(asdict(before), asdict(after))
        if changes:
            audit.record(
                conn,
                organization_id=organizations.find(conn, FIRST_ORGANIZATION).id,
                at=now,
                actor=actor,
                action="deployment.limits_changed",
                reason="changed " + ", ".join(changes),
                details=changes,
            )
        return after


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"before": _json(before[name]), "after": _json(value)}
        for name, value in after.items()
        if before[name] != value
    }


def _json(value: Any) -> Any:
    return value if isinstance(value, str | int | None) else float(value)
