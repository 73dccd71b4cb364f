"""Speaks to Airflow's REST API as a person who has logged in."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import typer

from doclife.errors import ConfigurationError, RefusedError
from doclife.settings import AIRFLOW_URL

USER, PASSWORD, TOKEN = "DOCLIFE_AIRFLOW_USER", "DOCLIFE_AIRFLOW_PASSWORD", "DOCLIFE_AIRFLOW_TOKEN"
TIMEOUT_SECONDS = 20.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class AirflowRefused(RefusedError):
    """Airflow answered with an error.

    :param status: the status of HTTP.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class AirflowLogin:
    """One person at one Airflow. What they may do is Airflow's to decide.

    :param url: where Airflow's own pages are, e.g. ``http://127.0.0.1:8080``.
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(
                f"{AIRFLOW_URL}={url!r} is no address: write for example http://127.0.0.1:8080"
            )
        self.url = url.rstrip("/")
        self._token: str | None = None
        # The shell's proxy knows nothing of this machine.
        proxies: dict[str, str] | None = {} if parts.hostname in LOOPBACK else None
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler(proxies)).open

    def log_in(self, user: str | None) -> None:
        """Log in with a token, or with a name and a password that are asked for where missing."""
        if (token := os.environ.get(TOKEN)) and user is None:
            self._token = token
            return
        user = user or os.environ.get(USER)
        password = os.environ.get(PASSWORD)
        if not typer.get_text_stream("stdin").isatty() and not (user and password):
            raise ConfigurationError(
                f"who approves? Nobody is at the terminal to say so: set {USER} and {PASSWORD}, "
                f"or {TOKEN}."
            )
        user = user or typer.prompt(f"User of Airflow at {self.url}", err=True)
        password = password or typer.prompt(f"Password of {user}", hide_input=True, err=True)
        try:
            answer = self.call("POST", "/auth/token", {"username": user, "password": password})
        except AirflowRefused as error:
            raise RefusedError(f"Airflow does not let {user} in: {error}") from error
        self._token = str(answer["access_token"])

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """Make one call and return its JSON.

        :raises AirflowRefused: Airflow says no; the message is what it said.
        :raises ConfigurationError: nobody answers at the address.
        """
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310 - https or http
        request.add_header("Accept", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if content is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(content).encode()
        try:
            with self._open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = _said(error)
            raise AirflowRefused(f"{said} (HTTP {error.code})", status=error.code) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise ConfigurationError(
                f"Airflow does not answer at {self.url}: {reason}. Start it (./run), or set "
                f"{AIRFLOW_URL}."
            ) from error


def _said(error: urllib.error.HTTPError) -> str:
    try:
        detail = json.load(error)["detail"]
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)
    return detail if isinstance(detail, str) else json.dumps(detail)
