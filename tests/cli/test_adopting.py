"""docs/adopt.md, as it is written: every statement and command of it, in its order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.state import ROOT

PAGE = (ROOT / "docs" / "adopt.md").read_text(encoding="utf-8")
FILES = {"table:": "documents.yaml", "organization:": "uploads.yaml"}
PARTLY_DONE = {"doclife tables attach documents.yaml"}


def steps() -> Iterator[tuple[str, str]]:
    for step in re.finditer(
        r"^```(sql|yaml)\n(.*?)^```|^    (doclife [^\n]*)$", PAGE, re.MULTILINE | re.DOTALL
    ):
        kind, text, command = step.groups()
        yield (kind, text) if kind else ("command", command)


@pytest.fixture
def database(each_database: str) -> str:
    """On each PostgreSQL that we promise to work on."""
    return each_database


@pytest.fixture
def walked(cli, tmp_path: Path, monkeypatch):
    """Walk the page; return each command with what it printed."""
    monkeypatch.chdir(tmp_path)
    uploads = tmp_path / "storage" / "uploads"
    uploads.mkdir(parents=True)
    for name in ("one", "two", "three"):
        (uploads / f"{name}.txt").write_text("Content.")
    said = {}
    with psycopg.connect(cli.database, autocommit=True) as app:
        for kind, text in steps():
            if kind == "sql":
                app.execute(text)
            elif kind == "yaml":
                name = next(name for start, name in FILES.items() if text.startswith(start))
                (tmp_path / name).write_text(text)
            else:
                code = 3 if text in PARTLY_DONE else 0
                said[text] = cli(*shlex.split(text)[1:], exit_code=code).output
    return said


def test_the_page_works_as_it_is_written(walked, cli):
    assert "CREATE OR REPLACE TRIGGER" in walked["doclife tables attach documents.yaml --dry-run"]
    assert "1 row could not be taken over" in walked["doclife tables attach documents.yaml"]
    assert "size is negative" in walked["doclife tables problems documents"]
    assert (
        "2 documents in bytes.csv" in walked["doclife tables manifest documents bytes.csv -o acme"]
    )
    assert "0 documents new or changed" in walked["doclife tables sync documents"]
    assert "cooling" not in walked["doclife rules preview old-uploads -o acme --as-of 2030-01-01"]


def test_what_the_page_leaves_behind(walked, cli, conn):
    documents = conn.execute(
        "SELECT organization.slug, document.title, document.created_on::text,"
        " object.uri IS NOT NULL FROM documents AS document"
        " JOIN organizations AS organization ON organization.id = document.organization_id"
        " LEFT JOIN stored_objects AS object ON object.id = document.stored_object_id"
        " ORDER BY document.external_id"
    ).fetchall()

    assert documents == [
        ("acme", "Offer 1", "2019-04-01", True),
        ("acme", "Draft", "2020-05-05", True),
        ("globex", "Note", "2024-01-31", False),
    ]
    (table,) = cli.json("tables", "list")["tables"]
    assert table["baseline_rows"] == 3
    assert table["problem_count"] == 0
    assert table["detached_at"] is not None
    (preview,) = [text for name, text in walked.items() if name.endswith("--as-of 2030-01-01")]
    assert "Offer 1" in preview or "00000001" in preview


def test_a_file_that_is_no_mapping_is_refused_in_one_sentence(cli, tmp_path):
    (tmp_path / "x.yaml").write_text("table: public.documents\nfeilds: {}\n")

    refused = cli("tables", "attach", tmp_path / "x.yaml", exit_code=1)

    assert "feilds: there is no such key. Did you mean 'fields'?" in refused.errors
