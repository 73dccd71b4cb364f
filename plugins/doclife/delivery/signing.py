"""Signatures of Standard Webhooks 1.0.0, the symmetric kind (v1, HMAC-SHA256).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable

from doclife.errors import ConfigurationError

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, as the specification bounds them."""


def new_secret() -> str:
    """Return a new signing secret: 32 random bytes."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signing_key(secret: str) -> bytes:
    """Return the bytes of a secret.

    :raises ConfigurationError: it is none; the message does not quote it.
    """
    try:
        if not secret.startswith(PREFIX):
            raise ValueError
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        raise ConfigurationError(
            f"this is no signing secret: it is {PREFIX!r} and base64. Make one with: "
            "doclife endpoints rotate"
        ) from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ConfigurationError(
            f"a signing secret has {SHORTEST} to {LONGEST} bytes, this one has {len(key)}"
        )
    return key


def sign(keys: Iterable[bytes], *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: one signature per key, newest first.

    :param keys: two while a secret is being replaced, so that receivers may change over when they
        like.
    :param timestamp: Unix seconds of this attempt, as in the header ``webhook-timestamp``.
    :param body: exactly the bytes that are sent.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join("v1," + b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
