"""Ed25519 signatures (RFC 8032) and the keys they are made with.

The same bytes signed twice with the same key give the same signature. Who verifies does so without
us, with include/proof/doclife_verify.py.
"""

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES = 32
"""What a private key is made of; chance comes from the caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """A private key; it shows itself nowhere.

    :param seed: 32 secret bytes, as RFC 8032 calls the private key.
    :raises ValueError: they are more, or fewer.
    """

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no seed."""
        if len(self.seed) != SEED_BYTES:
            raise ValueError(f"a key has {SEED_BYTES} bytes, not {len(self.seed)}")

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that its signatures are verified with."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """The short name of its public key."""
        return fingerprint(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Return the signature: 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


def key_of_text(text: str) -> SigningKey:
    """Return the key that a secret holds: base64 of its 32 bytes.

    :raises ValueError: it holds none; the message quotes nothing of it.
    """
    try:
        seed = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is no base64") from None
    return SigningKey(seed=seed)


def text_of_key(key: SigningKey) -> str:
    """Return a key as a secret holds it: base64."""
    return base64.b64encode(key.seed).decode()


def fingerprint(public_key: bytes) -> str:
    """Return the SHA-256 of a public key in hexadecimal, for people to compare."""
    return sha256(public_key).hexdigest()
