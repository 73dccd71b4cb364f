"""doclife signing-key."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from doclife.connections import from_environment
from doclife.errors import ConfigurationError
from doclife.lifecycle import signing
from doclife.store.connection import connect

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)


def test_a_new_key_is_printed_as_a_connection_that_signs(cli, conn, monkeypatch):
    made = cli.json("signing-key", "new")
    monkeypatch.setenv("AIRFLOW_CONN_DOCLIFE_SIGNING", made["value"])
    key = signing.require_signing_key(from_environment({made_name(): made["value"]}))

    (shown,) = cli.json("signing-key", "show")["signing_keys"]

    assert (shown["fingerprint"], shown["public_key"]) == (made["fingerprint"], made["public_key"])
    assert (shown["is_in_use"], shown["first_used_at"]) == (True, None)
    assert key.fingerprint == made["fingerprint"]
    assert cli.json("signing-key", "new")["fingerprint"] != made["fingerprint"]


def test_the_public_key_stays_when_the_key_is_replaced(cli, conn, monkeypatch):
    old, new = cli.json("signing-key", "new"), cli.json("signing-key", "new")
    for made in (old, old):
        key = signing.require_signing_key(from_environment({made_name(): made["value"]}))
        signing.publish_key(conn, key, now=NOW)
    conn.commit()
    monkeypatch.setenv("AIRFLOW_CONN_DOCLIFE_SIGNING", new["value"])

    shown = cli.json("signing-key", "show")["signing_keys"]

    assert [(one["fingerprint"], one["is_in_use"]) for one in shown] == [
        (old["fingerprint"], False),
        (new["fingerprint"], True),
    ]


def test_a_public_key_is_never_changed_or_removed(conn, database):
    made = signing.SigningKey(seed=b"\x07" * 32)
    signing.publish_key(conn, made, now=NOW)
    conn.commit()
    with connect(database, application_name="test") as other:
        for query in (
            "DELETE FROM signing_keys",
            "UPDATE signing_keys SET public_key = sha256(public_key)",
            "TRUNCATE signing_keys CASCADE",
        ):
            with pytest.raises(psycopg.errors.RestrictViolation):
                other.execute(query)
            other.rollback()


def test_without_a_key_or_with_a_wrong_one_it_is_said_how_to_make_one():
    with pytest.raises(ConfigurationError, match="doclife signing-key new"):
        signing.require_signing_key(from_environment({}))
    wrong = '{"conn_type": "generic", "password": "hunter2"}'
    with pytest.raises(ConfigurationError, match="doclife signing-key new") as refused:
        signing.require_signing_key(from_environment({made_name(): wrong}))
    assert "hunter2" not in str(refused.value)


def made_name() -> str:
    return "AIRFLOW_CONN_DOCLIFE_SIGNING"
