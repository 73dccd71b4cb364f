"""Keys and passwords of the kinds that a start needs, made by chance."""

from __future__ import annotations

import base64
import os
import secrets


def encryption_key() -> str:
    """Return a key for Fernet, with which Airflow encrypts Connections: 32 bytes."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def signing_key() -> str:
    """Return a private Ed25519 key, as the Connection ``doclife_signing`` holds it: 32 bytes."""
    return base64.b64encode(os.urandom(32)).decode()


def token(size: int) -> str:
    """Return ``size`` random bytes in letters, digits, ``-`` and ``_``: fit for any address."""
    return secrets.token_urlsafe(size)
