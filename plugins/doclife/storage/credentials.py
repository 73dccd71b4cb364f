"""Turns an Airflow Connection of type aws into what s3fs wants, without Airflow."""

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from doclife.errors import ConfigurationError


def from_parts(login: str | None, password: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``s3fs.S3FileSystem`` for a Connection of type aws.

    :param login: access key; without one the standard AWS variables and roles are used.
    :param password: secret key.
    :param extra: ``endpoint_url``, ``region_name``, ``aws_session_token`` and ``profile_name`` are
        used, as the Amazon provider names them.
    """
    options: dict[str, Any] = {
        "key": login or None,
        "secret": password or None,
        "token": extra.get("aws_session_token"),
        "endpoint_url": extra.get("endpoint_url"),
        "profile": extra.get("profile_name"),
    }
    options = {name: value for name, value in options.items() if value}
    if extra.get("region_name"):
        options["client_kwargs"] = {"region_name": extra["region_name"]}
    return options


def from_environment(connection_id: str) -> dict[str, Any]:
    """Return the same from ``AIRFLOW_CONN_<ID>``, a URI or JSON as Airflow reads it.

    :raises ConfigurationError: the variable is missing, or neither.
    """
    variable = f"AIRFLOW_CONN_{connection_id.upper()}"
    value = os.environ.get(variable)
    if value is None:
        raise ConfigurationError(
            f"the credentials of Connection {connection_id!r} are not known here. "
            f"Set {variable} to aws://KEY:SECRET@/?region_name=...&endpoint_url=... or to JSON, or "
            "register the store without a connection to use the standard AWS variables."
        )
    if value.lstrip().startswith("{"):
        return _from_json(variable, value)
    # Never quoted in a message: it holds the secret.
    parts = urlsplit(value)
    if "://" not in value or not parts.scheme:
        raise ConfigurationError(f"{variable} is neither a URI (aws://...) nor JSON.")
    extra = dict(parse_qsl(parts.query))
    if "__extra__" in extra:  # how Airflow writes extras that are not plain strings
        extra = _object(variable, extra["__extra__"])
    return from_parts(unquote(parts.username or ""), unquote(parts.password or ""), extra)


def _from_json(variable: str, value: str) -> dict[str, Any]:
    fields = _object(variable, value)
    extra = fields.get("extra") or {}
    if isinstance(extra, str):
        extra = _object(variable, extra)
    return from_parts(fields.get("login"), fields.get("password"), extra)


def _object(variable: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{variable} is not the JSON of a Connection.")
    return found
