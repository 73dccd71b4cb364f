"""Signatures of Standard Webhooks 1.0.0, the symmetric kind (v1, HMAC-SHA256).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from doclife.errors import ConfigurationError

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, as the specification bounds them."""


def new_secret() -> str:
    """Return a new signing secret: 32 random bytes."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signing_key(secret: str) -> HMAC:
    """Return what signs with a secret, made once for all messages of an endpoint.

    What a key brings with it is half of the cost of a signature of 1 kB.

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
    return HMAC(key, SHA256())


def sign(keys: Iterable[HMAC], *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: one signature per key, newest first.

    :param keys: two while a secret is being replaced, so that receivers may change over when they
        like.
    :param timestamp: Unix seconds of this attempt, as in the header ``webhook-timestamp``.
    :param body: exactly the bytes that are sent.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join([f"v1,{_signature(key, content)}" for key in keys])


def _signature(key: HMAC, content: bytes) -> str:
    begun = key.copy()
    begun.update(content)
    return b64encode(begun.finalize()).decode()
