"""What people want: digest or not, over which channel, in which language, by whose clock.

Warnings before a deletion are no matter of taste: they come at once, whatever anybody prefers.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from doclife.delivery.plain_text import one_line
from doclife.delivery.recipient import render_recipient
from doclife.delivery.rendering import LOCALES, language_of
from doclife.domain.actions import NotifySettings
from doclife.domain.address import is_address, mailbox_key
from doclife.domain.organization import Organization, is_time_zone
from doclife.errors import ConfigurationError
from doclife.store import audit, preferences
from doclife.store.connection import Connection
from doclife.store.preferences import Preference, Wish

__all__ = ["Preference", "PreferenceChange"]

CHANNELS = ("email", "slack", "notification")
QUIET = ("off", "daily")


@dataclass(frozen=True, kw_only=True)
class PreferenceChange:
    """What a person wants changed over one channel; None leaves a setting as it is.

    :param address: where in Slack: a member's or channel's id, or ``#name``.
    :param quiet: ``daily`` lets notices wait for the digest, ``off`` sends them one by one.
    :param time_zone: by whose clock the digest comes at 08:00; empty for the organization's.
    :param locale: language; empty for the organization's.
    :param quiet_types: types of notifications that the dashboard leaves out.
    """

    channel: str = "email"
    address: str | None = None
    wants_digest: bool | None = None
    quiet: str | None = None
    time_zone: str | None = None
    locale: str | None = None
    quiet_types: Sequence[str] | None = None

    def faults(self) -> list[str]:
        """Say everything that is wrong with it."""
        faults = []
        if self.channel not in CHANNELS:
            faults.append(f"{self.channel!r} is no channel; there are {', '.join(CHANNELS)}")
        if self.quiet not in (None, *QUIET):
            faults.append(f"quiet is {' or '.join(QUIET)}, not {self.quiet!r}")
        if self.time_zone and not is_time_zone(self.time_zone):
            faults.append(
                f"{self.time_zone!r} is not a time zone; write for example Europe/Berlin or UTC"
            )
        if self.locale and self.locale.replace("_", "-").split("-")[0].lower() != language_of(
            self.locale
        ):
            faults.append(f"there are no words in {self.locale!r}; there are {', '.join(LOCALES)}")
        if self.address and self.channel != "slack":
            faults.append("an address goes with the channel slack; a mail address is its own")
        if self.address and self.address != one_line(self.address, length=80):
            faults.append(f"{self.address!r} is no Slack member or channel, such as U0123456789")
        return faults


def show_preferences(
    conn: Connection, *, organization: Organization, recipient: str
) -> list[Preference]:
    """Return what a person wants over each channel; of what they never said, what holds then."""
    key = recipient_key(recipient)
    said = {
        each.channel: each
        for each in preferences.list_of(conn, organization_id=organization.id, recipient=key)
    }
    return [said.get(channel) or _unsaid(key, channel) for channel in CHANNELS]


def change_preferences(
    conn: Connection,
    *,
    organization: Organization,
    recipient: str,
    change: PreferenceChange,
    now: datetime,
    actor: str,
) -> list[Preference]:
    """Keep what a person wants; the same a second time changes nothing. Return all they want.

    :raises ConfigurationError: with everything that is wrong.
    """
    key = recipient_key(recipient)
    faults = change.faults()
    if change.channel in ("email", "slack") and not is_address(key):
        faults.append(f"{recipient!r} is no mail address, by which recipients are known")
    with conn.transaction():
        before = show_preferences(conn, organization=organization, recipient=key)
        if change.channel == "slack" and not (change.address or _address_of(before)):
            faults.append("say where in Slack: a member's id (U...), a channel's (C...) or #name")
        if faults:
            raise ConfigurationError("; ".join(faults))
        preferences.save(
            conn, organization_id=organization.id, recipient=key, settings=asdict(change)
        )
        after = show_preferences(conn, organization=organization, recipient=key)
        if after != before:
            audit.record(
                conn,
                organization_id=organization.id,
                at=now,
                actor=actor,
                action="preference.changed",
                reason=f"what {key} wants over {change.channel}",
                details={"recipient": key, **asdict(change)},
            )
    return after


def wishes_of(
    conn: Connection,
    *,
    organization: Organization,
    settings: NotifySettings,
    documents: Iterable[Mapping[str, Any]],
) -> Mapping[str, Wish]:
    """Return what those want whom a rule tells of documents, by address in small letters.

    One statement for all of them; nothing where the rule sends no mail.
    """
    if settings.channel != "email":
        return {}
    recipients = {organization.fallback_recipient or ""}
    for document in documents:
        with contextlib.suppress(ConfigurationError):  # composing the message says what is wrong
            recipients.add(render_recipient(settings.to, document))
    return preferences.list_of_recipients(
        conn, organization_id=organization.id, recipients=sorted(recipients)
    )


def recipient_key(recipient: str) -> str:
    """Return how a recipient is stored: a mail address in small letters, a user name as it is.

    :raises ConfigurationError: it is empty or more than one line.
    """
    if not recipient.strip() or recipient != one_line(recipient):
        raise ConfigurationError(f"{recipient!r} names nobody: write a mail address or a user name")
    return mailbox_key(recipient) if is_address(recipient) else recipient


def _address_of(known: Sequence[Preference]) -> str | None:
    return next((each.address for each in known if each.channel == "slack"), None)


def _unsaid(recipient: str, channel: str) -> Preference:
    return Preference(
        recipient=recipient,
        channel=channel,
        address=None,
        wants_digest=channel == "email",
        quiet="off",
        time_zone=None,
        locale=None,
        quiet_types=(),
    )
