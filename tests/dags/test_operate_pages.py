"""docs/operate/: each DAG has a page for when it is red, about its tasks as they are."""

from __future__ import annotations

import re

import pytest
import typer.main

from doclife.cli.app import app
from doclife.domain.checkup_airflow import DAGS
from tests.airflow_environment import ROOT

FOLDER = ROOT / "docs" / "operate"
ROW = re.compile(r"^\| (`[^|]*) \|", re.MULTILINE)
COMMAND = re.compile(r"`doclife ([a-z][a-z -]*)")
HEADINGS = ("What is done, and safe", "First three looks", "Task by task", "Do not")


def test_there_is_one_page_for_each_dag_and_no_other():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(DAGS)


@pytest.mark.parametrize("dag_id", DAGS)
class TestPage:
    def test_is_named_by_what_the_dag_shows_in_airflow(self, dags, dag_id):
        assert f"docs/operate/{dag_id}.md" in dags[dag_id].doc_md

    def test_has_what_somebody_looks_for_at_night(self, dag_id):
        text = page(dag_id)

        assert text.startswith(f"# {dag_id} is red")
        for heading in HEADINGS:
            assert f"\n## {heading}\n" in text, heading
        looks = text.split("## First three looks\n")[1].split("\n## ")[0]
        assert re.findall(r"^(\d)\. ", looks, re.MULTILINE) == ["1", "2", "3"]

    def test_tells_of_every_task_and_of_none_that_there_is_not(self, dags, dag_id):
        table = page(dag_id).split("## Task by task\n")[1].split("\n## ")[0]

        told = {task for row in ROW.findall(table) for task in re.findall(r"`(\w+)`", row)}

        assert told == set(dags[dag_id].task_ids)

    def test_names_commands_that_there_are(self, dag_id):
        named = COMMAND.findall(page(dag_id))

        assert named
        for words in named:
            assert is_command(words.split()), f"doclife {words}"


def page(dag_id: str) -> str:
    return (FOLDER / f"{dag_id}.md").read_text(encoding="utf-8")


def is_command(words: list[str]) -> bool:
    """Whether words begin with a command that does something."""
    command: object = typer.main.get_command(app)
    for word in words:
        below = getattr(command, "commands", None)
        if below is None:
            return True
        if word not in below:
            return False
        command = below[word]
    return getattr(command, "commands", None) is None
