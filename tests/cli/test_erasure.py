"""doclife erasure, from the request of a person to the answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest


@pytest.fixture
def asked(cli, conn, folder: Path):
    """A person owns two of the documents, and has asked."""
    cli("documents", "import", folder, "--owner", "quokka@example.org")
    conn.execute("UPDATE organizations SET cooling_off_days = 0, max_fraction_per_day = 1")
    conn.execute("UPDATE deployment SET max_fraction_per_day = 1")
    return cli.json("erasure", "request", "--person", "QUOKKA@example.org")


def test_a_request_is_planned_approved_applied_and_closed(cli, conn, asked):
    plan = asked["plan"]["plan_id"]
    assert asked["plan"]["state"] == "needs_approval"
    assert asked["remaining"] == asked["plan"]["document_count"] > 0
    refused = cli("plans", "apply", str(plan), "--yes", exit_code=1)
    assert "waits for approval" in refused.errors
    shown = cli("erasure", "show", "1")
    assert "doclife plans approve" in shown.output
    conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:boss')",
        (plan,),
    )
    conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan,))

    applied = cli.json("plans", "apply", str(plan), "--yes")

    assert applied["settled"]["purged"] == asked["remaining"]
    assert applied["settled"]["closed"] == [1]
    assert cli.json("erasure", "list") == {"requests": []}
    [closed] = cli.json("erasure", "list", "--all")["requests"]
    assert (closed["state"], closed["person"]) == ("closed", None)
    assert closed["erased_count"] == asked["remaining"]
    assert cli("erasure", "show", "7", exit_code=1).errors.count("doclife erasure list") == 1


def test_what_follows_a_purge_and_could_not_be_done_has_one_exit_code(cli, conn, asked, tmp_path):
    plan = asked["plan"]["plan_id"]
    archive = tmp_path / "archive-without-marker"
    archive.mkdir()
    cli("stores", "register", "archive", archive)
    for marker in archive.iterdir():
        marker.unlink()
    conn.execute(
        "INSERT INTO plan_decisions (plan_id, decision, decided_by)"
        " VALUES (%s, 'approve', 'user:boss')",
        (plan,),
    )
    conn.execute("UPDATE plans SET state = 'approved' WHERE id = %s", (plan,))

    told = cli("plans", "apply", str(plan), "--yes", exit_code=3)

    assert "purge manifest(s) are not in store" in told.errors
    assert "purge manifest(s) are not in store" in cli("erasure", "settle", exit_code=3).errors


def test_late_requests_say_so_and_an_answer_closes_one(cli, conn, asked):
    conn.execute("UPDATE erasure_requests SET due_on = '2020-01-01'")
    assert "late" in cli("erasure", "list").output
    refused = cli("erasure", "close", "1", exit_code=1)
    assert "is open" in refused.errors
    conn.execute("UPDATE plans SET state = 'superseded'")

    cli("erasure", "close", "1")

    assert cli.json("erasure", "show", "1")["request"]["kept_count"] == asked["remaining"]


def test_nothing_to_settle_and_nothing_to_replay_is_said(cli, folder):
    cli("documents", "import", folder)
    assert cli.json("erasure", "settle")["faults"] == []
    assert "Nothing was left to do." in cli("erasure", "settle").output
    assert "nothing came back" in cli("erasure", "replay").output


def test_adopting_tells_of_purges_that_the_database_does_not_know(cli, conn, folder, tmp_path):
    cli("documents", "import", folder)
    archive = tmp_path / "archive-of-manifests"
    archive.mkdir()
    cli("stores", "register", "archive", archive)
    manifest = archive / "purges" / "default" / "9-0123456789abcdef.jsonl"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    conn.execute("UPDATE deployment SET cluster_identity = 'another'")

    told = cli("adopt", "--takes-over", "--yes")

    assert "1 purge manifest(s) are newer" in told.output
    assert "doclife erasure replay" in told.output
    assert "somebody changed it" in cli("erasure", "replay", exit_code=1).errors
    content = b'{"documents":0,"format":1,"organization":"gone","plan":9}\n'
    manifest.unlink()
    digest = hashlib.sha256(content).hexdigest()[:16]
    manifest.with_name(f"9-{digest}.jsonl").write_bytes(content)
    unknown = cli("erasure", "replay", exit_code=3).errors
    assert "organization 'gone', which this database does not have" in " ".join(unknown.split())
