"""doclife signing-key: what certificates and the head of the audit chain are signed with."""

import json
import secrets

import typer

from doclife.cli.options import Json
from doclife.cli.output import Output
from doclife.cli.session import session
from doclife.domain.signature import SEED_BYTES, SigningKey, text_of_key
from doclife.lifecycle.signing import CONNECTION, read_signing_key
from doclife.store import signing_keys

app = typer.Typer(no_args_is_help=True, help="The key that proof is signed with.")


@app.command()
def new(as_json: Json = False) -> None:
    """Make a key and print it as the value of an Airflow Connection; nothing is stored."""
    key = SigningKey(seed=secrets.token_bytes(SEED_BYTES))
    value = json.dumps({"conn_type": "generic", "password": text_of_key(key)})
    output = Output(as_json=as_json)

    def people() -> None:
        output.say(f"Airflow Connection {CONNECTION}, as AIRFLOW_CONN_{CONNECTION.upper()}:")
        output.say(value)
        output.say(
            f"Its public key has the fingerprint {key.fingerprint}. Give that to auditors now, on "
            "another way than the certificates. Whoever has the value above can sign for you."
        )

    output.show(
        {
            "connection": CONNECTION,
            "value": value,
            "public_key": key.public_key.hex(),
            "fingerprint": key.fingerprint,
        },
        people=people,
    )


@app.command()
def show(as_json: Json = False) -> None:
    """Show the public key in use, and those that anything was ever signed with."""
    with session(as_json=as_json) as s:
        key = read_signing_key(s.connections())
        known = signing_keys.list_all(s.conn)
        used = {one.fingerprint for one in known}
        keys = [
            {
                "fingerprint": one.fingerprint,
                "public_key": one.public_key.hex(),
                "first_used_at": one.first_used_at,
                "is_in_use": key is not None and one.fingerprint == key.fingerprint,
            }
            for one in known
        ]
        if key is not None and key.fingerprint not in used:
            keys.append(
                {
                    "fingerprint": key.fingerprint,
                    "public_key": key.public_key.hex(),
                    "first_used_at": None,
                    "is_in_use": True,
                }
            )
        s.output.show(
            {"signing_keys": keys},
            people=lambda: s.output.table(
                ("fingerprint", "public key", "first used", "in use"),
                [
                    (
                        one["fingerprint"],
                        one["public_key"],
                        one["first_used_at"],
                        "yes" if one["is_in_use"] else "",
                    )
                    for one in keys
                ],
                empty=f"No key. Make one with: doclife signing-key new ({CONNECTION})",
            ),
        )
