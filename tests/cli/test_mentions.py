"""Every command that a page, a message or a docstring tells people to type exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command

from doclife.cli.app import app
from local.state import ROOT

TEXTS = ("README.md", "CONTRIBUTING.md", "docs", "dags", "plugins", "include", "local", "run")
KINDS = {".md", ".py", ".yaml", ".sql", ""}
# Written as code (`doclife plans list`), as an indented line, or after "with: " and the like.
MENTION = re.compile(r"(?:`|: |^ {4,})(?:\./run )?doclife ([a-z-]+)(?: ([a-z][a-z-]*))?", re.M)
ROOT_COMMAND = get_command(app)


def texts() -> Iterator[Path]:
    for name in TEXTS:
        path = ROOT / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (
                file
                for file in path.rglob("*")
                if file.is_file() and file.suffix in KINDS and "__pycache__" not in file.parts
            )


def is_known(noun: str, verb: str | None) -> bool:
    commands = ROOT_COMMAND.commands
    if noun not in commands:
        return False
    verbs = getattr(commands[noun], "commands", None)
    return verb is None or verbs is None or verb in verbs


def test_every_command_that_is_mentioned_exists():
    mentions = {
        (path.relative_to(ROOT), noun, verb or None)
        for path in texts()
        for noun, verb in MENTION.findall(path.read_text(encoding="utf-8"))
    }

    assert len(mentions) > 30
    assert (
        sorted(
            f"{path}: doclife {noun} {verb or ''}"
            for path, noun, verb in mentions
            if not is_known(noun, verb)
        )
        == []
    )


def test_every_command_explains_itself_and_takes_json():
    silent, without_json = [], []
    for noun, command in ROOT_COMMAND.commands.items():
        for verb, leaf in getattr(command, "commands", {"": command}).items():
            if not leaf.help:
                silent.append(f"{noun} {verb}")
            if not any("--json" in parameter.opts for parameter in leaf.params):
                without_json.append(f"{noun} {verb}")

    assert silent == []
    assert without_json == []
