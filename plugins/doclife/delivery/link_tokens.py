"""Tokens of links that act without a login: what they are for, about what, and until when.

A token is sealed, not only signed (AES-SIV, RFC 5297): the address of its reader stands in no log
of a proxy. Sealing the same twice gives the same token, so that a mail that is rendered again is
the same mail. Whoever has the key can make links, so it is an Airflow Connection and never a row.
"""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from doclife.connections import Connections
from doclife.errors import ConfigurationError, DoclifeError

CONNECTION = "doclife_links"
MIN_KEY_LENGTH = 32
"""Characters. What ``openssl rand -base64 48`` prints has 64."""
MAX_TOKEN_LENGTH = 600
_VERSION = b"\x01"
_NEVER = 0
_KEY_BYTES = 64  # AES-256-SIV uses two keys of 256 bits


class Purpose(StrEnum):
    """What a link does; a token of one purpose is worth nothing for another."""

    KEEP = "keep"
    UNSUBSCRIBE = "unsubscribe"


class InvalidToken(DoclifeError):
    """It is not ours: cut off, made up, or sealed with a key that is not in use any more."""


class ExpiredToken(InvalidToken):
    """It was ours, and its time is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkKeys:
    """What tokens are sealed with.

    :param newest: seals and opens.
    :param previous: opens only, so that links of mails that are out stay good after a rotation.
    """

    newest: str = field(repr=False)
    previous: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse keys that could be guessed."""
        for key in (self.newest, self.previous):
            if key is not None and len(key) < MIN_KEY_LENGTH:
                raise ConfigurationError(
                    f"a key of the Airflow Connection {CONNECTION!r} is shorter than "
                    f"{MIN_KEY_LENGTH} characters. Make one with: openssl rand -base64 48"
                )

    def seal(self, purpose: Purpose, subject: str, *, expires_at: datetime | None) -> str:
        """Return the token of a link.

        :param expires_at: aware; None for never.
        """
        until = _NEVER if expires_at is None else int(expires_at.timestamp())
        content = _VERSION + until.to_bytes(5, "big") + subject.encode()
        sealed = _cipher(self.newest).encrypt(content, [purpose.encode()])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, purpose: Purpose, token: str, *, now: datetime) -> str:
        """Return what a token is about.

        :raises ExpiredToken: its time is over.
        :raises InvalidToken: neither key sealed it for this purpose.
        """
        content = self._unseal(purpose, token)
        if content[:1] != _VERSION:
            raise InvalidToken
        until = int.from_bytes(content[1:6], "big")
        if until != _NEVER and datetime.fromtimestamp(until, UTC) <= now:
            raise ExpiredToken
        return content[6:].decode()

    def _unseal(self, purpose: Purpose, token: str) -> bytes:
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise InvalidToken
        try:
            sealed = base64.b64decode(
                token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError):
            raise InvalidToken from None
        for key in (self.newest, self.previous):
            if key is not None:
                try:
                    # Compares the tag in constant time.
                    return _cipher(key).decrypt(sealed, [purpose.encode()])
                except (InvalidTag, ValueError):
                    continue
        raise InvalidToken


def read_link_keys(connections: Connections) -> LinkKeys | None:
    """Return the keys of the Connection ``doclife_links``; None without one.

    Its password is the key in use, ``previous_key`` of its extra the one before.

    :raises ConfigurationError: a key is too short, or there is none in it.
    """
    connection = connections(CONNECTION)
    if connection is None:
        return None
    return LinkKeys(newest=connection.password or "", previous=connection.text("previous_key"))


def _cipher(key: str) -> AESSIV:
    derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"doclife links")
    return AESSIV(derived.derive(key.encode()))
