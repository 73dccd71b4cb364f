"""What pydantic found wrong with the parts of a rule, in words for the rule's author."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from doclife.domain.actions import SETTINGS, ActionType, ArchiveAction
from doclife.domain.faults import Fault, Path, did_you_mean, shown
from doclife.domain.rule import (
    WARN_LABELS,
    Limits,
    Retain,
    Review,
    Trigger,
    UncheckedRule,
    Warnings,
)

_MODELS: Mapping[str, type[BaseModel]] = {
    "trigger": Trigger,
    "retain": Retain,
    "review": Review,
    "limits": Limits,
    "warn": Warnings,
}
_LABELS = frozenset(ActionType)
"""Pydantic names the kind of an action in a place; the file has no such step."""


def faults_of(error: ValidationError) -> list[Fault]:
    """Every fault of a validation, in the order pydantic found them."""
    return [_fault(dict(detail)) for detail in error.errors(include_url=False)]


def _fault(detail: dict[str, Any]) -> Fault:
    location: tuple[str | int, ...] = detail["loc"]
    path = tuple(
        step
        for at, step in enumerate(location)
        if not (at == 2 and location[0] == "actions" and step in _LABELS)
        and not (at == 1 and location[0] == "warn" and step in WARN_LABELS)
    )
    return Fault(
        path=path,
        message=_message(detail, location, path),
        is_unknown_key=detail["type"] == "extra_forbidden",
    )


def _message(detail: dict[str, Any], location: Path, path: Path) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    value = detail.get("input")
    match detail["type"]:
        case "extra_forbidden":
            keys = _keys(location)
            return (
                f"unknown key {shown(path[-1])}.{did_you_mean(path[-1], keys)} "
                f"Keys: {', '.join(keys)}"
            )
        case "missing":
            return f"{path[-1]!r} is missing"
        case "enum" | "literal_error":
            return _not_one_of(value, _words(str(context["expected"])))
        case "union_tag_invalid":
            word = value.get("do") if isinstance(value, dict) else value
            return _not_one_of(word, [kind.value for kind in ActionType])
        case "union_tag_not_found":
            return "an action needs 'do': " + ", ".join(ActionType)
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch" if path == ("name",):
            slug = re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-")[:63]
            hint = f" Did you mean {slug!r}?" if re.match(r"[a-z][a-z0-9-]", slug) else ""
            return (
                f"{shown(value)} cannot name a rule: 2 to 63 lower-case letters, digits and -, "
                f"beginning with a letter.{hint}"
            )
        case "string_pattern_mismatch":
            return f"{shown(value)} does not match {context['pattern']}"
        case "string_type":
            return f"{shown(value)} is not text; put it in quotes"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{shown(value)} is not a mapping of keys to values"
        case "tuple_type":
            return f"{shown(value)} is not a list"
        case _:
            return f"{shown(value)}: {str(detail['msg'])[:1].lower()}{str(detail['msg'])[1:]}"


def _not_one_of(word: object, choices: Iterable[str]) -> str:
    known = list(choices)
    return f"{shown(word)} is none of {', '.join(known)}.{did_you_mean(word, known)}"


def _words(expected: str) -> list[str]:
    """The words of pydantic's ``'a', 'b' or 'c'``."""
    return expected.replace(" or ", ", ").replace("'", "").split(", ")


def _keys(location: Path) -> list[str]:
    model: type[BaseModel] = UncheckedRule
    if location[0] == "actions":
        # ("actions", position, kind, "with", key): every kind of action has the same outer keys.
        model = SETTINGS[str(location[2])] if len(location) > 4 else ArchiveAction
    elif len(location) > 1:
        model = _MODELS.get(str(location[0]), UncheckedRule)
    return [known.alias or name for name, known in model.model_fields.items()]
