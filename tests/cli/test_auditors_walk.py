"""The auditor's walk of docs/trust.md: destroyed by rule, and verified with files alone.

Typed as it is written. Only the clerk's answer does not come through Airflow here: it is recorded
as the task records it that has read it there (tests/e2e/test_reviews.py goes the whole way).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .conftest import Cli

AUDITED = ("-o", "audited")
RULE = """organization: audited
metadata_fields: {ended_on: date}
rules:
  - name: contracts-over
    authority: Schedule FIN-03
    {mode}review: {stages: [records]}
    grace: 0d
    trigger: {type: ON_SCHEDULE}
    when: {field: document_type, op: eq, value: contract}
    retain: {for: 10y, after: metadata.ended_on}
    actions: [{do: DELETE}]
"""
ENDED = {"lease": "2012-06-30", "cleaning": "2014-12-31", "catering": "2014-09-01"}
VERIFICATIONS = (
    ("certificate", "certificate.json"),
    ("inclusion", "proof.json", "--title", "Contract of the cleaning"),
    ("audit", "audit.jsonl", "--heads", "heads"),
)


@pytest.fixture
def contracts(
    cli: Cli, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An organization with three contracts that are long over, a key and an archive store."""
    monkeypatch.setenv("AIRFLOW_CONN_DOCLIFE_SIGNING", cli.json("signing-key", "new")["value"])
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1")
    cli(
        *("organizations", "add", "audited", "--max-fraction-per-day", "1"),
        *("--cooling-off-days", "0", "--reprieve-days", "0"),
    )
    cli("documents", "declare-field", "ended_on", "date", *AUDITED)
    lines = ["path,external_id,title,document_type,metadata.ended_on"]
    for folder in ("archive", "contracts"):
        (tmp_path / folder).mkdir()
        cli("stores", "register", folder, tmp_path / folder)
    for name, ended_on in ENDED.items():
        (tmp_path / "contracts" / name).write_text(name)
        lines.append(f"contracts/{name},{name},Contract of the {name},contract,{ended_on}")
    manifest = tmp_path / "contracts.csv"
    manifest.write_text("\n".join(lines) + "\n")
    cli("documents", "import", manifest, *AUDITED)
    return tmp_path


def test_an_auditor_verifies_what_was_destroyed_with_files_alone(
    cli: Cli, conn: psycopg.Connection, contracts: Path
) -> None:
    # Rule and simulation.
    rule = contracts / "contracts.yaml"
    rule.write_text(RULE.replace("{mode}", ""))
    cli("rules", "apply", rule)
    previewed = cli.json("rules", "preview", "contracts-over", *AUDITED)
    assert {item["external_id"] for item in previewed["items"]} == set(ENDED)
    rule.write_text(RULE.replace("{mode}", "mode: enforce\n    "))
    cli("rules", "apply", rule)

    # Review, partial hold, apply.
    first = planned(cli)
    cli(
        *("plans", "decide", str(first), "--document", "lease", "--hold", "Case 12"),
        *("--comment", "the landlord has sued"),
    )
    assert "waits for approval" in cli("plans", "apply", str(first), "--yes", exit_code=1).errors
    approve_and_apply(cli, conn, first)
    assert status(conn) == {"lease": "active", "cleaning": "deleted", "catering": "deleted"}

    # Undo, apply again, purge.
    cli("plans", "undo", str(first))
    assert set(status(conn).values()) == {"active"}
    approve_and_apply(cli, conn, planned(cli))
    purges = cli.json("plans", "create", "--purges")["plans"]
    [purge] = [str(plan["plan_id"]) for plan in purges if plan["document_count"]]
    cli("plans", "apply", purge, "--yes")
    assert status(conn) == {"lease": "active", "cleaning": "purged", "catering": "purged"}

    # Carried away.
    away = contracts / "away"
    away.mkdir()
    cli("certificates", "issue")
    cli("audit", "sign")
    row = conn.execute("SELECT min(document_id) FROM certificate_items").fetchone()
    assert row is not None
    cli("certificates", "export", purge, "--json", away / "certificate.json")
    cli("certificates", "prove", purge, "--document", str(row[0]), "--file", away / "proof.json")
    cli("audit", "export", "--out", away / "audit.jsonl", *AUDITED)
    cli("audit", "heads", "--out", away / "heads", *AUDITED)
    (away / "doclife_verify.py").write_text(cli("audit", "verifier").output)
    key = cli.json("signing-key", "show")["signing_keys"][0]["fingerprint"]

    # Verified without doclife.
    for kind, file, *options in VERIFICATIONS:
        found = verified(away, kind, file, *options, "--key", key)
        assert (found["fits"], found["findings"]) == (True, [])

    # Tampered.
    certificate = (away / "certificate.json").read_text()
    assert "signature" in tampered(away, "certificate", certificate.replace("FIN-03", "FIN-99"))
    proof = json.loads((away / "proof.json").read_text())
    proof["item"]["sha256"] = "0" * 64
    assert tampered(away, "inclusion", json.dumps(proof)) == {"changed"}
    trail = (away / "audit.jsonl").read_text()
    edited = trail.replace("document.purged", "document.restored", 1)
    assert tampered(away, "audit", edited) == {"edited"}
    held = next(line for line in trail.splitlines(True) if r"\"document.held\"" in line)
    assert tampered(away, "audit", trail.replace(held, "")) == {"removed"}


def planned(cli: Cli) -> int:
    [plan] = cli.json("plans", "create", "--rule", "contracts-over", *AUDITED)["plans"]
    assert plan["state"] == "needs_approval"
    return int(plan["plan_id"])


def approve_and_apply(cli: Cli, conn: psycopg.Connection, plan_id: int) -> None:
    conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:clerk')",
        (plan_id,),
    )
    conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan_id,))
    cli("plans", "apply", str(plan_id), "--yes")


def status(conn: psycopg.Connection) -> dict[str, str]:
    """Return where each contract is; a tombstone has no other name than its number."""
    found = conn.execute("SELECT status FROM documents ORDER BY id").fetchall()
    return {name: state for name, (state,) in zip(ENDED, found, strict=True)}


def verified(away: Path, kind: str, file: str, *options: str) -> dict[str, Any]:
    """Let the auditors' program judge, in a Python without packages."""
    result = subprocess.run(
        [sys.executable, "-I", "-S", "doclife_verify.py", kind, file, *options, "--json"],
        cwd=away,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def tampered(away: Path, kind: str, text: str) -> set[str]:
    """Return what the program calls that which was done to a copy."""
    (away / "copy").write_text(text)
    found = verified(away, kind, "copy")
    assert found["fits"] is False
    return {one["kind"] for one in found["findings"]}
