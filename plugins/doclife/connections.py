"""Airflow Connections without Airflow: their values, and the environment variables they stand in.

The one place that reads ``AIRFLOW_CONN_...``; nothing shows a secret.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from doclife.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceConnection:
    """Where a service is and how to log in to it, in the fields of an Airflow Connection."""

    id: str
    type: str
    """``postgres``, ``smtp``, ``aws``, ``http``, ``slack``, ``slackwebhook``, ..."""
    host: str | None = None
    port: int | None = None
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str | None:
        """Return a text of the extra; None when it is empty or not there."""
        value = self.extra.get(name)
        return str(value) if value not in (None, "") else None


class AirflowConnection(Protocol):
    """What Airflow's own objects of a Connection have; this layer does not know Airflow."""

    conn_id: Any
    conn_type: Any
    host: Any
    port: Any
    login: Any
    password: Any
    schema: Any

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra, read."""
        ...


def from_airflow(found: AirflowConnection) -> ServiceConnection:
    """Return the values of a Connection that Airflow has found."""
    return ServiceConnection(
        id=found.conn_id,
        type=found.conn_type or "",
        host=found.host,
        port=found.port,
        login=found.login,
        password=found.password,
        schema=found.schema,
        extra=found.extra_dejson,
    )


Connections = Callable[[str], ServiceConnection | None]
"""Finds a Connection by its id; None when there is none."""


def from_environment(environment: Mapping[str, str]) -> Connections:
    """Return what finds Connections in ``AIRFLOW_CONN_<ID>``, as URI or JSON.

    What it finds raises ConfigurationError when it is neither; the message quotes no value.
    """

    def find(connection_id: str) -> ServiceConnection | None:
        variable = f"AIRFLOW_CONN_{connection_id.upper()}"
        text = environment.get(variable)
        if not text:
            return None
        try:
            return (
                _from_json(connection_id, text)
                if text.lstrip().startswith("{")
                else _from_uri(connection_id, text)
            )
        except (ValueError, TypeError, AttributeError):
            raise ConfigurationError(
                f"{variable} is no Airflow Connection: write its URI or JSON as "
                '"airflow connections get" shows it'
            ) from None

    return find


def _from_json(connection_id: str, text: str) -> ServiceConnection:
    fields = json.loads(text)
    extra = fields.get("extra") or {}
    port = fields.get("port")
    return ServiceConnection(
        id=connection_id,
        type=fields.get("conn_type") or "",
        host=fields.get("host"),
        port=int(port) if port not in (None, "") else None,
        login=fields.get("login"),
        password=fields.get("password"),
        schema=fields.get("schema"),
        extra=dict(json.loads(extra) if isinstance(extra, str) else extra),
    )


def _from_uri(connection_id: str, text: str) -> ServiceConnection:
    address = urlsplit(text)
    if "://" not in text:
        raise ValueError("no URI")
    extra: dict[str, Any] = dict(parse_qsl(address.query))
    # Airflow writes extras that do not fit into a query as one JSON value.
    extra |= json.loads(extra.pop("__extra__", "{}"))
    return ServiceConnection(
        id=connection_id,
        type=address.scheme.replace("-", "_"),
        host=unquote(address.hostname) if address.hostname else None,
        port=address.port,
        login=unquote(address.username) if address.username else None,
        password=unquote(address.password) if address.password else None,
        schema=unquote(address.path.removeprefix("/")) or None,
        extra=extra,
    )
