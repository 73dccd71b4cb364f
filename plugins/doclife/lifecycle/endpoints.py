"""Webhook endpoints: added, changed, paused. Their secrets never come near the database."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from doclife.delivery.guard import Guard
from doclife.delivery.validators import check_headers
from doclife.domain.actions import NAME_PATTERN
from doclife.domain.faults import did_you_mean
from doclife.domain.organization import Organization
from doclife.errors import ConfigurationError, RefusedError
from doclife.store import audit, endpoints
from doclife.store.connection import Connection
from doclife.store.endpoints import EndpointRecord

DEFAULT_TIMEOUT_SECONDS = 30
"""Standard Webhooks 1.0 asks for 15 to 30 seconds."""
LONGEST_TIMEOUT_SECONDS = 300
DEFAULT_CONCURRENCY = 8
_EVENT_TYPE = re.compile(r"(?:[a-zA-Z0-9_]+\.)*(?:[a-zA-Z0-9_]+|\*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointSettings:
    """Settings to give an endpoint; None leaves one as it is, or at its default.

    :param event_types: which events it gets by itself, e.g. ``document.*``; an empty one: none.
    :param document_types: only of documents of these types; an empty one: of all.
    :param max_per_second: calls; 0 for no limit.
    """

    url: str | None = None
    headers: Mapping[str, str] | None = None
    timeout_seconds: int | None = None
    max_concurrency: int | None = None
    max_per_second: float | None = None
    event_types: Sequence[str] | None = None
    document_types: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Refuse headers and event types that are none."""
        if self.headers is not None:
            check_headers(self.headers)
        for event_type in self.event_types or ():
            if not _EVENT_TYPE.fullmatch(event_type):
                raise ConfigurationError(
                    f"{event_type!r} is no event type: write for example document.archived, or "
                    "document.* for all of them"
                )
        if self.document_types and self.event_types is None:
            raise ConfigurationError("document types narrow events down: say which events too")


def list_endpoints(
    conn: Connection,
    *,
    organization: Organization,
    after: str | None = None,
    size: int | None = None,
) -> list[EndpointRecord]:
    """Return the endpoints of an organization, by name.

    :param after: the last name of the page before; None to begin.
    :param size: at most so many; None for all.
    """
    return endpoints.list_page(conn, organization_id=organization.id, after=after, size=size)


def endpoint_of_id(
    conn: Connection, *, organization: Organization, endpoint_id: int
) -> EndpointRecord | None:
    """Return an endpoint by its number; None when the organization has none such."""
    found = endpoints.list_page(conn, organization_id=organization.id, endpoint_id=endpoint_id)
    return found[0] if found else None


def find_endpoint(conn: Connection, *, organization: Organization, name: str) -> EndpointRecord:
    """Return the endpoint of that name.

    :raises ConfigurationError: there is none; the message lists those there are.
    """
    found = endpoints.list_page(conn, organization_id=organization.id, name=name)
    if not found:
        known = [one.name for one in list_endpoints(conn, organization=organization)]
        raise ConfigurationError(
            f"there is no endpoint {name!r}.{did_you_mean(name, known)} "
            f"Known: {', '.join(known) or 'none'}. Add one with: doclife endpoints add"
        )
    return found[0]


