"""doclife rules."""

from pathlib import Path

import pytest

from local.state import ROOT

STARTER = ROOT / "include" / "rules" / "starter.yaml"


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    file = tmp_path / "faulty.yaml"
    file.write_text(
        "rules:\n"
        "  - name: one\n"
        "    trigger: {type: ON_SCHEDUL}\n"
        "    actions: [{do: NOTIFY, with: {to: x}}]\n"
        "  - name: two\n"
        "    trigger: {type: ON_EXPIRATION}\n"
        "    when: {field: departement, op: eq, value: 1}\n"
        "    actions: [{do: DELETE}]\n"
    )
    return file


def test_every_fault_of_every_file_is_listed_with_its_line(cli, faulty):
    answer = cli("rules", "validate", faulty, STARTER, exit_code=1)

    assert f"{faulty}:3: " in answer.errors
    assert f"{faulty}:7: " in answer.errors
    assert f"{STARTER}: 9 rules, no fault." in answer.output


def test_validating_needs_no_database(cli, monkeypatch):
    away = type(cli)("postgresql://nobody@127.0.0.1:1/none")

    assert away.json("rules", "validate", STARTER)["valid"] is True


def test_faults_are_data_with_json(cli, faulty):
    report = cli.json("rules", "validate", faulty, exit_code=1)

    assert report["valid"] is False
    assert [fault["line"] for fault in report["files"][0]["faults"]] == [3, 7]


def test_applying_the_same_file_again_changes_nothing(acme, rule_file):
    changes = acme.json("rules", "apply", rule_file)["changes"]

    assert [change["kind"] for change in changes] == ["unchanged"]


def test_a_diff_shows_the_lines_and_changes_nothing(acme, rule_file):
    rule_file.write_text(rule_file.read_text().replace("mode: enforce", "mode: simulate"))

    shown = acme("rules", "diff", rule_file)

    assert "-  mode: enforce" in shown.output
    assert "+  mode: simulate" in shown.output
    assert acme.json("rules", "list")["rules"][0]["rule"]["mode"] == "enforce"


def test_what_is_exported_can_be_applied_without_a_change(acme, tmp_path):
    exported = tmp_path / "exported.yaml"
    exported.write_text(acme("rules", "export").output)

    changes = acme.json("rules", "apply", exported)["changes"]

    assert [change["kind"] for change in changes] == ["unchanged"]


def test_a_removed_rule_comes_back_as_the_next_version(acme, rule_file):
    acme("rules", "remove", "expired-notes")
    removed = acme.json("rules", "list")["rules"]

    acme("rules", "apply", rule_file)

    assert removed == []
    assert acme.json("rules", "list")["rules"][0]["version"] == 2


def test_a_draft_is_previewed_without_being_applied(acme, tmp_path):
    draft = tmp_path / "draft.yaml"
    draft.write_text(
        "organization: acme\n"
        "rules:\n"
        "  - name: never-applied\n"
        "    trigger: {type: ON_EXPIRATION}\n"
        "    when: {field: title, op: not_null}\n"
        "    actions: [{do: DELETE}]\n"
    )

    shown = acme.json("rules", "preview", "never-applied", "--file", draft)

    assert shown["counts"][0]["documents"] == 3
    assert [rule["name"] for rule in acme.json("rules", "list")["rules"]] == ["expired-notes"]


def test_a_rule_that_archives_into_an_unknown_store_is_not_applied(acme, tmp_path):
    file = tmp_path / "archiving.yaml"
    file.write_text(
        "organization: acme\n"
        "rules:\n"
        "  - name: old-notes\n"
        "    mode: enforce\n"
        "    trigger: {type: ON_EXPIRATION}\n"
        "    when: {field: title, op: not_null}\n"
        "    actions: [{do: ARCHIVE, with: {store: nostore}}]\n"
    )

    refused = acme("rules", "apply", file, exit_code=1)

    assert "rule old-notes archives into store 'nostore'" in refused.errors
    assert [rule["name"] for rule in acme.json("rules", "list")["rules"]] == ["expired-notes"]


def test_an_unknown_rule_is_named_with_those_there_are(acme):
    for command in (("preview", "nope"), ("remove", "nope")):
        assert "Rules: expired-notes." in acme("rules", *command, exit_code=1).errors


def test_the_schema_for_editors_is_the_one_in_the_project(cli):
    assert cli("rules", "schema").output == (ROOT / "include/rules/rule.schema.json").read_text()


def test_a_file_that_is_not_text_is_one_sentence(cli, tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_bytes(b"\xff\xfe\x00")

    assert "is not UTF-8 text" in cli("rules", "validate", file, exit_code=1).errors
