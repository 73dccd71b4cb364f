"""Reads and writes what people want of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """What a person wants over one channel."""

    recipient: str
    channel: str
    """``email``, ``slack`` or ``notification`` (the dashboard)."""
    address: str | None
    """Where in that channel: a Slack member or channel."""
    wants_digest: bool
    quiet: str
    """``daily``: notices wait for the digest; ``off``: they come one by one."""
    time_zone: str | None
    locale: str | None
    quiet_types: Sequence[str]
    """Types of notifications that are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a recipient wants of single mails."""

    recipient: str
    is_quiet: bool
    """Notices shall wait for the digest."""
    locale: str | None


def list_of(conn: Connection, *, organization_id: int, recipient: str) -> list[Preference]:
    """Return what a person said, by channel; nothing of channels of which they said nothing."""
    parameters = {"organization_id": organization_id, "recipient": recipient}
    return fetch_rows(conn, statement("preferences/list"), parameters, Preference)


def list_of_recipients(
    conn: Connection, *, organization_id: int, recipients: Sequence[str]
) -> dict[str, Wish]:
    """Return what these recipients want of mail, by their addresses in small letters."""
    parameters = {
        "organization_id": organization_id,
        "recipients": [name.lower() for name in recipients],
    }
    found = fetch_rows(conn, statement("preferences/list_of_recipients"), parameters, Wish)
    return {wish.recipient: wish for wish in found}


def save(
    conn: Connection, *, organization_id: int, recipient: str, settings: Mapping[str, object]
) -> None:
    """Keep what a person wants over one channel; a setting that is None stays as it is.

    :param settings: those that preferences/save.sql names.
    """
    conn.execute(
        statement("preferences/save"),
        {"organization_id": organization_id, "recipient": recipient, **settings},
    )
