"""doclife rules lint."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from local.state import ROOT

RULES = ROOT / "include" / "rules"


@pytest.fixture
def hasty(tmp_path: Path) -> Path:
    file = tmp_path / "hasty.yaml"
    file.write_text(
        "organization: acme\n"
        "metadata_fields: {signed_on: date}\n"
        "rules:\n"
        "  - name: hasty\n"
        "    trigger: {type: ON_SCHEDULE}\n"
        "    when: {field: document_type, op: eq, value: note}\n"
        "    retain: {for: 1y, after: metadata.signed_on}\n"
        "    warn: [7d]\n"
        "    grace: 0d\n"
        "    actions: [{do: DELETE}]\n"
    )
    return file


def test_linting_needs_no_database(cli, hasty):
    away = type(cli)("postgresql://nobody@127.0.0.1:1/none")

    assert away.json("rules", "lint", RULES / "examples.yaml") == {"clean": True, "findings": []}
    report = away.json("rules", "lint", hasty, exit_code=1)

    (found,) = report["findings"]
    assert (found["code"], found["severity"], found["line"]) == ("no-grace", "warning", 9)
    assert (found["file"], found["rule"]) == (str(hasty), "hasty")


def test_what_is_found_is_told_with_place_reason_and_remedy(cli, hasty):
    told = cli("rules", "lint", hasty, exit_code=1).output

    assert f"{hasty}:9: warning no-grace" in told
    assert "rule hasty: a DELETE without a grace period" in told
    assert "a mistake cannot be undone" in told
    assert "1 file: 1 warning" in told


def test_files_are_one_set_of_rules_unless_they_are_of_different_organizations(cli, tmp_path):
    for name, organization in (("one", "acme"), ("two", "acme"), ("three", "other")):
        (tmp_path / f"{name}.yaml").write_text(
            f"organization: {organization}\nrules:\n"
            f"  - name: {name}\n    trigger: {{type: ON_EXPIRATION}}\n"
            "    actions: [{do: ARCHIVE}]\n"
        )

    def found(*names: str) -> list[str]:
        files = [tmp_path / f"{name}.yaml" for name in names]
        expected = 1 if "two" in names else 0
        report = cli.json("rules", "lint", *files, exit_code=expected)
        return [one["code"] for one in report["findings"]]

    assert found("one", "two") == ["always-outranked"]
    assert found("one", "three") == []


def test_every_fault_of_every_file_comes_first(cli, hasty, tmp_path):
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text("rules:\n  - name: one\n    trigger: {type: ON_SCHEDUL}\n")
    worse = tmp_path / "worse.yaml"
    worse.write_text("rules: 7\n")

    told = cli("rules", "lint", faulty, hasty, worse, exit_code=1).errors

    assert f"{faulty}:3: " in told
    assert f"{worse}:1: " in told


def test_the_catalogue_knows_what_is_often_missing(acme, hasty):
    with psycopg.connect(acme.database) as conn:
        conn.execute(
            'UPDATE doclife.documents SET metadata = \'{"signed_on": "2026-01-01"}\''
            " WHERE id = (SELECT min(id) FROM doclife.documents)"
        )

    report = acme.json("rules", "lint", hasty, "--against-catalogue", exit_code=1)

    (missing,) = [one for one in report["findings"] if one["code"] == "often-missing"]
    assert missing["line"] == 7
    assert "metadata.signed_on is missing or malformed in 2 of 3 documents" in missing["what"]


def test_the_rules_in_force_are_part_of_the_set(acme, tmp_path):
    """expired-notes is in force in acme and deletes notes that have expired."""
    file = tmp_path / "again.yaml"
    file.write_text(
        "organization: acme\nrules:\n"
        "  - name: notes-again\n    mode: enforce\n    trigger: {type: ON_EXPIRATION}\n"
        "    when: {field: document_type, op: eq, value: note}\n    warn: [7d]\n"
        "    limits: {max_fraction: 0.01}\n    actions: [{do: DELETE}]\n"
    )

    assert acme.json("rules", "lint", file)["clean"]
    (found,) = acme.json("rules", "lint", file, "--against-catalogue", exit_code=1)["findings"]

    assert found["code"] == "always-outranked"
    assert "expired-notes" in found["what"]


def test_a_condition_that_no_document_fulfils_is_for_reading(acme, tmp_path):
    file = tmp_path / "misspelt.yaml"
    file.write_text(
        "organization: acme\nrules:\n"
        "  - name: misspelt\n    trigger: {type: ON_SCHEDULE}\n"
        "    when: {field: document_type, op: eq, value: noet}\n    actions: [{do: ARCHIVE}]\n"
    )

    (found,) = acme.json("rules", "lint", file, "--against-catalogue")["findings"]

    assert (found["code"], found["severity"]) == ("matches-nothing", "info")
    assert "none of 3 documents" in found["what"]


def test_a_large_catalogue_is_read_by_index_or_a_finding(acme, hasty, monkeypatch):
    monkeypatch.setattr("doclife.lifecycle.rule_linting.LARGE", 3)
    hasty.write_text(hasty.read_text().replace("field: document_type", "field: title"))

    found = acme.json("rules", "lint", hasty, "--against-catalogue", exit_code=1)["findings"]

    (slow,) = [one for one in found if one["code"] == "no-index"]
    assert "document_type, expires_on" in slow["fix"]
