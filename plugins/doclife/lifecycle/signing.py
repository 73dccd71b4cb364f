"""The key that signs what leaves this deployment as proof, and the public keys it ever had."""

from datetime import datetime

from doclife.connections import Connections
from doclife.domain.signature import SigningKey, key_of_text
from doclife.errors import ConfigurationError
from doclife.store import signing_keys
from doclife.store.connection import Connection

CONNECTION = "doclife_signing"
NO_KEY = (
    f"nothing can be signed: there is no Airflow Connection {CONNECTION!r}. Make one with the "
    "value that is printed by: doclife signing-key new"
)


def read_signing_key(connections: Connections) -> SigningKey | None:
    """Return the key of the Connection ``doclife_signing``; None without one.

    :raises ConfigurationError: what its password holds is no key.
    """
    connection = connections(CONNECTION)
    if connection is None:
        return None
    try:
        return key_of_text(connection.password or "")
    except ValueError as error:
        raise ConfigurationError(
            f"the password of the Airflow Connection {CONNECTION!r} is no key: {error}. "
            "Make one with: doclife signing-key new"
        ) from None


def require_signing_key(connections: Connections) -> SigningKey:
    """Return the key of the Connection ``doclife_signing``.

    :raises ConfigurationError: there is none, or it is no key.
    """
    key = read_signing_key(connections)
    if key is None:
        raise ConfigurationError(NO_KEY)
    return key


def publish_key(conn: Connection, key: SigningKey, *, now: datetime) -> str:
    """Keep the public key in the catalogue, and return its fingerprint.

    Call it in the transaction that stores what the key has signed: a signature without its public
    key would prove nothing after a rotation. A key that is known already stays as it is.
    """
    signing_keys.keep(
        conn, fingerprint=key.fingerprint, public_key=key.public_key, first_used_at=now
    )
    return key.fingerprint
