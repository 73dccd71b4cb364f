"""doclife rules test."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema
import psycopg
import pytest

from doclife.domain.expectation import load_expectations
from doclife.domain.rule_yaml import read_yaml
from local.state import ROOT

RULES = ROOT / "include" / "rules"

KEEPS = """
metadata_fields: {contract_end: date}
rules:
  - name: contracts-2y
    trigger: {type: ON_SCHEDULE}
    when: {field: document_type, op: eq, value: contract}
    retain: {for: 2y, after: metadata.contract_end}
    actions: [{do: DELETE}]
  - name: scratch
    mode: off
    trigger: {type: ON_SCHEDULE}
    when: {field: tags, op: has_any, value: [temp]}
    actions: [{do: DELETE}]
"""


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "keeps.yaml").write_text(KEEPS)

    def write_expectations(text: str, *, name: str = "keeps.expect.yaml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write_expectations


def one_document(expect: str, document: str = "document_type: contract") -> str:
    return (
        f"cases:\n  - name: a case\n    documents:\n      - id: one\n        {document}\n"
        f"        metadata: {{contract_end: 2024-02-29}}\n        expect: {expect}\n"
    )


def test_the_shipped_expectations_are_met(cli):
    shipped = [RULES / f"{name}.expect.yaml" for name in ("examples", "starter")]

    report = cli.json("rules", "test", *shipped)

    assert (report["failed"], report["passed"] > 30) == (0, True)
    assert {Path(one["file"]).name for one in report["expectations"]} == {
        "examples.expect.yaml",
        "starter.expect.yaml",
    }


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        (
            "{as_of: 2026-02-28, action: DELETE}",
            "expected action DELETE, got none: the next is DELETE by rule contracts-2y, "
            "due 2026-03-01",
        ),
        (
            "{as_of: 2026-03-01, action: none}",
            "expected action none, got DELETE: DELETE by rule contracts-2y, due 2026-03-01",
        ),
        ("{as_of: 2026-03-01, rule: scratch}", "expected rule scratch to act, got contracts-2y"),
        (
            "{as_of: 2026-03-01, due: {DELETE: 2026-02-28}}",
            "expected DELETE to be due 2026-02-28, got 2026-03-01",
        ),
        ("{as_of: 2026-03-01, due: {DELETE: never}}", "be due never, got 2026-03-01"),
        (
            "{as_of: 2026-03-01, retained_until: 2026-03-01}",
            "expected retained_until 2026-03-01, got 2026-02-28 (by rule contracts-2y)",
        ),
        ("{as_of: 2026-03-01, retained_by: scratch}", "expected retained_by scratch, got contract"),
        ("{as_of: 2026-03-01, held: true}", "expected held true, got false"),
        ("{as_of: 2026-03-01, unknown: [contracts-2y]}", "unknown to contracts-2y, got none"),
        ("{as_of: 2026-03-01, messages: [NOTIFY]}", "expected messages NOTIFY, got none"),
        ("{as_of: 2026-03-01, because: held}", "expected because held, got none"),
    ],
)
def test_what_is_otherwise_is_said_with_its_line_and_the_reason(cli, write, expect, told):
    file = write(one_document(expect))

    answer = cli("rules", "test", file, exit_code=1)

    assert f"{file}:7: one on 2026-" in answer.output
    assert told in answer.output
    assert "1 expectation, 1 not met" in answer.output


def test_the_reason_of_a_night_that_leaves_a_document_alone_is_the_plans_own(cli, write):
    file = write(
        one_document(
            "{as_of: 2026-03-01, action: DELETE}",
            "document_type: contract\n        holds: [litigation-7]",
        )
    )

    told = cli("rules", "test", file, exit_code=1).output

    assert "DELETE by rule contracts-2y, due 2026-03-01, is not done (held)" in told


def test_a_rule_that_is_off_is_not_in_force(cli, write):
    file = write(
        one_document(
            "{as_of: 2030-01-01, action: none, due: {DELETE: never}}",
            "document_type: note\n        tags: [temp]",
        )
    )

    assert cli.json("rules", "test", file)["failed"] == 0


def test_nothing_is_left_in_the_database(cli, write):
    file = write(one_document("{as_of: 2026-03-01, action: DELETE}"))
    count = (
        "SELECT (SELECT count(*) FROM doclife.organizations), (SELECT count(*) FROM"
        " doclife.documents), (SELECT count(*) FROM doclife.plans), (SELECT count(*) FROM"
        " doclife.rules), (SELECT count(*) FROM doclife.audit_entries),"
        " (SELECT count(*) FROM doclife.stores), (SELECT count(*) FROM doclife.events)"
    )
    with psycopg.connect(cli.database) as conn:
        before = conn.execute(count).fetchone()

        cli("rules", "test", file)

        assert conn.execute(count).fetchone() == before


def test_a_ci_server_gets_a_junit_report(cli, write, tmp_path):
    file = write(
        one_document("[{as_of: 2026-03-01, action: DELETE}, {as_of: 2026-03-01, held: true}]")
    )

    cli("rules", "test", file, "--junit", tmp_path / "report.xml", exit_code=1)

    root = Xml.parse(tmp_path / "report.xml").getroot()
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (str(file), "2", "1")
    assert suite[1].find("failure").get("message") == "expected held true, got false"
    assert suite[1].get("name") == "one on 2026-03-01"


def test_every_fault_of_a_file_comes_at_once_with_its_line(cli, write):
    file = write(
        "cases:\n"
        "  - name: a case\n"
        "    documents:\n"
        "      - id: one\n"
        "        tag: [x]\n"
        "        expect:\n"
        "          action: DELET\n"
        "          as_of: soon\n"
        "      - id: two\n"
        "        expect: {held: true, as_of: 2026-01-01}\n"
    )

    told = cli("rules", "test", file, exit_code=1).errors

    assert f"{file}:5: cases[0].documents[0].tag: unknown key 'tag'. Did you mean 'tags'?" in told
    assert f"{file}:7: cases[0].documents[0].expect.action: 'DELET'" in told
    assert f"{file}:8: " in told
    assert "'soon' is not a day" in told


def test_an_expectation_needs_a_day_and_a_document_a_name_of_its_own(cli, write):
    file = write(
        one_document("{action: none}") + "      - id: one\n        expect: {as_of: 2026-01-01}\n"
    )

    told = cli("rules", "test", file, exit_code=1).errors

    assert f"{file}:7: 'as_of' is missing" in told
    assert f"{file}:8: a document 'one' is already there" in told


def test_rules_may_come_from_several_files_and_must_be_there(cli, write):
    other = write("rules: [keeps.yaml, more.yaml]\n" + one_document("{as_of: 2026-01-01}"),
                  name="both.expect.yaml")  # fmt: skip

    assert "more.yaml, which is not a file" in cli("rules", "test", other, exit_code=1).errors


def test_a_folder_without_tests_is_no_success(cli, tmp_path):
    assert "there is nothing to test" in cli("rules", "test", tmp_path, exit_code=1).errors


def test_the_schema_for_editors_is_published_and_fits_what_is_shipped(cli):
    schema = cli("rules", "schema", "--expectations")

    assert schema.output == (RULES / "expect.schema.json").read_text()
    for file in RULES.glob("*.expect.yaml"):
        load_expectations(file.read_text(), file=file.name)
        jsonschema.validate(read_yaml(file.read_text()).value, schema.document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"cases": [{"name": "x"}]}, schema.document)
