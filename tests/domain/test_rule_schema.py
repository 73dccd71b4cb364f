from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from doclife.domain.rule import Rule
from doclife.domain.rule_file import RuleFileError, load_rules
from doclife.domain.rule_schema import rule_json_schema
from doclife.domain.rule_yaml import read_yaml
from tests.domain.strategies import rules

FOLDER = Path(__file__).parents[2] / "include/rules"
SCHEMA = rule_json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_published_schema_is_current() -> None:
    """Made by the last line of docs/add-a-rule-field.md."""
    assert json.loads((FOLDER / "rule.schema.json").read_text()) == SCHEMA


def test_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_examples_fit() -> None:
    VALIDATOR.validate(read_yaml((FOLDER / "examples.yaml").read_text()).value)


@settings(max_examples=100)
@given(rules())
def test_every_rule_fits(some: Rule) -> None:
    VALIDATOR.validate([some.to_source()])


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("mode", "enforc"),
        ("name", "A Name"),
        ("trigger", {"type": "EXPIRATION"}),
        ("when", {"field": "titel", "op": "eq", "value": "x"}),
        ("when", {"field": "title", "op": "older_than", "value": "1y"}),
        ("when", {"field": "size_bytes", "op": "gt", "value": "1"}),
        ("when", {"all": []}),
        ("actions", [{"do": "SHRED"}]),
        ("grace", 30),
        ("unknown", 1),
    ],
)
def test_what_does_not_fit_does_not_load_either(change: str, value: Any) -> None:
    good = {"name": "one", "trigger": {"type": "ON_SCHEDULE"}}
    good |= {"when": {"field": "title", "op": "eq", "value": "x"}, "actions": [{"do": "ARCHIVE"}]}
    VALIDATOR.validate([good])
    bad = {**good, change: value}

    assert not VALIDATOR.is_valid([bad])
    with pytest.raises(RuleFileError):
        load_rules(json.dumps([bad]), file="x.json")
