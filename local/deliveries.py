"""What ./run sets so that deliveries reach the catcher, for each channel that nobody else set up.

Every setting is one that a user could make: the variables of docs/channels.md, Airflow Connections
by environment, a network that may be called. Whoever sets their own has theirs.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from local.ports import LOOPBACK, own_loopback
from local.state import State

CAUGHT = "caught"
CATCHER = "catcher.json"
PORTS = "ports.json"
HOOK = "intranet"
"""The endpoint that the sample rules call."""
HOOK_CONNECTION = "doclife_sample_intranet"
SLACK_CONNECTION = "doclife_slack"
MAIL_CONNECTION = "doclife_email"
LINKS_CONNECTION = "doclife_links"
_MAIL_PREFIXES = ("EMAIL_", "SMTP_")


class Service(StrEnum):
    """What the catcher listens for."""

    MAIL = "mail"
    RECEIVER = "receiver"
    PAGE = "page"


@dataclass(frozen=True, kw_only=True)
class Catcher:
    """Where the catcher of this start listens."""

    mail_port: int
    receiver_port: int
    page_port: int
    key: str

    @property
    def ports(self) -> dict[str, int]:
        """The ports to remember for the next start."""
        return {
            Service.MAIL: self.mail_port,
            Service.RECEIVER: self.receiver_port,
            Service.PAGE: self.page_port,
        }

    @property
    def page(self) -> str:
        """The address to look at; it holds the key, so it is for who started it."""
        return f"http://{LOOPBACK}:{self.page_port}/{self.key}/"

    @property
    def receiver(self) -> str:
        """The address that calls are made to."""
        return f"http://{own_loopback()}:{self.receiver_port}"

    @property
    def hook(self) -> str:
        """The URL of the samples' endpoint."""
        return f"{self.receiver}/hooks/{HOOK}"

    def once_was(self, url: str) -> bool:
        """Return whether this URL led to the samples' receiver when it had another port."""
        address = re.escape(own_loopback())
        return re.fullmatch(rf"http://{address}:\d+/hooks/{HOOK}", url) is not None


def page_key(state: State) -> str:
    """Return the key of the catcher's page, made at the first start."""
    return str(_secrets(state)["page_key"])


def find_catcher(state: State) -> Catcher | None:
    """Return where the catcher listens; None while it does not."""
    listening = state.read(CATCHER)
    if listening is None:
        return None
    return Catcher(
        mail_port=listening[Service.MAIL],
        receiver_port=listening[Service.RECEIVER],
        page_port=listening[Service.PAGE],
        key=page_key(state),
    )


def hook_setting(state: State, given: Mapping[str, str]) -> dict[str, str]:
    """Return the Connection with the secret of the samples' endpoint, unless it is given."""
    secret = {"conn_type": "http", "password": _secrets(state)["hook_secret"]}
    return _unless_given({_variable(HOOK_CONNECTION): json.dumps(secret)}, given)


def settings(
    state: State,
    catcher: Catcher,
    given: Mapping[str, str],
    *,
    address: str,
    connections: Collection[str] = (),
) -> dict[str, str]:
    """Return the variables that send each channel to the catcher which is not set up otherwise.

    :param given: the shell's variables. Those that set up a channel are left alone, and so is what
        belongs to them.
    :param address: of Airflow's api-server, where links in messages lead.
    :param connections: ids of the Connections in Airflow's own database: they set up a channel as
        well, and a variable would hide them.
    """
    ours = hook_setting(state, given)
    if not is_mail_given(given):
        ours |= {
            "EMAIL_PROVIDER": "smtp",
            "SMTP_HOST": LOOPBACK,
            "SMTP_PORT": str(catcher.mail_port),
            "EMAIL_FROM_ADDRESS": "doclife@example.org",
            "EMAIL_FROM_NAME": "doclife on this machine",
        }
    if not given.get("DOCLIFE_SLACK_CONNECTION") and SLACK_CONNECTION not in connections:
        slack = {
            "conn_type": "slack",
            "password": "xoxb-caught-on-this-machine",
            "extra": {"base_url": f"{catcher.receiver}/slack/api/"},
        }
        ours |= _unless_given({_variable(SLACK_CONNECTION): json.dumps(slack)}, given)
    if LINKS_CONNECTION not in connections:
        key = {"conn_type": "generic", "password": _secrets(state)["link_key"]}
        ours |= _unless_given({_variable(LINKS_CONNECTION): json.dumps(key)}, given)
    networks = [given.get("DOCLIFE_ALLOWED_NETWORKS", "").strip(), f"{own_loopback()}/32"]
    ours["DOCLIFE_ALLOWED_NETWORKS"] = ", ".join(filter(None, networks))
    links = {"DOCLIFE_PUBLIC_URL": address}
    return ours | _unless_given({"DOCLIFE_ALLOW_HTTP": "true", **links}, given)


def is_mail_given(given: Mapping[str, str]) -> bool:
    """Return whether somebody says where mail goes."""
    own = ("DOCLIFE_EMAIL_CONNECTION", _variable(MAIL_CONNECTION))
    return any(
        value for name, value in given.items() if name in own or name.startswith(_MAIL_PREFIXES)
    )


def allows_http(settings: Mapping[str, str]) -> bool:
    """Return whether the catcher's receiver, which has no certificate, may be called."""
    return settings.get("DOCLIFE_ALLOW_HTTP", "").strip().lower() in ("true", "1")


def _unless_given(ours: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in ours.items() if not given.get(name)}


def _variable(connection: str) -> str:
    return f"AIRFLOW_CONN_{connection.upper()}"


def _secrets(state: State) -> dict[str, str]:
    """Return the keys of the catcher, made at the first start."""
    known = state.read("catcher-secrets.json") or {}
    wanted = {
        "page_key": secrets.token_urlsafe(16),
        "hook_secret": f"whsec_{base64.b64encode(os.urandom(32)).decode()}",
        "link_key": secrets.token_urlsafe(48),
    }
    if wanted.keys() - known.keys():
        known = {**wanted, **known}
        state.write("catcher-secrets.json", known)
    return known
