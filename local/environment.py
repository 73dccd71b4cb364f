"""The environment of Airflow's components: settings, keys, connections and users."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from zoneinfo import available_timezones

from local import databases, keys
from local.errors import LocalError
from local.state import ROOT, State

# Airflow's roles, least first: viewer, user, op, admin. There is no mode without login: who did
# what must be true.
USERS = {"admin": "admin", "officer": "op", "clerk": "user", "viewer": "viewer"}

SIGNING_CONNECTION = "doclife_signing"


def load_secrets(state: State) -> dict[str, str]:
    """Return keys and passwords, made at the first start.

    All components must share them. Left to itself, each would write its own into airflow.cfg.
    """
    known = state.read("secrets.json") or {}
    wanted = {
        "fernet_key": keys.encryption_key(),
        "jwt_secret": keys.token(64),
        "api_secret_key": keys.token(48),
        "signing_key": keys.signing_key(),
        **{f"password_{login}": keys.token(24) for login in databases.LOGINS},
    }
    if wanted.keys() - known.keys():
        known = {**wanted, **known}
        state.write("secrets.json", known)
    return known


def signing_setting(
    state: State, given: Mapping[str, str], *, connections: Collection[str] = ()
) -> dict[str, str]:
    """Return the Connection with the key that proof is signed with, unless somebody has their own.

    :param connections: ids of the Connections in Airflow's own database.
    """
    if given.get(f"AIRFLOW_CONN_{SIGNING_CONNECTION.upper()}") or SIGNING_CONNECTION in connections:
        return {}
    key = {"conn_type": "generic", "password": load_secrets(state)["signing_key"]}
    return {f"AIRFLOW_CONN_{SIGNING_CONNECTION.upper()}": json.dumps(key)}


def load_logins(state: State) -> dict[str, str]:
    """Return the password of every user of the Airflow UI, made at the first start."""
    known = state.read("logins.json") or {}
    if USERS.keys() - known.keys():
        known = {**{user: keys.token(9) for user in USERS}, **known}
        state.write("logins.json", known)
    return known


def airflow_environment(
    state: State,
    *,
    port: int,
    metadata_url: str,
    tasks_url: str,
    variables: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment every component is started with.

    :param tasks_url: the document catalogue, as tasks and dashboard log in to it.
    :param variables: what else is set: where deliveries go, the key that proof is signed with.
    """
    own = load_secrets(state)
    load_logins(state)
    address = f"http://127.0.0.1:{port}"
    settings = {
        "core": {
            "dags_folder": str(ROOT / "dags"),
            "plugins_folder": str(ROOT / "plugins"),
            "load_examples": "False",
            "executor": "LocalExecutor",
            "default_timezone": time_zone(os.environ),
            "parallelism": os.environ.get("PARALLELISM", "8"),
            "dags_are_paused_at_creation": "False",
            "fernet_key": own["fernet_key"],
            # Tasks report here; the default says 8080 whatever the port.
            "execution_api_server_url": f"{address}/execution/",
            "simple_auth_manager_users": ",".join(f"{u}:{role}" for u, role in USERS.items()),
            "simple_auth_manager_passwords_file": str(state.folder / "logins.json"),
        },
        "database": {"sql_alchemy_conn": metadata_url},
        "api": {
            "host": "127.0.0.1",
            "port": str(port),
            "base_url": address,
            "secret_key": own["api_secret_key"],
            "workers": "1",
        },
        "api_auth": {"jwt_secret": own["jwt_secret"]},
        "logging": {
            "base_log_folder": str(state.logs / "tasks"),
            "dag_processor_child_process_log_directory": str(state.logs / "dag-files"),
        },
        "scheduler": {
            # Seconds. 0.3 s instead of 1.1 s between two tasks of a run.
            "scheduler_idle_sleep_time": "0.2",
            # A killed task is noticed after a minute instead of five.
            "task_instance_heartbeat_timeout": "60",
        },
        # Seconds until a new DAG file is seen (default 300).
        "dag_processor": {"refresh_interval": "10"},
    }
    return {
        **_inherited(),
        **variables,
        **{
            f"AIRFLOW__{section.upper()}__{name.upper()}": value
            for section, options in settings.items()
            for name, value in options.items()
        },
        "AIRFLOW_HOME": str(state.airflow_home),
        "AIRFLOW_CONN_DOCUMENTS": tasks_url,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        # A company's proxy must not stand between a task and its own machine.
        "NO_PROXY": _with_loopback(os.environ.get("NO_PROXY", "")),
        "no_proxy": _with_loopback(os.environ.get("no_proxy", "")),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


def time_zone(env: Mapping[str, str]) -> str:
    """Return the zone in which the nights come: TIME_ZONE, else UTC."""
    name = env.get("TIME_ZONE") or "UTC"
    if name not in available_timezones():
        raise LocalError(f"TIME_ZONE={name!r} is no time zone. Give one such as Europe/Berlin.")
    return name


def _inherited() -> dict[str, str]:
    """Return the shell's variables without settings made there for another Airflow."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AIRFLOW__") and name not in ("AIRFLOW_CONFIG", "AIRFLOW_HOME")
    }


def _with_loopback(hosts: str) -> str:
    return ",".join(filter(None, [hosts, "127.0.0.1", "localhost"]))
