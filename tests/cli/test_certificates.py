"""doclife certificates: issued, shown, carried away and verified."""

from __future__ import annotations

import json
from dataclasses import replace

import psycopg
import pytest


@pytest.fixture
def destroyed(acme, plan_id, tmp_path):
    """Three notes were purged; the command line with a key, and the number of the purge."""
    value = acme.json("signing-key", "new")["value"]
    cli = replace(acme, environment={**acme.environment, "AIRFLOW_CONN_DOCLIFE_SIGNING": value})
    cli("stores", "register", "archive", made(tmp_path / "archive"))
    cli("stores", "backups", "files", "--expire-after-days", "35")
    cli("plans", "apply", plan_id, "--yes")
    with psycopg.connect(acme.database, autocommit=True) as owner:
        owner.execute("UPDATE doclife.documents SET purge_after = CURRENT_DATE - 1")
    [purge] = [
        plan["plan_id"]
        for plan in cli.json("plans", "create", "--purges")["plans"]
        if (plan["organization"], plan["kind"]) == ("acme", "purge")
    ]
    cli("plans", "apply", str(purge), "--yes")
    return cli, str(purge)


def made(folder):
    folder.mkdir()
    return folder


def test_a_certificate_is_issued_listed_shown_exported_and_verified(destroyed, tmp_path, capfd):
    cli, purge = destroyed
    issued = cli.json("certificates", "issue")["issued"]
    assert (issued["plan_ids"], issued["written"]) == ([int(purge)], 1)
    assert cli.json("certificates", "issue")["issued"]["plan_ids"] == []

    (listed,) = cli.json("certificates", "list")["certificates"]
    assert (listed["number"], listed["certificate"]["documents"]) == (int(purge), 3)
    assert listed["file"].endswith(f"/certificates/acme/{purge}.json")
    assert "files" in cli("certificates", "show", purge).output
    (store,) = listed["certificate"]["stores"]
    assert (store["store"], store["backups_expire_after_days"]) == ("files", 35)

    file, paper = tmp_path / "certificate.json", tmp_path / "certificate.pdf"
    cli("certificates", "export", purge, "--json", file, "--pdf", paper)
    assert paper.read_bytes().startswith(b"%PDF-")
    written = tmp_path / "archive" / "certificates" / "acme" / f"{purge}.json"
    assert file.read_bytes() == written.read_bytes()

    key = listed["certificate"]["signing_key"]
    cli("certificates", "verify", file, "--key", "00" * 32, "--key", key)
    assert "All of it fits." in capfd.readouterr().out
    cli("certificates", "verify", file, "--key", "00" * 32, exit_code=1)
    assert "IT DOES NOT FIT." in capfd.readouterr().out


def test_one_document_is_proven_to_whoever_knows_its_name(destroyed, tmp_path, capfd):
    cli, purge = destroyed
    cli("certificates", "issue")
    proof = tmp_path / "proof.json"

    cli("certificates", "prove", purge, "--external-id", "files/a.txt", "--file", proof)

    assert len(json.loads(proof.read_text())["path"]) in (1, 2)
    cli("certificates", "verify", proof, "--external-id", "files/a.txt")
    assert "All of it fits." in capfd.readouterr().out
    cli("certificates", "verify", proof, "--external-id", "files/b.txt", exit_code=1)
    assert "other_document" in capfd.readouterr().out


def test_what_has_no_certificate_is_said_to_have_none(destroyed):
    cli, purge = destroyed

    assert "has no certificate" in cli("certificates", "show", purge, exit_code=1).errors
    assert "is in no certificate" in (
        cli("certificates", "prove", purge, "--document", "99", exit_code=1).errors
    )
    assert cli.json("certificates", "list")["certificates"] == []


def test_without_a_key_nothing_is_issued(destroyed):
    cli, _ = destroyed
    without = replace(cli, environment={"DOCLIFE_ORGANIZATION": "acme"})

    assert "signing-key new" in without("certificates", "issue", exit_code=1).errors