def add_endpoint(
    conn: Connection,
    *,
    organization: Organization,
    name: str,
    settings: EndpointSettings,
    guard: Guard,
    now: datetime,
    actor: str,
    connection_id: str | None = None,
    exist_ok: bool = False,
) -> tuple[EndpointRecord, str | None]:
    """Add an endpoint; also return why it cannot be reached at present, or None.

    Calls that were stored under its name before now find it.

    :param connection_id: an Airflow Connection whose password is its secret; None: the one of its
        own, ``doclife_endpoint_<id>``.
    :param exist_ok: change the settings of one that is there instead; its Connection stays.
    :raises ConfigurationError: the name is none or taken.
    :raises RefusedUrl: nothing may be sent to that URL.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ConfigurationError(
            f"{name!r} is no name for an endpoint: begin with a letter, then a-z, 0-9, '-' and '_'"
        )
    if settings.url is None:
        raise ConfigurationError("an endpoint needs its URL")
    doubt = check_target(settings.url, guard=guard)
    with conn.transaction():
        endpoint_id = endpoints.insert(
            conn,
            organization_id=organization.id,
            name=name,
            url=settings.url,
            headers=settings.headers or {},
            timeout_seconds=settings.timeout_seconds or DEFAULT_TIMEOUT_SECONDS,
            max_concurrency=settings.max_concurrency or DEFAULT_CONCURRENCY,
            max_per_second=settings.max_per_second or None,
            created_by=actor,
            connection_id=connection_id,
        )
        if endpoint_id is None and exist_ok:
            return change_endpoint(
                conn,
                organization=organization,
                name=name,
                settings=settings,
                guard=guard,
                now=now,
                actor=actor,
            )
        if endpoint_id is None:
            raise ConfigurationError(
                f"endpoint {name!r} exists. Change it with: doclife endpoints set {name}"
            )
        _subscribe(conn, endpoint_id, settings)
        record = find_endpoint(conn, organization=organization, name=name)
        _record(conn, organization, now=now, actor=actor, action="added", record=record)
    return record, doubt


def change_endpoint(
    conn: Connection,
    *,
    organization: Organization,
    name: str,
    settings: EndpointSettings,
    guard: Guard,
    now: datetime,
    actor: str,
) -> tuple[EndpointRecord, str | None]:
    """Change settings; also return why its new URL cannot be reached at present, or None."""
    doubt = None if settings.url is None else check_target(settings.url, guard=guard)
    with conn.transaction():
        before = find_endpoint(conn, organization=organization, name=name)
        endpoints.update(
            conn,
            endpoint_id=before.endpoint_id,
            url=settings.url,
            headers=settings.headers,
            timeout_seconds=settings.timeout_seconds,
            max_concurrency=settings.max_concurrency,
            max_per_second=settings.max_per_second,
        )
        _subscribe(conn, before.endpoint_id, settings)
        after = find_endpoint(conn, organization=organization, name=name)
        if after != before:
            _record(conn, organization, now=now, actor=actor, action="changed", record=after)
    return after, doubt


def set_state(
    conn: Connection,
    *,
    organization: Organization,
    name: str,
    state: str,
    now: datetime,
    actor: str,
) -> EndpointRecord:
    """Pause an endpoint, so that its calls wait, or enable it, so that they go.

    An enabled one begins anew: what it failed at before does not count against it.
    """
    with conn.transaction():
        before = find_endpoint(conn, organization=organization, name=name)
        if before.state == state:
            return before
        endpoints.set_state(conn, endpoint_id=before.endpoint_id, state=state, reason=None)
        after = find_endpoint(conn, organization=organization, name=name)
        _record(conn, organization, now=now, actor=actor, action=state, record=after)
    return after


def remove_endpoint(
    conn: Connection, *, organization: Organization, name: str, now: datetime, actor: str
) -> EndpointRecord:
    """Remove an endpoint and what it wants to hear of; its log of deliveries goes with it.

    Its secret is in Airflow, where whoever may change Connections removes it.

    :raises RefusedError: calls wait for it.
    """
    with conn.transaction():
        before = find_endpoint(conn, organization=organization, name=name)
        endpoints.replace_subscription(
            conn, endpoint_id=before.endpoint_id, event_types=[], document_types=None
        )
        if not endpoints.remove(conn, endpoint_id=before.endpoint_id):
            raise RefusedError(
                f"calls wait for endpoint {name}: cancel them, or let them go, and remove it then"
            )
        _record(conn, organization, now=now, actor=actor, action="removed", record=before)
    return before


def record_rotation(
    conn: Connection,
    *,
    organization: Organization,
    record: EndpointRecord,
    now: datetime,
    actor: str,
) -> None:
    """Note that an endpoint gets a new secret, which Airflow keeps."""
    _record(conn, organization, now=now, actor=actor, action="secret_rotated", record=record)


def check_target(url: str, *, guard: Guard) -> str | None:
    """Refuse what nothing may be sent to; return why it cannot be reached at present, or None.

    The same guard looks again at every call, at the address that is dialled.
    """
    return asyncio.run(guard.check_host(guard.check_url(url)))


def _subscribe(conn: Connection, endpoint_id: int, settings: EndpointSettings) -> None:
    if settings.event_types is not None:
        endpoints.replace_subscription(
            conn,
            endpoint_id=endpoint_id,
            event_types=settings.event_types,
            document_types=settings.document_types or None,
        )


def _record(
    conn: Connection,
    organization: Organization,
    *,
    now: datetime,
    actor: str,
    action: str,
    record: EndpointRecord,
) -> None:
    # Values of headers stay out of what can never be changed: somebody will put a token there.
    shown = asdict(replace(record, headers=dict.fromkeys(record.headers, "...")))
    kept = ("name", "url", "state", "headers", "timeout_seconds", "event_types", "document_types")
    audit.record(
        conn,
        organization_id=organization.id,
        at=now,
        actor=actor,
        action=f"endpoint.{action}",
        reason=f"endpoint {record.name} {action} by request",
        details={name: shown[name] for name in kept},
    )
