"""doclife matters, documents hold and release, as a records officer types them."""

import csv
import json

import pytest

from .conftest import Cli


@pytest.fixture
def condition(tmp_path):
    """A condition about drafts, and documents of which nobody can say."""
    file = tmp_path / "acme.yaml"
    file.write_text("when:\n  field: metadata.client\n  op: eq\n  value: acme\n")
    return file


@pytest.fixture
def papers(cli: Cli, folder, tmp_path):
    """Three documents: one of acme's, one of somebody else's, one of nobody's."""
    cli("documents", "import", folder)
    cli("documents", "declare-field", "client", "text")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "path,external_id,metadata.client\n"
        "files/a.txt,files/a.txt,acme\n"
        "files/b.txt,files/b.txt,globex\n"
    )
    cli("documents", "import", manifest)
    return cli


def open_acme(cli, condition):
    return cli(
        *("matters", "open", "Acme v. us", "--reason", "price fixing"),
        *("--authority", "district court", "--when", condition),
    )


def held(cli):
    found = cli.json("documents", "list", "--held")["documents"]
    return [one["external_id"] for one in found]


def test_a_matter_with_a_condition_holds_what_matches_and_what_is_unknown(papers, condition):
    preview = papers.json("matters", "preview", "--when", condition)
    said = open_acme(papers, condition).output

    assert {row["basis"]: row["documents"] for row in preview["caught"]} == {
        "matched": 1,
        "unknown": 1,
    }
    assert "caught 2 documents" in said
    assert held(papers) == ["files/a.txt", "files/c.txt"]


def test_the_preview_says_what_unknown_means_and_holds_nobody(papers, condition):
    said = papers("matters", "preview", "--when", condition).output

    assert "files/c.txt" in said
    assert "These are held too" in said
    assert held(papers) == []


def test_the_report_and_its_export(papers, condition, tmp_path):
    open_acme(papers, condition)
    papers("documents", "release", "Acme v. us", "files/c.txt", "--reason", "never theirs")
    export = tmp_path / "export.csv"

    said = papers("matters", "show", "Acme v. us", "--csv", export).output
    report = papers.json("matters", "show", "Acme v. us")

    for words in ("price fixing", "district court", "metadata.client", "2 documents written"):
        assert words in said
    assert (report["matter"]["held"], report["matter"]["released"]) == (1, 1)
    assert {(row["hold"], row["basis"]) for row in report["counts"]} == {
        ("held", "matched"),
        ("released", "unknown"),
    }
    with export.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["external_id"], row["hold"], row["release_reason"]) for row in rows] == [
        ("files/a.txt", "held", ""),
        ("files/c.txt", "released", "never theirs"),
    ]


def test_matters_are_listed_with_what_they_hold(papers, condition):
    open_acme(papers, condition)
    papers("documents", "hold", "Case 8", "files/b.txt", "--reason", "audit")
    papers("matters", "close", "Case 8", "--yes")

    found = papers.json("matters", "list")["matters"]
    every = papers.json("matters", "list", "--all")["matters"]

    assert [(one["name"], one["held"]) for one in found] == [("Acme v. us", 2)]
    assert [one["name"] for one in every] == ["Acme v. us", "Case 8"]
    assert "Acme v. us" in papers("matters", "list").output


