"""Turns an Airflow Connection of type aws into what s3fs wants."""

from collections.abc import Callable, Mapping
from typing import Any

from doclife.connections import Connections, ServiceConnection
from doclife.errors import ConfigurationError


def credentials(connections: Connections) -> Callable[[str], Mapping[str, Any]]:
    """Return what gives the arguments of ``s3fs.S3FileSystem`` for the id of a Connection.

    What it returns raises ConfigurationError when there is no such Connection.
    """

    def find(connection_id: str) -> Mapping[str, Any]:
        connection = connections(connection_id)
        if connection is None:
            raise ConfigurationError(
                f"the credentials of Connection {connection_id!r} are not known here. Set "
                f"AIRFLOW_CONN_{connection_id.upper()} to "
                "aws://KEY:SECRET@/?region_name=...&endpoint_url=... or to JSON, or register the "
                "store without a connection to use the standard AWS variables."
            )
        return s3_options(connection)

    return find


def s3_options(connection: ServiceConnection) -> dict[str, Any]:
    """Return the arguments of ``s3fs.S3FileSystem``.

    Login and password are access key and secret key; without them the standard AWS variables and
    roles are used. Of the extra, ``endpoint_url``, ``region_name``, ``aws_session_token`` and
    ``profile_name`` are used, as the Amazon provider names them.
    """
    options: dict[str, Any] = {
        "key": connection.login,
        "secret": connection.password,
        "token": connection.text("aws_session_token"),
        "endpoint_url": connection.text("endpoint_url"),
        "profile": connection.text("profile_name"),
    }
    options = {name: value for name, value in options.items() if value}
    if region := connection.text("region_name"):
        options["client_kwargs"] = {"region_name": region}
    return options
