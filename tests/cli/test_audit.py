"""doclife audit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from local.postgres import Postgres

from .conftest import Cli


@pytest.fixture
def signed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sign with a new key, into an archive store; the key's fingerprint."""
    made = cli.json("signing-key", "new")
    monkeypatch.setenv("AIRFLOW_CONN_DOCLIFE_SIGNING", made["value"])
    (tmp_path / "archive").mkdir()
    cli("stores", "register", "archive", tmp_path / "archive")
    assert cli.json("audit", "sign")["signed"] == {"signed": 1, "written": 1, "unsigned": 0}
    return str(made["fingerprint"])


def test_a_chain_is_verified_exported_and_verified_again_without_doclife(
    cli: Cli, signed: str, tmp_path: Path
) -> None:
    found = cli.json("audit", "verify", "--heads", tmp_path / "archive/heads", "--key", signed)
    cli("audit", "export", "--out", tmp_path / "audit.jsonl")
    (tmp_path / "verify.py").write_text(cli("audit", "verifier").output)

    result = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "audit", "audit.jsonl", "--key", signed],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (found["verification"]["fits"], found["verification"]["heads"]) == (True, 1)
    assert "All of it fits." in result.stdout
    assert "All of it fits." in cli("audit", "verify").output
    assert cli.json("audit", "verify", "--key", "00" * 32, "--key", signed.upper())["verification"][
        "fits"
    ]


def test_what_does_not_fit_is_named_with_exit_code_1(
    cli: Cli, conn: psycopg.Connection, postgres: Postgres, signed: str, tmp_path: Path
) -> None:
    with psycopg.connect(postgres.url(conn.info.dbname), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE doclife.audit_entries SET actor = 'cli:eve'")

    assert "edited: entry" in cli("audit", "verify", exit_code=1).output
    assert "forged" in cli("audit", "verify", "--key", "00" * 32, exit_code=1).output


def test_heads_are_listed_and_taken_along(cli: Cli, signed: str, tmp_path: Path) -> None:
    (head,) = cli.json("audit", "heads", "--out", tmp_path / "taken")["heads"]
    (file,) = (tmp_path / "taken").iterdir()

    assert head["signing_key"] == signed
    assert json.loads(file.read_text())["record"] == "head"
    assert cli.json("audit", "verify", "--heads", file)["verification"]["fits"]
    assert signed[:16] in cli("audit", "heads").output


def test_without_a_key_signing_says_how_to_make_one(cli: Cli) -> None:
    assert "doclife signing-key new" in cli("audit", "sign", exit_code=1).errors