def test_unknown_ids_are_named_and_the_rest_is_held(papers, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text("files/a.txt\n\n  files/nothing.txt\nfiles/b.txt\n")

    said = papers(
        *("documents", "hold", "Case 7", "--from", ids, "files/nobody.txt"),
        *("--reason", "audit"),
        exit_code=3,
    ).output

    assert "Now held under 'Case 7': 2 documents" in said
    assert "'files/nothing.txt': no document has this external id" in said
    assert "'files/nobody.txt': no document has this external id" in said
    assert held(papers) == ["files/a.txt", "files/b.txt"]


def test_what_is_too_late_says_when_destruction_began(papers, conn):
    conn.execute("ALTER TABLE documents DISABLE TRIGGER USER")
    conn.execute(
        "UPDATE documents SET status = 'purging', status_before = 'active',"
        " purging_at = '2026-03-02 03:00+00' WHERE external_id = 'files/a.txt'"
    )
    conn.execute("ALTER TABLE documents ENABLE TRIGGER USER")
    command = ("documents", "hold", "Case 7", "files/a.txt", "files/b.txt", "--reason", "audit")

    said = papers(*command, exit_code=3).output
    answer = json.loads(papers(*command, "--json", exit_code=3).output)

    assert "'files/a.txt': too late, destruction began at 2026-03-02 03:00:00 UTC." in said
    assert answer["too_late"] == [
        {"external_id": "files/a.txt", "destruction_began_at": "2026-03-02T03:00:00+00:00"}
    ]
    assert answer["already"] == 1


def test_a_condition_holds_once_what_is_there(papers, condition):
    papers("documents", "hold", "Case 7", "--where", condition, "--reason", "audit")

    assert held(papers) == ["files/a.txt", "files/c.txt"]
    assert papers.json("matters", "show", "Case 7")["condition"] is None


def test_holding_says_what_to_hold(papers, condition):
    papers("documents", "hold", "Case 7", "--reason", "audit", exit_code=2)
    papers(
        *("documents", "hold", "Case 7", "files/a.txt", "--where", condition),
        *("--reason", "audit"),
        exit_code=2,
    )


def test_an_empty_list_releases_nobody(papers):
    papers("documents", "hold", "Case 7", "files/a.txt", "--reason", "audit")

    refused = papers("documents", "release", "Case 7", exit_code=2)

    assert "matters close" in refused.errors
    assert held(papers) == ["files/a.txt"]


def test_closing_asks_and_releases_all(papers):
    papers("documents", "hold", "Case 7", "files/a.txt", "files/b.txt", "--reason", "audit")
    papers("documents", "hold", "Case 8", "files/b.txt", "--reason", "audit")

    refused = papers("matters", "close", "Case 7", exit_code=1)
    closed = papers.json("matters", "close", "Case 7", "--yes", "--reason", "settled")

    assert "releases 2 documents" in refused.errors
    assert closed == {"matter": "Case 7", "released": 2, "is_closed": True}
    assert held(papers) == ["files/b.txt"]
    assert papers.json("matters", "show", "Case 7")["matter"]["release_reason"] == "settled"


def test_another_condition_releases_nobody(papers, condition):
    open_acme(papers, condition)
    condition.write_text("{field: metadata.client, op: eq, value: globex}")

    said = papers("matters", "change", "Acme v. us", "--when", condition).output
    papers("matters", "change", "Acme v. us", "--no-condition")
    papers("matters", "change", "Acme v. us", exit_code=2)

    assert "caught 1 document" in said
    assert held(papers) == ["files/a.txt", "files/b.txt", "files/c.txt"]
    assert papers.json("matters", "show", "Acme v. us")["condition"] is None


def test_a_faulty_condition_is_refused_with_its_line(papers, condition):
    condition.write_text("when:\n  field: metadata.clint\n  op: eq\n  value: acme\n")

    refused = papers("matters", "open", "Acme", "--reason", "x", "--when", condition, exit_code=1)

    assert f"{condition}:2" in refused.errors
    assert "Did you mean 'metadata.client'?" in refused.errors
    assert papers.json("matters", "list")["matters"] == []


def test_names_of_matters_are_used_once(papers, condition):
    open_acme(papers, condition)

    twice = papers("matters", "open", "Acme v. us", "--reason", "x", exit_code=1)
    papers("matters", "close", "Acme v. us", "--yes")
    again = papers("documents", "hold", "Acme v. us", "files/a.txt", "--reason", "x", exit_code=1)
    missing = papers("matters", "show", "Acme", exit_code=1)

    assert "open matter 'Acme v. us' already" in twice.errors
    assert "is closed" in again.errors
    assert "no matter 'Acme'" in missing.errors
