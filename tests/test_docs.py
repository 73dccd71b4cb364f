"""What the code has, the documents name; and what the documents name, there is.

The habit is datasette's: whoever adds a command, a DAG, a field, a setting or a table is asked for
a sentence about it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from doclife.cli.app import app
from doclife.domain.actions import SETTINGS, ActionType
from doclife.domain.fields import FIELDS, Operator
from doclife.domain.own_events import OwnEvent
from doclife.domain.rule import Rule

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
EVERYTHING = "\n".join(TEXTS.values())
RULES = TEXTS[ROOT / "docs" / "rules.md"]
SCHEMA = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("include/sql/schema/*.sql"))
)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
# A setting is read with one of these, by its name.
READERS = ("env", "environ", "environment")
# Everybody's variables: read only to hand them on with something added.
HANDED_ON = {"PATH", "NO_PROXY", "PYTHONPATH"}


def names(command: object, path: tuple[str, ...] = ("doclife",)) -> Iterator[str]:
    """Yield every command that does something, as one types it."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path)
        return
    for name, each in below.items():
        yield from names(each, (*path, name))


def settings() -> set[str]:
    """Return the environment variables that the program and ./run read."""
    found = set()
    files = [*ROOT.glob("plugins/doclife/**/*.py"), *ROOT.glob("local/*.py"), ROOT / "run"]
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call | ast.Subscript):
                continue
            owner = node.func.value if _is_get(node) else getattr(node, "value", None)
            if getattr(owner, "id", getattr(owner, "attr", None)) not in READERS:
                continue
            key = node.args[0] if isinstance(node, ast.Call) else node.slice
            name = constants.get(key.id) if isinstance(key, ast.Name) else _text(key)
            if name is not None and name.isupper():
                found.add(name)
    return found - HANDED_ON


def _is_get(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "getenv")
        and bool(node.args)
    )


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


COMMANDS = sorted(names(typer.main.get_command(app)))
DAGS = sorted(path.stem for path in ROOT.glob("dags/*.py"))
TABLES = sorted(set(re.findall(r"^CREATE TABLE (\w+) \(", SCHEMA, re.MULTILINE)))
ENVIRONMENT = sorted(settings())
ACTION_SETTINGS = sorted(
    {field.alias or name for each in SETTINGS.values() for name, field in each.model_fields.items()}
)
PARTS = sorted(field.alias or name for name, field in Rule.model_fields.items())


def test_there_is_something_to_look_for() -> None:
    for found in (COMMANDS, DAGS, TABLES, ENVIRONMENT, ACTION_SETTINGS, PARTS):
        assert len(found) > 3
    assert {"PORT", "DOCLIFE_DATABASE_URL", "PG_BIN"} <= set(ENVIRONMENT)
    assert {"doclife status", "doclife rules preview"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"{re.escape(command)}\b", EVERYTHING)


@pytest.mark.parametrize("dag", DAGS)
def test_every_dag_is_documented(dag: str) -> None:
    assert f"`{dag}`" in EVERYTHING


@pytest.mark.parametrize("name", [*FIELDS, *Operator, *PARTS, *ActionType, *ACTION_SETTINGS])
def test_every_word_of_the_rule_language_is_documented(name: str) -> None:
    assert f"`{name}`" in RULES


@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_every_setting_is_documented(variable: str) -> None:
    assert f"`{variable}`" in EVERYTHING


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_documented(table: str) -> None:
    assert f"`{table}`" in TEXTS[ROOT / "docs" / "schema.md"]


@pytest.mark.parametrize("event", OwnEvent)
def test_every_event_of_our_own_is_documented(event: str) -> None:
    assert f"`{event}`" in TEXTS[ROOT / "docs" / "events.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", TEXTS[page])):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", TEXTS[page]), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


def test_every_page_is_reached_from_the_first() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page, text in TEXTS.items()
        for link in LINK.findall(text)
    }
    assert [page.name for page in PAGES if page not in linked and page.name != "README.md"] == []


def test_the_tests_that_are_named_as_proof_exist() -> None:
    written = set()
    for file in ROOT.glob("tests/**/test_*.py"):
        written |= {file.stem, *re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))}

    named = set(re.findall(r"\b(test_\w+)", EVERYTHING))

    assert named
    assert named <= written


def test_the_constraints_that_are_named_as_proof_exist() -> None:
    rows = re.findall(r"^\|.*\|$", TEXTS[ROOT / "docs" / "lifecycle.md"], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[-2])}

    assert named
    assert {name for name in named if not re.search(rf"\b{name}\b", SCHEMA)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_no_machine(page: Path) -> None:
    assert not re.search(r"/work/|/root/|/tmp/|\.\./shared|index-url|\bpypi\.", TEXTS[page])
