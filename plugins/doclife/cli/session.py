"""One invocation: who runs it, on which database, for which organization."""

import getpass
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import typer

from doclife.cli.output import Output, warn
from doclife.connections import Connections, from_environment
from doclife.delivery.links import Links, read_links
from doclife.domain.decision_moment import read_moment
from doclife.domain.organization import Organization
from doclife.errors import RefusedError
from doclife.lifecycle.stores import Options, open_stores
from doclife.settings import Settings, read_settings
from doclife.storage.credentials import credentials
from doclife.storage.stores import Stores
from doclife.store import clock, organizations
from doclife.store.connection import Connection, connect

DAG_ID = "cli"
"""Stands where a plan names the DAG that asked for it."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """What every command works with."""

    conn: Connection
    output: Output
    settings: Settings
    organization: str
    """Short name of the organization that the command is about."""
    run_id: str
    actor: str
    """``cli:<os user>``, as in the audit trail."""

    def now(self) -> datetime:
        """Return the present by the database's clock."""
        return clock.present(self.conn)

    def tenant(self) -> Organization:
        """Return the organization with its settings."""
        return organizations.find(self.conn, self.organization)

    def none(self, what: str) -> str:
        """Return what an empty list says; ``what`` begins the sentence, such as *No documents*."""
        return f"{what} in organization {self.organization}. Another one: -o NAME"

    def connections(self) -> Connections:
        """Return what finds Airflow Connections: ``AIRFLOW_CONN_...`` variables."""
        return from_environment(os.environ)

    def links(self) -> Links:
        """Return where messages lead, by the environment; says what is wrong with public links."""
        links = read_links(os.environ, connections=self.connections())
        if links.fault:
            warn(f"Messages have no public links: {links.fault}")
        return links

    def credentials(self) -> Options:
        """Return what finds the credentials of stores, from the same variables."""
        return credentials(self.connections())

    def stores(self) -> Stores:
        """Return the stores, with their credentials."""
        return open_stores(self.conn, options=self.credentials())

    def moment(self, as_of: str | None) -> datetime:
        """Return the decision moment that ``--as-of`` names in the organization's zone.

        A day means its end, so that all of it has happened; today means now.

        :raises ConfigurationError: the text is neither a day nor a moment.
        """
        now = self.now()
        return now if as_of is None else read_moment(as_of, tenant=self.tenant(), now=now)


@contextmanager
def session(
    *, as_json: bool, organization: str | None = None, run_id: str | None = None
) -> Iterator[Session]:
    """Open a session on the configured database for the length of a command."""
    settings = read_settings(os.environ)
    conn = connect(settings.require_database(), application_name="doclife cli")
    with conn:
        yield Session(
            conn=conn,
            output=Output(as_json=as_json),
            settings=settings,
            organization=organization or settings.organization,
            run_id=run_id or new_run_id(clock.present(conn)),
            actor=actor(),
        )


def actor() -> str:
    """Return who is at the keyboard, as the operating system knows them."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user need not have a name
        return f"cli:{os.getuid()}"


def new_run_id(now: datetime) -> str:
    """Return a name for this run that no other has, e.g. ``cli__2026-11-22T21:00:00Z__1f0c9a``."""
    return f"cli__{now:%Y-%m-%dT%H:%M:%SZ}__{secrets.token_hex(3)}"


def read_day(text: str, *, name: str) -> date:
    """Return the date that an option holds, or refuse the usage."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no date: write for example 2027-01-31", param_hint=name
        ) from None


def confirm(question: str, *, yes: bool) -> None:
    """Let a person think twice.

    :raises RefusedError: they said no, or nobody is there to ask and ``--yes`` was not given.
    """
    if yes:
        return
    if not typer.get_text_stream("stdin").isatty():
        raise RefusedError(
            f"{question} Nobody is at the terminal to say so: add --yes to do it. Nothing was done."
        )
    if not typer.confirm(question, err=True):
        raise RefusedError("Nothing was done.")
