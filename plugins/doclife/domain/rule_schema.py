"""The JSON Schema of rule files, for editors: completion and red lines while typing.

It is a little more generous than ``load_rules``: what lies between two parts of a rule, a schema
cannot say.
"""

from __future__ import annotations

from typing import Any

from doclife.domain.condition_reader import MAX_LIST
from doclife.domain.duration import PERIOD_PATTERN
from doclife.domain.fields import (
    FIELDS,
    LIST_OPERATORS,
    METADATA_NAME_PATTERN,
    METADATA_PREFIX,
    NULLNESS,
    OPERATORS,
    PERIOD_OPERATORS,
    RULE_STATUSES,
    FieldType,
    MetadataType,
    Operator,
)
from doclife.domain.rule import Rule
from doclife.domain.rule_file import MAX_RULES, ORGANIZATION_PATTERN
from doclife.domain.text import MAX_TEXT

_DATE = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_PERIOD = {"type": "string", "pattern": PERIOD_PATTERN}
_SCALARS: dict[FieldType, dict[str, Any]] = {
    FieldType.TEXT: {"type": "string", "maxLength": MAX_TEXT},
    FieldType.INT: {"type": "integer"},
    FieldType.DATE: _DATE,
    FieldType.TEXT_LIST: {"type": "string", "maxLength": MAX_TEXT},
}


def rule_json_schema() -> dict[str, Any]:
    """The schema of a whole rule file, published as include/rules/rule.schema.json."""
    rule = Rule.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = rule.pop("$defs", {})
    rule["properties"]["when"] = {"$ref": "#/$defs/Condition"}
    definitions["Rule"] = rule
    definitions["Condition"] = _condition()
    rules = {"type": "array", "maxItems": MAX_RULES, "items": {"$ref": "#/$defs/Rule"}}
    file = {
        "type": "object",
        "additionalProperties": False,
        "required": ["rules"],
        "properties": {
            "organization": {"type": "string", "pattern": f"^{ORGANIZATION_PATTERN}$"},
            "metadata_fields": {
                "description": "Metadata that conditions may use, and what it holds.",
                "type": "object",
                "propertyNames": {"pattern": f"^{METADATA_NAME_PATTERN}$"},
                "additionalProperties": {"enum": [kind.value for kind in MetadataType]},
            },
            "rules": rules,
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "doclife rules",
        "oneOf": [rules, file],
        "$defs": dict(sorted(definitions.items())),
    }


def _condition() -> dict[str, Any]:
    group = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Condition"}}
    groups = [_object({key: group}) for key in ("all", "any")]
    groups.append(_object({"not": {"$ref": "#/$defs/Condition"}}))
    return {
        "description": "all, any or not of conditions, or a comparison {field, op, value}.",
        "anyOf": [*groups, *_comparisons()],
    }


def _comparisons() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind, operators in OPERATORS.items():
        names = [name for name, known in FIELDS.items() if known.type is kind and name != "status"]
        found += [_comparison({"enum": names}, kind, operator) for operator in operators]
    found += [
        _comparison({"const": "status"}, FieldType.TEXT, operator, {"enum": [*RULE_STATUSES]})
        for operator in OPERATORS[FieldType.TEXT]
    ]
    # What a metadata field holds is known where it is declared, not here.
    pattern = f"^{METADATA_PREFIX.replace('.', '[.]')}{METADATA_NAME_PATTERN}$"
    metadata = {"type": "string", "pattern": pattern}
    for declared in MetadataType:
        kind = FieldType(declared.value)
        found += [_comparison(metadata, kind, operator) for operator in OPERATORS[kind]]
    return found


def _comparison(
    field: dict[str, Any],
    kind: FieldType,
    operator: Operator,
    scalar: dict[str, Any] | None = None,
) -> dict[str, Any]:
    value: dict[str, Any] = scalar or _SCALARS[kind]
    if operator in NULLNESS:
        return _object({"field": field, "op": {"const": operator.value}})
    if operator in LIST_OPERATORS:
        value = {"type": "array", "minItems": 1, "maxItems": MAX_LIST, "items": value}
    elif operator in PERIOD_OPERATORS:
        value = _PERIOD
    return _object({"field": field, "op": {"const": operator.value}, "value": value})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
