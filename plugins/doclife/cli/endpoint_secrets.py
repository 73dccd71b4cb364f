"""Hands a new signing secret to the person who gives it to Airflow: shown once, or in a file.

The command line cannot write Airflow Connections, and the database never holds a secret.
"""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doclife.cli.session import Session
from doclife.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """What an endpoint's Connection is to hold."""

    connection_id: str
    current: str = field(repr=False)
    previous: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def connection(self) -> dict[str, Any]:
        """Return the Connection as Airflow's JSON."""
        extra = {name: value for name, value in self.extra.items() if name != "previous_secret"}
        if self.previous is not None:
            extra["previous_secret"] = self.previous
        return {"conn_type": "http", "password": self.current, "extra": extra}


def hand_over(
    s: Session, document: dict[str, Any], secret: Secret, said: str, *, file: Path | None
) -> None:
    """Print what was done and the commands that give the secret to Airflow.

    :param file: write the Connection there instead, for ``airflow connections import``; it must
        not be there yet (``refuse_existing``).
    """
    name = secret.connection_id
    if file is not None:
        _write(file, {name: secret.connection()})
        command = f"airflow connections import --overwrite {shlex.quote(str(file))}"
        s.output.show(
            {**document, "connection_id": name, "connection_file": str(file)},
            people=lambda: s.output.say(
                f"{said}\nGive its secret to Airflow with\n\n    {command}\n\nand remove the file."
            ),
        )
        return
    text = json.dumps(secret.connection())

    def people() -> None:
        s.output.say(said)
        s.output.say(
            "Its signing secret, for Airflow and for the receiver, is shown this once:\n\n"
            f"    {secret.current}\n\n"
            "Give it to Airflow with\n\n"
            f"    airflow connections delete {name}; "
            f"airflow connections add {name} --conn-json {shlex.quote(text)}\n\n"
            "or, where Connections come from the environment,\n\n"
            f"    AIRFLOW_CONN_{name.upper()}={shlex.quote(text)}"
        )

    s.output.show(
        {**document, "connection_id": name, "connection": secret.connection()}, people=people
    )


def refuse_existing(file: Path | None) -> None:
    """Refuse a file that is there, before anything is done."""
    if file is not None and file.exists():
        raise ConfigurationError(f"{file} exists; a secret is not written over a file")


def _write(file: Path, document: dict[str, Any]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=2)
